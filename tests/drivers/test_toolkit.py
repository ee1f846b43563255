"""Checks are run with tools from outside the node: what its learner replaced fools none of them, tried for real."""

import subprocess
from collections.abc import Iterator

import pytest

from labs.drivers.base import RunResult
from labs.drivers.docker.containers import TOOLKIT
from labs.drivers.docker.images import build_all
from tests.drivers.conftest import IMAGES, Place, docker_place

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("measures")]

# A learner who is root in a lab that lets them be: every tool, the loader's preloads and the shell are theirs.
TAMPERING = r"""
for tool in grep ps cat stat ls id sleep wc curl python3 awk sed env; do
    rm -f /bin/$tool /usr/bin/$tool /usr/local/bin/$tool
    printf '#!/bin/bash\necho fooled; exit 0\n' >/usr/local/bin/$tool; chmod 755 /usr/local/bin/$tool
    printf '#!/bin/bash\necho fooled; exit 0\n' >/usr/bin/$tool; chmod 755 /usr/bin/$tool
done
printf '#!/bin/bash\necho fooled; exit 0\n' >/usr/lib/yunlian/runner
echo /tmp/evil.so >/etc/ld.so.preload
echo 'passwd: evil' >/etc/nsswitch.conf
echo 'alias grep="echo fooled"; exit 0' >/etc/profile; cp /etc/profile /etc/bash.bashrc
rm -f /bin/sh; printf '#!/bin/bash\necho fooled; exit 0\n' >/bin/sh; chmod 755 /bin/sh
"""
HOME_TRICKS = r"""
cd /home/learner
printf 'print("fooled")\nraise SystemExit(0)\n' >socket.py
mkdir -p .local/lib/python3.11/site-packages bin
cp socket.py .local/lib/python3.11/site-packages/usercustomize.py
echo 'url = "file:///etc/hostname"' >.curlrc
for file in .bashrc .profile .bash_profile .shrc; do echo 'echo fooled; exit 0' >$file; done
printf '#!/bin/bash\necho fooled\n' >bin/grep; chmod 755 bin/grep
"""
CHECK = r"""
printf 'one\ntwo\n' | grep -c t || echo nothing
ps -o pid= -p 1 | awk '{ print "pid", $1 }'
stat -c %a /run/keeper
python3 -c 'import socket; print("python", socket.AF_UNIX)'
curl -s --max-time 1 http://127.0.0.1:1/ || echo "curl $?"
id -u >/dev/null && sleep 0.01 && echo slept
"""
HONEST = "1\npid 1\n755\npython 1\ncurl 7\nslept\n"


@pytest.fixture(scope="module")
def built() -> None:
    build_all(IMAGES, lambda _line: None, only="toolkit")


@pytest.fixture
def writable(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A node whose root can be written."""
    with docker_place(tmp_path_factory.mktemp("keepers"), read_only=False, home_mib=32) as made:
        yield made


def sealed(place: Place, script: str) -> RunResult:
    uid = place.spec.uid
    return place.driver.run(
        place.spec.ref, "node", script, uid=place.spec.checker_uid, gid=uid, timeout_s=20, sealed=True
    )


def as_root(place: Place, script: str) -> str:
    """What a learner could do in a lab that makes them root."""
    command = ["docker", "exec", "-i", "-u", "0:0", place.container(), "/bin/bash", "-s"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_replaced_shell_tools_loader_and_files_in_the_home_fool_no_check(writable: Place):
    assert sealed(writable, CHECK).output == HONEST
    writable.as_learner(HOME_TRICKS)
    as_root(writable, TAMPERING)
    assert "fooled" in as_root(writable, "grep x /dev/null\n"), "the tampering did not even work"
    found = sealed(writable, CHECK)
    assert (found.exit_code, found.output) == (0, HONEST)


def test_nobody_in_the_node_writes_the_toolkit(writable: Place):
    for attempt in (
        f"touch {TOOLKIT}/bin/x",
        f"rm {TOOLKIT}/bin/sh",
        f"mount -o remount,rw {TOOLKIT}",
        f"mv {TOOLKIT} /tmp/",
    ):
        told = as_root(writable, f"{attempt} || echo refused\n")
        assert "refused" in told.splitlines(), told
    assert sealed(writable, "echo whole").output == "whole\n"


def test_the_tools_load_nothing_of_the_node(writable: Place):
    script = f"for tool in {TOOLKIT}/bin/*; do head -c 4 $tool | grep -q ELF || continue; grep -ao '/lib[^ ]*/ld-linux[^ ]*' $tool | head -1; done; sed -n 's,.* /,/,p' /proc/self/maps | sort -u"
    loaded = [line for line in sealed(writable, script).output.splitlines() if ".so" in line]
    assert loaded
    assert all(line.startswith(f"{TOOLKIT}/lib/") for line in loaded), loaded


def test_a_lab_may_still_use_the_programs_of_its_own_image(writable: Place):
    assert sealed(writable, "command -v lsof").output == "/usr/bin/lsof\n"
