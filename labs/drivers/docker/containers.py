"""What the engine is asked for, node by node: every hardening option in one place. Pure.

docs/isolation.md says what each is for and which test shows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labs.drivers.base import EGRESS_PORT, NodeSpec, SandboxSpec
from labs.drivers.docker.names import node_labels
from labs.drivers.docker.seccomp import profile_json

MIB = 1024 * 1024
HOME = "/home/learner"
KEEPER_MOUNT = "/run/keeper"
TOOLKIT = "/run/yunlian/toolkit"
KEEPER = "/usr/lib/yunlian/keeper"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# A reserved address that no router takes: a name server to ask in vain, so that no host resolver is asked instead.
NO_RESOLVER = "240.0.0.53"
INODES_PER_MIB = 256
OPEN_MIB = 8
# Runtimes that put a kernel of their own between a node and the host.
OWN_KERNEL = frozenset({"runsc", "kata"})
# What root of a node may beyond owning files: to listen on the ports below 1024 of its own network.
ROOTS_RIGHTS = ("NET_BIND_SERVICE",)
CPU_SHARES = 256
OOM_SCORE = 300


@dataclass(frozen=True)
class EngineFacts:
    """What this engine can limit; an option it would refuse is not passed."""

    cgroup_version: int = 2
    cpu_quota: bool = True
    cpu_shares: bool = True
    swap_limit: bool = True
    private_cgroupns: bool = True
    runtimes: frozenset[str] = frozenset()
    data_root: str = "/var/lib/docker"
    # Where the engine's user namespace begins on the host: added to a uid or gid of a node, it is the host's.
    uid_shift: int = 0
    gid_shift: int = 0

    @property
    def remaps_users(self) -> bool:
        return self.uid_shift > 0

    @classmethod
    def read(cls, info: Mapping[str, Any], api_version: str) -> "EngineFacts":
        version = tuple(int(part) for part in api_version.split("."))
        uid_shift, gid_shift = _shifts(info)
        return cls(
            cgroup_version=int(info.get("CgroupVersion") or 1),
            cpu_quota=bool(info.get("CpuCfsQuota", True)),
            cpu_shares=bool(info.get("CPUShares", True)),
            swap_limit=bool(info.get("SwapLimit", True)),
            private_cgroupns=version >= (1, 41),
            runtimes=frozenset(info.get("Runtimes") or {}),
            data_root=str(info.get("DockerRootDir") or "/var/lib/docker"),
            uid_shift=uid_shift,
            gid_shift=gid_shift,
        )


def _shifts(info: Mapping[str, Any]) -> tuple[int, int]:
    """An engine that remaps users keeps its data below a folder named after where its ranges begin."""
    remaps = any("name=userns" in option for option in info.get("SecurityOptions") or [])
    uid, _dot, gid = str(info.get("DockerRootDir", "")).rpartition("/")[2].partition(".")
    return (int(uid), int(gid)) if remaps and uid.isdigit() and gid.isdigit() else (0, 0)


def memory_limits(memory_mib: int, tmpfs: int, facts: EngineFacts) -> dict[str, int]:
    """Memory, and memory with swap, alike: nothing of a sandbox goes to the host's swap."""
    total = (memory_mib + tmpfs) * MIB
    return {"Memory": total, "MemorySwap": total} if facts.swap_limit else {"Memory": total}


def environment(spec: SandboxSpec, node: NodeSpec, keeper_options: Mapping[str, str]) -> list[str]:
    return [
        f"LANG={spec.locale}",
        f"HOME={HOME}",
        f"PATH={PATH}",
        *(f"YUNLIAN_{name.upper()}={value}" for name, value in sorted(keeper_options.items())),
        *(_way_out(spec) if node.egress else ()),
    ]


def _way_out(spec: SandboxSpec) -> list[str]:
    """The keeper listens on the node's loopback, and programs know of it; siblings are asked directly."""
    proxy = f"http://127.0.0.1:{EGRESS_PORT}"
    siblings = [word for node in spec.nodes for word in (node.name, node.address)]
    direct = ",".join(["localhost", "127.0.0.1", *siblings])
    return ["YUNLIAN_EGRESS=1", f"http_proxy={proxy}", f"https_proxy={proxy}", f"no_proxy={direct}"]


