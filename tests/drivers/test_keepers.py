"""The keeper's directory on the host: taken over only when it holds what it should, entered through no link."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labs.drivers.base import DriverError, NodeGone
from labs.drivers.docker.keepers import GUARD_UID, KeeperFolders

UID = 345_678


@pytest.fixture
def folders(tmp_path: Path) -> KeeperFolders:
    return KeeperFolders(tmp_path / "keepers", 0)


@contextmanager
def keeper_listening(folder: Path) -> Iterator[socket.socket]:
    """As the keeper does: a socket of the session's uid in its directory."""
    with socket.socket(socket.AF_UNIX) as keeper:
        keeper.bind(str(folder / "keeper.sock"))
        os.chown(folder / "keeper.sock", UID, UID)
        keeper.listen()
        yield keeper


def test_a_prepared_directory_is_the_keepers_alone(folders: KeeperFolders):
    entry = os.lstat(folders.prepare("r1", "lb", UID))
    assert (entry.st_uid, stat.S_IMODE(entry.st_mode)) == (UID, 0o700)
    assert not folders.is_secured("r1", "lb")
    assert folders.refs() == {"r1"}


def test_taken_over_it_is_roots_and_may_be_connected_to(folders: KeeperFolders):
    folder = folders.prepare("r1", "lb", UID)
    with keeper_listening(folder):
        folders.take_over("r1", "lb", UID)
        folders.take_over("r1", "lb", UID)
        entry, door = os.lstat(folder), os.lstat(folder / "keeper.sock")
        assert (entry.st_uid, entry.st_gid, stat.S_IMODE(entry.st_mode)) == (0, 0, 0o755)
        assert (door.st_uid, stat.S_IMODE(door.st_mode)) == (0, 0o660)
        with folders.door("r1", "lb") as path, socket.socket(socket.AF_UNIX) as client:
            client.connect(path)


def test_from_a_learner_who_is_root_it_is_taken_to_somebody_who_is_in_no_node(folders: KeeperFolders):
    folder = folders.prepare("r1", "lb", UID, owner=(0, 0))
    with keeper_listening(folder):
        os.chown(folder / "keeper.sock", 0, 0)
        for _again in range(2):
            folders.take_over("r1", "lb", 0, from_root=True)
        for path in (folder, *folder.iterdir()):
            assert os.lstat(path).st_uid == GUARD_UID
        with folders.door("r1", "lb") as path, socket.socket(socket.AF_UNIX) as client:
            client.connect(path)


def test_a_web_process_that_is_not_root_enters_by_the_keeper_group(tmp_path: Path):
    folders = KeeperFolders(tmp_path / "keepers", 4321)
    folder = folders.prepare("r1", "lb", UID)
    with keeper_listening(folder):
        folders.take_over("r1", "lb", UID)
        assert os.lstat(folder / "keeper.sock").st_gid == 4321
        for parent in (folders.root, folders.root / "r1"):
            assert (parent.stat().st_gid, stat.S_IMODE(parent.stat().st_mode)) == (4321, 0o750)


@pytest.mark.parametrize("odd", ["link", "file", "folder", "extra", "foreign", "passwd"])
def test_an_odd_directory_is_not_opened(folders: KeeperFolders, tmp_path: Path, odd: str):
    folder = folders.prepare("r1", "lb", UID)
    door = folder / "keeper.sock"
    with keeper_listening(folder):
        match odd:
            case "link":
                door.rename(tmp_path / "elsewhere.sock")
                door.symlink_to(tmp_path / "elsewhere.sock")
            case "file":
                door.unlink()
                door.touch()
            case "folder":
                door.unlink()
                door.mkdir()
            case "extra":
                (folder / "more").touch()
            case "foreign":
                os.chown(door, UID + 7, UID)
            case "passwd":
                (folder / "passwd").unlink()
                (folder / "passwd").symlink_to("/etc/shadow")
        with pytest.raises(DriverError):
            folders.take_over("r1", "lb", UID)


def test_a_directory_that_is_a_link_is_not_entered(folders: KeeperFolders, tmp_path: Path):
    folder = folders.prepare("r1", "lb", UID)
    with keeper_listening(folder):
        folders.take_over("r1", "lb", UID)
        folder.rename(tmp_path / "real")
        folder.symlink_to(tmp_path / "real")
        with pytest.raises(NodeGone), folders.door("r1", "lb"):
            pass
        with pytest.raises(DriverError):
            folders.take_over("r1", "lb", UID)


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_a_directory_others_may_write_in_is_not_entered(folders: KeeperFolders, mode: int):
    folder = folders.prepare("r1", "lb", UID)
    with keeper_listening(folder):
        folders.take_over("r1", "lb", UID)
        folder.chmod(mode)
        assert not folders.is_secured("r1", "lb")


def test_preparing_again_starts_from_nothing(folders: KeeperFolders):
    folder = folders.prepare("r1", "lb", UID)
    (folder / "left").mkdir()
    folders.prepare("r1", "lb", UID)
    assert sorted(os.listdir(folder)) == ["group", "passwd"]


def test_removing_follows_no_link_and_may_be_repeated(folders: KeeperFolders, tmp_path: Path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    folder = folders.prepare("r1", "lb", UID)
    (folder / "link").symlink_to(precious)
    folders.remove("r1")
    folders.remove("r1")
    assert (precious / "file").exists()
    assert folders.refs() == set()


def test_a_lock_on_what_was_removed_meanwhile_is_taken_anew(folders: KeeperFolders):
    with folders.one_at_a_time("r1"):
        folders.remove("r1")
    with folders.one_at_a_time("r1"):
        assert (folders.root / "r1").is_dir()


def test_what_fails_under_the_lock_fails_as_itself(folders: KeeperFolders):
    with pytest.raises(FileNotFoundError, match="of the caller"), folders.one_at_a_time("r1"):
        raise FileNotFoundError("of the caller")
