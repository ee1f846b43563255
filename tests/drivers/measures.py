"""Every hardening option of a node, by the name the probes know it by, and the node as it would be without it."""

from collections.abc import Callable
from typing import Any

Config = dict[str, Any]


def _without(key: str, value: Any = None) -> Callable[[Config], None]:
    def weaken(config: Config) -> None:
        if value is None:
            config["HostConfig"].pop(key)
        else:
            config["HostConfig"][key] = value

    return weaken


def _security(word: str, instead: str = "") -> Callable[[Config], None]:
    def weaken(config: Config) -> None:
        kept = [option for option in config["HostConfig"]["SecurityOpt"] if not option.startswith(word)]
        config["HostConfig"]["SecurityOpt"] = [*kept, instead] if instead else kept

    return weaken


def _tmpfs(path: str, *gone: str, instead: str = "") -> Callable[[Config], None]:
    def weaken(config: Config) -> None:
        options = config["HostConfig"]["Tmpfs"][path].split(",")
        kept = [option for option in options if not option.startswith(gone)]
        config["HostConfig"]["Tmpfs"][path] = ",".join([*kept, instead] if instead else kept)

    return weaken


def _ulimit(name: str) -> Callable[[Config], None]:
    """Without the option, a node has what the engine's service has."""

    def weaken(config: Config) -> None:
        config["HostConfig"]["Ulimits"] = [
            limit for limit in config["HostConfig"]["Ulimits"] if limit["Name"] != name
        ]

    return weaken


def _memory(config: Config) -> None:
    config["HostConfig"].pop("Memory")
    config["HostConfig"].pop("MemorySwap", None)


# Where an option's absence and the engine's own default are the same thing, the opposite is asked for instead.
MEASURES: dict[str, tuple[tuple[str, ...], Callable[[Config], None]]] = {
    "capabilities": (("CapDrop",), _without("CapDrop")),
    "no-new-privileges": (("SecurityOpt.no-new-privileges",), _security("no-new-privileges")),
    "seccomp": (("SecurityOpt.seccomp",), _security("seccomp", "seccomp=unconfined")),
    "read-only-root": (("ReadonlyRootfs",), _without("ReadonlyRootfs")),
    "private-ipc": (("IpcMode",), _without("IpcMode", "host")),
    "private-cgroups": (("CgroupnsMode",), _without("CgroupnsMode", "host")),
    "not-privileged": (("Privileged",), _without("Privileged", True)),
    "no-ports": (("PublishAllPorts",), _without("PublishAllPorts", True)),
    "memory": (("Memory",), _memory),
    "swap": (("MemorySwap",), _without("MemorySwap", -1)),
    "pids": (("PidsLimit",), _without("PidsLimit")),
    "cpu-quota": (("NanoCpus",), _without("NanoCpus")),
    "cpu-shares": (("CpuShares",), _without("CpuShares")),
    "oom-score": (("OomScoreAdj",), _without("OomScoreAdj")),
    "open-files": (("Ulimits.nofile",), _ulimit("nofile")),
    "core-files": (("Ulimits.core",), _ulimit("core")),
    "no-log": (("LogConfig",), _without("LogConfig", {"Type": "json-file"})),
    "name-server": (("Dns",), _without("Dns")),
    "resolver-options": (("DnsOptions",), _without("DnsOptions")),
    "search-domain": (("DnsSearch",), _without("DnsSearch")),
    **{
        f"{name}-{what}": (tuple(f"Tmpfs.{path}.{word}" for word in words), weaken)
        for name, path in (("tmp", "/tmp"), ("shm", "/dev/shm"), ("home", "/home/learner"))
        for what, words, weaken in (
            ("bytes", ("size",), _tmpfs(path, "size=")),
            ("files", ("nr_inodes",), _tmpfs(path, "nr_inodes=")),
            ("rights", ("nosuid", "nodev"), _tmpfs(path, "nosuid", "nodev", instead="suid,dev")),
        )
    },
}

# What the body holds besides: how the node is wired up and named, not what it is kept from.
WIRING = {
    "NetworkMode", "Binds", "ExtraHosts", "RestartPolicy", "Init", "Runtime",
    *(f"Tmpfs.{path}.{word}" for path in ("/tmp", "/dev/shm", "/home/learner") for word in ("rw", "exec", "mode", "uid", "gid")),
}  # fmt: skip


def leaves(host: Config) -> set[str]:
    """Every option in the body's HostConfig, by the paths used above."""
    found: set[str] = set()
    for key, value in host.items():
        if key == "Tmpfs":
            found |= {
                f"Tmpfs.{p}.{o.split('=')[0]}" for p, options in value.items() for o in options.split(",")
            }
        elif key == "SecurityOpt":
            found |= {f"SecurityOpt.{option.replace(':', '=').split('=')[0]}" for option in value}
        elif key == "Ulimits":
            found |= {f"Ulimits.{limit['Name']}" for limit in value}
        else:
            found.add(key)
    return found
