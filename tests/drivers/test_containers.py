"""What the engine is asked for, on hosts of both cgroup versions; test_isolation.py tries it for real."""

import json
from dataclasses import replace

import pytest

from labs.drivers.base import DriverError, NodeSpec, SandboxSpec
from labs.drivers.docker.containers import EngineFacts, container_config, memory_limits
from labs.drivers.docker.names import checked, container_name
from labs.drivers.docker.nodes import read_usage

MIB = 2**20
NODE = NodeSpec(
    "lb", "haproxy", "10.1.2.2", cpus=0.5, memory_mib=100, pids=50, home_mib=20, tmp_mib=10, shm_mib=5
)
SPEC = SandboxSpec("r1", 200_000, "10.1.2.0/28", (NODE, NodeSpec("web", "web", "10.1.2.3")))
V1 = {"CgroupVersion": "1", "CpuCfsQuota": True, "CPUShares": True, "SwapLimit": True}
V2 = {"CgroupVersion": "2", "CpuCfsQuota": True, "CPUShares": True, "SwapLimit": True}


def config(
    info: dict[str, object] | None = None, api: str = "1.41", node: NodeSpec = NODE
) -> dict[str, object]:
    return container_config(
        "inst",
        SPEC,
        node,
        image="yunlian/haproxy:abc",
        network="yl-inst-r1",
        keeper_folder="/var/k/r1/lb",
        facts=EngineFacts.read(V2 if info is None else info, api),
        keeper_options={"stand_s": "9"},
    )


def host(**more: object) -> dict[str, object]:
    found = config(**more)["HostConfig"]  # type: ignore[arg-type]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("info", [V1, V2], ids=["cgroup v1", "cgroup v2"])
def test_every_limit_is_set_on_either_cgroup_version(info: dict[str, object]):
    limits = host(info=info)
    assert limits["Memory"] == limits["MemorySwap"] == 135 * MIB
    assert limits["NanoCpus"] == 500_000_000
    assert limits["PidsLimit"] == 50
    assert limits["CgroupnsMode"] == "private"
    assert "MemorySwappiness" not in limits
    assert "KernelMemory" not in limits
    assert "OomKillDisable" not in limits


def test_what_a_host_cannot_limit_is_not_asked_for():
    limits = host(info={"CgroupVersion": "1", "CpuCfsQuota": False, "CPUShares": False, "SwapLimit": False})
    assert not {"MemorySwap", "NanoCpus", "CpuShares"} & limits.keys()
    assert limits["Memory"] == 135 * MIB


def test_an_engine_older_than_cgroup_namespaces_is_not_asked_for_one():
    assert "CgroupnsMode" not in host(api="1.40")


def test_nothing_of_the_host_is_lent_but_the_keepers_directory():
    given = host()
    assert given["Binds"] == ["/var/k/r1/lb:/run/keeper:rw"]
    assert given["CapDrop"] == ["ALL"]
    assert given["ReadonlyRootfs"] is True
    assert given["LogConfig"] == {"Type": "none"}
    assert (
        not {"PortBindings", "Devices", "CapAdd", "PidMode", "UTSMode", "VolumesFrom", "Mounts"}
        & given.keys()
    )
    assert given["SecurityOpt"][0] == "no-new-privileges:true"
    assert json.loads(given["SecurityOpt"][1].removeprefix("seccomp="))["syscalls"]


def test_memory_file_systems_are_sized_in_bytes_and_inodes_and_run_programs():
    mounts = host()["Tmpfs"]
    assert set(mounts) == {"/tmp", "/dev/shm", "/home/learner"}
    for options in mounts.values():
        assert {"exec", "nosuid", "nodev"} <= set(options.split(","))
        assert "nr_inodes=" in options
    assert mounts["/home/learner"].endswith("mode=0750,uid=200000,gid=200000")
    assert "size=20m" in mounts["/home/learner"]


def test_a_node_knows_its_siblings_and_no_resolver():
    given = config()
    assert given["HostConfig"]["ExtraHosts"] == ["web:10.1.2.3"]
    assert given["HostConfig"]["Dns"] == ["240.0.0.53"]
    assert given["HostConfig"]["DnsOptions"] == ["timeout:1", "attempts:1"]
    endpoint = given["NetworkingConfig"]["EndpointsConfig"]["yl-inst-r1"]
    assert endpoint["IPAMConfig"] == {"IPv4Address": "10.1.2.2"}


def test_a_node_is_found_again_by_its_labels():
    assert config()["Labels"] == {
        "yunlian": "sandbox",
        "yunlian.installation": "inst",
        "yunlian.ref": "r1",
        "yunlian.node": "lb",
        "yunlian.nodes": "lb,web",
        "yunlian.tmpfs_mib": "35",
    }


def test_a_writable_root_is_a_wish_of_the_lab():
    assert host(node=NodeSpec("lb", "x", "10.1.2.2", read_only=False))["ReadonlyRootfs"] is False


def test_the_keeper_is_told_its_options_only():
    assert config()["Env"] == [
        "LANG=C.UTF-8",
        "HOME=/home/learner",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "YUNLIAN_STAND_S=9",
    ]


def test_without_swap_accounting_only_memory_is_limited():
    assert memory_limits(10, 5, EngineFacts(swap_limit=False)) == {"Memory": 15 * MIB}


@pytest.mark.parametrize("name", ["", "../x", "a/b", "UPPER", "-a", "a-", "a" * 41, "a_b", "a.b", "a\n"])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str):
    with pytest.raises(DriverError):
        checked(name)


def test_names_are_the_key_of_repetition():
    assert container_name("inst", "r1", "lb") == "yl-inst-r1-lb"


def test_usage_is_read_of_both_cgroup_versions():
    v1 = {
        "cpu_stats": {"cpu_usage": {"total_usage": 7}},
        "memory_stats": {"usage": 100, "stats": {"total_inactive_file": 40}},
        "pids_stats": {"current": 3},
    }
    v2 = {**v1, "memory_stats": {"usage": 100, "stats": {"inactive_file": 30}}}
    first, second = read_usage(v1), read_usage(v2)
    assert first is not None
    assert second is not None
    assert (first.cpu_ns, first.memory_bytes, first.pids) == (7, 60, 3)
    assert second.memory_bytes == 70
    assert read_usage({"cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}}) is None


def test_a_home_on_disk_takes_no_memory():
    node = replace(NODE, disk_mib=64)
    assert host(node=node)["Memory"] == 115 * MIB
    assert config(node=node)["Labels"]["yunlian.tmpfs_mib"] == "15"  # type: ignore[index]
