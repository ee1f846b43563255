"""What a node's programs may use and ask of the kernel, tried from inside on the real engine; and who is who in it."""

import asyncio
import platform
import threading
import time
from pathlib import Path

import pytest

from labs.drivers.base import NodeSpec
from labs.drivers.docker.engine import api
from tests.drivers.conftest import Place, Screen, docker_place
from tests.drivers.kernel_calls import ENOSYS, EPERM, SHUT, SYSCALLS, call, call_each

pytestmark = pytest.mark.docker

# --- files and memory ------------------------------------------------------------------------------------------------


def test_the_root_is_read_only_and_nothing_of_it_raises_rights(place: Place):
    assert "Read-only" in place.as_checker("touch /usr/here || touch /here").output or "denied" in (
        place.as_checker("touch /usr/here || touch /here").output
    )
    mounts = place.as_learner("cat /proc/mounts").output.splitlines()
    assert next(line for line in mounts if " / " in line).split()[3].startswith("ro")
    assert place.as_learner("find / -xdev -perm /6000 -type f 2>/dev/null").output == ""


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm", "/home/learner"])
def test_memory_file_systems_end_in_bytes_and_in_files(place: Place, folder: str):
    mib = {"/tmp": 32, "/dev/shm": 16, "/home/learner": 16}[folder]
    filled = place.as_learner(
        f"dd if=/dev/zero of={folder}/fill bs=1M count={mib * 2} 2>&1; stat -c %s {folder}/fill; rm {folder}/fill"
    )
    assert "No space left" in filled.output
    assert int(filled.output.splitlines()[-1]) <= mib * 2**20
    crowd = (
        f"mkdir {folder}/many; cd {folder}/many; i=0; "
        f'python3 -c \'import os\ntry:\n    for n in range(100000): open(str(n), "w").close()\n'
        f"except OSError as e: print(n, e.strerror)'; cd /; rm -r {folder}/many"
    )
    count, _, reason = place.as_learner(crowd, timeout_s=30).output.strip().partition(" ")
    assert reason == "No space left on device"
    assert int(count) <= max(1024, mib * 256)


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm", "/home/learner"])
def test_memory_file_systems_run_programs_but_lend_no_rights(place: Place, folder: str):
    script = f"cp /bin/true {folder}/program && chmod 4755 {folder}/program && {folder}/program && echo ran; rm {folder}/program"
    assert place.as_learner(script).output == "ran\n"
    options = place.as_learner(f"grep ' {folder} ' /proc/mounts").output
    assert "nosuid" in options
    assert "nodev" in options


def test_a_memory_bomb_kills_itself_only(base_image: str, tmp_path: Path):
    with docker_place(tmp_path, memory_mib=48, tmp_mib=8, shm_mib=8) as made:
        pid = made.pid_1()
        bomb = made.as_learner("python3 -c 'x = bytearray(512 * 2**20); print(len(x))'")
        assert bomb.exit_code == 137
        many = "for i in 1 2 3 4 5 6 7 8; do python3 -c 'import time; x = b\"x\" * (16 * 2**20); time.sleep(1)' & done; wait"
        made.as_learner(many)
        assert made.pid_1() == pid
        assert made.as_learner("echo alive").output == "alive\n"


def test_a_memory_bomb_in_one_sandbox_hurts_no_neighbour(base_image: str, tmp_path: Path):
    small = {"memory_mib": 48, "tmp_mib": 8, "shm_mib": 8}
    with docker_place(tmp_path / "a", **small) as bomber, docker_place(tmp_path / "b", **small) as neighbour:
        pid = neighbour.pid_1()
        neighbour.as_learner("echo kept > ~/file; (sleep 600; :) >/dev/null 2>&1 & echo $! > ~/pid")
        for _time in range(3):
            bomb = bomber.as_learner("python3 -c 'x = bytearray(512 * 2**20); print(len(x))'")
            assert bomb.exit_code == 137
        said = neighbour.as_learner("cat ~/file; kill -0 $(cat ~/pid) && echo runs")
        assert said.output == "kept\nruns\n"
        assert neighbour.pid_1() == pid


def test_a_fork_bomb_stays_within_its_node(base_image: str, tmp_path: Path):
    with docker_place(tmp_path, "node", "other", pids=64) as made:
        made.as_learner("perl -e '1 while 1; ' & perl -e 'while (1) { fork }' & sleep 1; true", timeout_s=3)
        used = made.driver.usage(made.spec.ref)
        assert used["node"].pids <= 64
        assert made.as_learner("echo alive", node="other").output == "alive\n"
        made.driver.restart(made.spec, "node")
        assert made.as_learner("echo alive").output == "alive\n"


def test_limits_are_the_kernels_own(place: Place):
    facts = place.as_learner("ulimit -n; ulimit -Hn; ulimit -Hc; cat /proc/self/status").output
    soft, hard, core = facts.splitlines()[:3]
    assert (hard, core) == ("2048", "0")
    # Some versions of runc raise the soft limit of what they start to the hard one, by a race of their own.
    assert soft in {"1024", "2048"}
    for line in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"):
        assert f"{line}:\t0000000000000000" in facts
    assert "NoNewPrivs:\t1" in facts
    assert "Seccomp:\t2" in facts
    inspected = api().inspect_container(place.container())["HostConfig"]
    node: NodeSpec = place.spec.nodes[0]
    total = (node.memory_mib + node.home_mib + node.tmp_mib + node.shm_mib) * 2**20
    assert inspected["Memory"] == total
    assert inspected["MemorySwap"] in {total, -1}
    assert inspected["PidsLimit"] == node.pids
    assert inspected["LogConfig"]["Type"] == "none"
    bound = {bind.split(":")[1]: bind.split(":")[2] for bind in inspected["Binds"]}
    assert bound == {"/run/keeper": "rw"} or bound == {"/run/keeper": "rw", "/run/yunlian/toolkit": "ro"}
    assert not inspected["PortBindings"]


