"""A home saved and loaded on the real engine: every file as it was, nothing beyond the home, nothing beyond the limit."""

import io
import tarfile
from collections.abc import Iterator

import pytest

from labs.drivers.base import DriverBusy, DriverError, HomeTooLarge, NodeGone
from tests.drivers.conftest import Place, docker_place

pytestmark = pytest.mark.docker

LIMIT = 8 * 2**20
LISTING = (
    'cd "$HOME" && find . -not -name moved | sort | xargs -d "\\n" stat -c "%n %A %s %F" && cat 工作/*.txt'
)
FILL = r"""
cd "$HOME" && mkdir -p 工作/empty && chmod 700 工作
printf '你好\n' > 工作/one.txt && printf 'echo hi\n' > run.sh && chmod 755 run.sh
ln -s /etc/passwd link && ln run.sh hard && truncate -s 1G sparse && mkfifo pipe
printf 'secret\n' > closed && chmod 000 closed && touch -d 2020-02-02 old
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
"""


@pytest.fixture(scope="module")
def pair(base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Two nodes: what is saved in one is loaded in the other."""
    with docker_place(tmp_path_factory.mktemp("keepers"), "node", "other") as made:
        yield made


def save(place: Place, node: str = "node", limit: int = LIMIT) -> io.BytesIO:
    packed = io.BytesIO()
    size = place.driver.save_home(
        place.spec.ref, node, packed, uid=place.spec.uid, limit_bytes=limit, timeout_s=60
    )
    assert size == len(packed.getvalue())
    packed.seek(0)
    return packed


def load(place: Place, packed: io.BytesIO, node: str = "other") -> None:
    place.driver.load_home(place.spec.ref, node, packed, uid=place.spec.uid, timeout_s=60)


def test_files_come_back_as_they_were_even_a_sparse_one_larger_than_the_limit(pair: Place):
    assert pair.as_learner(FILL).exit_code == 0
    load(pair, save(pair))
    pair.as_learner('rm "$HOME/socket" "$HOME/closed"')
    before = pair.as_learner(LISTING).output
    pair.as_learner('rm -f "$HOME/closed"', node="other")
    assert "./sparse -rw" in before
    assert "你好" in before
    assert pair.as_learner(LISTING, node="other").output == before
    assert pair.as_learner('stat -c %u "$HOME/run.sh"', node="other").output.strip() == str(pair.spec.uid)
    assert (
        pair.as_learner('stat -c %Y "$HOME/old"').output
        == pair.as_learner('stat -c %Y "$HOME/old"', node="other").output
    )


def test_a_home_beyond_the_limit_is_refused(pair: Place):
    pair.as_learner('head -c 3000000 /dev/urandom > "$HOME/large"')
    with pytest.raises(HomeTooLarge):
        save(pair, limit=2**20)
    pair.as_learner('rm "$HOME/large"')


def test_a_foreign_tar_reaches_nothing_outside_the_home(pair: Place):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        link = tarfile.TarInfo("way-out")
        link.type, link.linkname = tarfile.SYMTYPE, "/tmp"
        tar.addfile(link)
        for name in ("../escaped", "/tmp/absolute", "way-out/through-the-link"):
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"evil"))
        device = tarfile.TarInfo("disk")
        device.type, device.devmajor, device.devminor = tarfile.BLKTYPE, 8, 0
        tar.addfile(device)
        owned = tarfile.TarInfo("suid")
        owned.mode, owned.uid = 0o4755, 0
        tar.addfile(owned)
    packed.seek(0)
    with pytest.raises(DriverError):
        load(pair, packed)
    found = pair.as_learner(
        "ls -d /home/escaped /tmp/absolute; test -b ~/disk && echo device", node="other"
    ).output
    assert "device" not in found
    assert "\n/home/escaped" not in f"\n{found}"
    assert pair.as_learner('stat -c %u "$HOME/suid"', node="other").output.strip() in {str(pair.spec.uid), ""}


def test_what_is_no_tar_is_refused_and_the_node_goes_on(pair: Place):
    with pytest.raises(DriverError, match="could not be put back"):
        load(pair, io.BytesIO(b"nonsense" * 500_000))
    assert pair.as_learner("echo alive", node="other").output == "alive\n"


def test_a_node_that_sleeps_or_is_gone_can_be_neither_saved_nor_loaded(pair: Place):
    packed = save(pair)
    with pytest.raises(NodeGone):
        save(pair, node="nobody")
    pair.driver.suspend(pair.spec.ref)
    with pytest.raises(DriverBusy):
        save(pair)
    with pytest.raises(DriverBusy):
        load(pair, packed)
    pair.driver.resume(pair.spec.ref)