def container_config(
    installation: str,
    spec: SandboxSpec,
    node: NodeSpec,
    *,
    image: str,
    network: str,
    keeper_folder: str,
    facts: EngineFacts,
    toolkit_folder: str = "",
    home_folder: str = "",
    keeper_options: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The body of the engine's create call for ``node``."""
    names = [sibling.name for sibling in spec.nodes]
    return {
        "Image": image,
        "Cmd": [KEEPER],
        "Hostname": node.name,
        "User": f"{spec.learner_uid(node)}:{spec.learner_uid(node)}",
        "Env": environment(spec, node, keeper_options or {}),
        "WorkingDir": "/",
        "Labels": node_labels(installation, spec.ref, node.name, names, node.tmpfs_mib),
        "StopSignal": "SIGTERM",
        "StopTimeout": 1,
        "HostConfig": {
            **_limits(node, facts),
            **_isolation(spec, node, facts),
            "NetworkMode": network,
            "Binds": _binds(keeper_folder, toolkit_folder, home_folder),
            "Tmpfs": _tmpfs(spec, node),
            "Dns": [NO_RESOLVER],
            "DnsOptions": ["timeout:1", "attempts:1"],
            "DnsSearch": ["."],
            "ExtraHosts": [
                f"{sibling.name}:{sibling.address}" for sibling in spec.nodes if sibling.name != node.name
            ],
            "LogConfig": {"Type": "none"},
            "RestartPolicy": {"Name": "no"},
        },
        "NetworkingConfig": {
            "EndpointsConfig": {
                network: {"IPAMConfig": {"IPv4Address": node.address}, "Aliases": [node.name]},
            }
        },
    }


def _binds(keeper_folder: str, toolkit_folder: str, home_folder: str) -> list[str]:
    toolkit = [f"{toolkit_folder}:{TOOLKIT}:ro"] if toolkit_folder else []
    home = [f"{home_folder}:{HOME}:rw"] if home_folder else []
    return [f"{keeper_folder}:{KEEPER_MOUNT}:rw", *toolkit, *home]


def _limits(node: NodeSpec, facts: EngineFacts) -> dict[str, Any]:
    limits: dict[str, Any] = {
        **memory_limits(node.memory_mib, node.tmpfs_mib, facts),
        "PidsLimit": node.pids,
        "OomScoreAdj": OOM_SCORE,
        "Ulimits": [
            {"Name": "nofile", "Soft": 1024, "Hard": 2048},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
    }
    if facts.cpu_quota:
        limits["NanoCpus"] = round(node.cpus * 1_000_000_000)
    if facts.cpu_shares:
        limits["CpuShares"] = CPU_SHARES
    return limits


def _isolation(spec: SandboxSpec, node: NodeSpec, facts: EngineFacts) -> dict[str, Any]:
    isolation: dict[str, Any] = {
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true", f"seccomp={profile_json()}"],
        "ReadonlyRootfs": node.read_only,
        "IpcMode": "private",
        "Privileged": False,
        "PublishAllPorts": False,
        "Init": False,
    }
    if facts.private_cgroupns:
        isolation["CgroupnsMode"] = "private"
    if node.runtime:
        isolation["Runtime"] = node.runtime
    if node.root:
        isolation["CapAdd"] = list(ROOTS_RIGHTS)
    return isolation


def why_no_root(node: NodeSpec, facts: EngineFacts) -> str:
    """Why ``node`` may have no root on this host; empty when it may, or asks for none."""
    if not node.root or node.runtime in OWN_KERNEL or facts.remaps_users:
        return ""
    return (
        f"{node.name} asks for root, which the kernel of this host lends to nobody: "
        "give it the runtime runsc or kata, or let the engine remap users."
    )


def _tmpfs(spec: SandboxSpec, node: NodeSpec) -> dict[str, str]:
    def sized(mib: int, *more: str) -> str:
        limits = (f"size={mib}m", f"nr_inodes={max(1024, mib * INODES_PER_MIB)}")
        return ",".join(("rw", "exec", "nosuid", "nodev", *limits, *more))

    mounts = {
        "/tmp": sized(node.tmp_mib, "mode=1777"),  # noqa: S108
        "/dev/shm": sized(node.shm_mib, "mode=1777"),  # noqa: S108
    }
    if not node.disk_mib:
        mounts[HOME] = sized(node.home_mib, "mode=0750", f"uid={spec.learner_uid(node)}", f"gid={spec.uid}")
    if not node.read_only:
        # What everybody may write besides; in a writable root it would be the host's disk, without an end.
        mounts |= {path: sized(OPEN_MIB, "mode=1777") for path in ("/var/tmp", "/run/lock")}  # noqa: S108
    return mounts