def test_a_new_size_reaches_the_kernel_while_the_node_runs(place: Place):
    read = "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes"
    node = place.spec.nodes[1]
    extra = node.home_mib + node.tmp_mib + node.shm_mib
    assert int(place.as_learner(read, node="other").output) == (node.memory_mib + extra) * 2**20
    place.driver.resize(place.spec.ref, "other", cpus=0.5, memory_mib=120)
    assert int(place.as_learner(read, node="other").output) == (120 + extra) * 2**20
    inspected = api().inspect_container(place.container("other"))["HostConfig"]
    assert inspected["NanoCpus"] == 500_000_000
    place.driver.resize(place.spec.ref, "other", cpus=node.cpus, memory_mib=node.memory_mib)


# --- the kernel ------------------------------------------------------------------------------------------------------


def test_the_kernels_back_doors_are_shut(place: Place):
    names = [name for name in SHUT if name in SYSCALLS]
    assert call_each(place, dict.fromkeys(names, (0, 0, 0, 0, 0))) == dict.fromkeys(names, EPERM)


def test_calls_that_the_profile_must_answer_are_answered(place: Place):
    assert call(place, "getpid") == 0
    assert call(place, "clone3", 0, 0) == ENOSYS


def test_no_user_namespace_opens_another_way(place: Place):
    assert "not permitted" in place.as_learner("unshare -U true").output
    new_user = 0x10000000 | 17
    number = {"x86_64": 56, "aarch64": 220}[platform.machine()]
    assert place.as_learner(
        f"perl -e '$!=0; syscall({number}, {new_user}, 0, 0, 0, 0); print $!+0'"
    ).output == str(EPERM)


# --- who is who ------------------------------------------------------------------------------------------------------


def test_the_learner_has_a_name_a_home_and_a_locale(place: Place):
    async def ask() -> str:
        async with place.attached(2) as terminal:
            screen = Screen(terminal)
            await terminal.write(
                b"echo $(whoami):$(id -gn):$HOME:$PWD:$LANG; cd; touch mine && echo do''ne\r"
            )
            return (await screen.until(b"done\r\n")).decode()

    assert "learner:learner:/home/learner:/home/learner:C.UTF-8" in asyncio.run(ask())
    names = place.as_learner("getent passwd learner checker").output.splitlines()
    assert names == [
        f"learner:x:{place.spec.uid}:{place.spec.uid}:learner:/home/learner:/bin/bash",
        f"checker:x:{place.spec.checker_uid}:{place.spec.uid}:checker:/home/learner:/bin/sh",
    ]


def test_the_checker_reads_the_home_and_the_learner_does_not_read_the_checker(place: Place):
    place.as_learner("echo work > work.txt; chmod 640 work.txt")
    assert place.as_checker("cat work.txt").output == "work\n"
    assert place.as_checker("echo changed > work.txt").exit_code != 0
    seen: list[str] = []

    def spy() -> None:
        look = "sleep 0.5; for p in $(pgrep -u checker); do cat /proc/$p/environ /proc/$p/fd/* /proc/$p/mem; kill -9 $p; done; ps -eo args"
        seen.append(place.as_learner(look).output)

    watching = threading.Thread(target=spy)
    watching.start()
    told = place.as_checker("answer=forty-two; sleep 1.5; echo $answer")
    watching.join()
    assert told.output == "forty-two\n"
    assert "runner" in seen[0], "the spy looked too early"
    assert "forty-two" not in seen[0]


def test_a_check_leaves_no_process_behind(place: Place):
    place.as_checker("sleep 1000 & setsid sleep 1000 & (setsid setsid sleep 1000 &) ; exit 0")
    assert place.as_learner("pgrep -u checker").output == ""


def test_a_learners_script_may_leave_a_service_running(place: Place):
    began = time.monotonic()
    place.as_learner("sleep 1000 & echo started", timeout_s=10)
    assert time.monotonic() - began < 5
    assert (
        place.as_learner("pgrep -x sleep >/dev/null && pkill -x sleep && echo was there").output
        == "was there\n"
    )


def test_a_script_that_ran_out_of_time_is_gone_with_everything_it_started(place: Place):
    result = place.as_learner("setsid sleep 1001 & (setsid sleep 1001 &) ; sleep 1001", timeout_s=1)
    assert result.timed_out
    assert place.as_learner("pgrep -f '[s]leep 1001'").output == ""


def test_a_home_closed_by_its_owner_is_unreadable_but_the_check_runs(place: Place):
    place.as_learner("chmod 700 /home/learner")
    result = place.as_checker("cat /home/learner/work.txt || echo unreadable")
    place.as_learner("chmod 750 /home/learner")
    assert result.exit_code == 0
    assert result.output.endswith("unreadable\n")


def test_a_script_is_not_handed_to_what_it_starts(place: Place):
    script = "secret=1\npython3 -c 'import sys; print(repr(sys.stdin.read()))'\nls -l /proc/self/fd | grep -c memfd\n"
    assert place.as_checker(script).output == "''\n0\n"
