"""Homes on disk: their quota, their life beyond a restart, and that nothing of them is left, on the real engine."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.drivers.base import NodeSpec, Unsupported
from labs.drivers.docker.disks import FEWEST_INODES, HomeDisks
from labs.drivers.docker.driver import DISKS
from labs.drivers.docker.engine import api
from tests.drivers.conftest import Place, create, docker_place, docker_world, spec_of

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("measures")]
MIB = 24


@pytest.fixture(scope="module")
def mountable(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where this machine cannot mount a file: no loop devices, or no right to."""
    folder = tmp_path_factory.mktemp("loop")
    image, place = folder / "image", folder / "place"
    place.mkdir()
    image.write_bytes(bytes(2**20))
    made = subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], capture_output=True, check=False)
    tried = subprocess.run(["mount", "-o", "loop", str(image), str(place)], capture_output=True, check=False)
    if made.returncode or tried.returncode:
        pytest.skip(f"this machine mounts no image files: {(made.stderr or tried.stderr).decode().strip()}")
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def kept(mountable: None, base_image: str, tmp_path: Path) -> Iterator[Place]:
    with docker_place(tmp_path, disk_mib=MIB) as made:
        yield made


def mounted_below(folder: Path) -> list[str]:
    return [line for line in Path("/proc/mounts").read_text().splitlines() if str(folder) in line]


def loop_devices_of(folder: Path) -> list[str]:
    shown = subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=True).stdout
    return [line for line in shown.splitlines() if str(folder) in line]


def test_a_home_on_disk_ends_in_bytes_and_in_files(kept: Place):
    filled = kept.as_learner("head -c 99M /dev/zero >~/fill; stat -c %s ~/fill; rm ~/fill")
    assert "No space left" in filled.output
    assert MIB // 2 < int(filled.output.split()[-1]) / 2**20 < MIB
    crowd = 'perl -e \'my $n = 0; while ($n < 100000) { open(my $f, ">", "/home/learner/$n") or last; $n++ } print "$n $!"\''
    count, _, reason = kept.as_learner(crowd, timeout_s=60).output.partition(" ")
    assert reason == "No space left on device"
    assert int(count) <= max(FEWEST_INODES, MIB * 256)


def test_a_home_on_disk_is_the_learners_alone_and_lends_no_rights(kept: Place):
    assert kept.as_learner("stat -c '%u %a' ~; ls -A ~").output == f"{kept.spec.uid} 750\n"
    options = kept.as_learner("grep ' /home/learner ' /proc/mounts").output
    assert "ext4" in options
    assert "nosuid" in options
    assert "nodev" in options
    assert kept.as_learner("cp /bin/true ~/own && ~/own && echo ran").output == "ran\n"


def test_a_home_on_disk_survives_a_restart_of_its_node(kept: Place):
    kept.as_learner("echo work >~/notes")
    kept.driver.restart(kept.spec, "node")
    assert kept.as_learner("cat ~/notes").output == "work\n"


def test_nothing_of_a_disk_is_left_behind(mountable: None, base_image: str, tmp_path: Path):
    with docker_place(tmp_path, disk_mib=MIB) as made:
        assert mounted_below(tmp_path)
    assert not mounted_below(tmp_path)
    assert not loop_devices_of(tmp_path)
    assert not (tmp_path / DISKS / made.spec.ref).exists()


def test_a_disk_without_a_sandbox_is_found_and_removed(mountable: None, tmp_path: Path):
    world = docker_world(tmp_path)
    HomeDisks(tmp_path / DISKS).ensure("lost", NodeSpec("node", "base", "", disk_mib=MIB), (0, 0))
    assert world.driver.list_refs() == {"lost"}
    world.driver.destroy("lost")
    assert world.driver.list_refs() == set()
    assert not mounted_below(tmp_path)


def test_a_writable_root_is_no_way_to_the_hosts_disk(base_image: str, tmp_path: Path):
    with docker_place(tmp_path, read_only=False) as made:
        found = made.as_learner(
            "for path in $(find / -xdev -type d -perm -0002 2>/dev/null); do [ $(stat -c %d $path) = $(stat -c %d /) ] && touch $path/probe 2>/dev/null && echo $path; done; true"
        )
        assert found.output == ""
        assert "No space left" in made.as_learner("head -c 99M /dev/zero >/var/tmp/fill").output


def test_a_runtime_that_the_host_does_not_have_is_refused_with_the_reason(base_image: str, tmp_path: Path):
    world = docker_world(tmp_path)
    try:
        with pytest.raises(Unsupported, match="no runtime no-such-runtime"):
            world.driver.create(spec_of(runtime="no-such-runtime"))
    finally:
        world.clean()


def test_runc_lends_no_root_on_an_engine_that_does_not_remap_users(base_image: str, tmp_path: Path):
    if any("name=userns" in option for option in api().info()["SecurityOptions"]):
        pytest.skip("this engine remaps users")
    world = docker_world(tmp_path)
    try:
        spec = spec_of(root=True, runtime="runc")
        with pytest.raises(Unsupported, match="runsc or kata, or let the engine remap users"):
            create(world.driver, spec)
        assert not world.driver.health(spec.ref).nodes
    finally:
        world.clean()


def test_a_runtime_that_the_host_has_is_the_one_that_runs_the_node(base_image: str, tmp_path: Path):
    with docker_place(tmp_path, runtime="runc") as made:
        assert made.driver.granted(made.spec.ref)["node"]["runtime"] == "runc"
