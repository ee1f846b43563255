"""A recorder as a process of its own, to be killed: run directory, installation, ref and the recordings' folder."""

import asyncio
import sys
from pathlib import Path
from uuid import uuid4

from labs.drivers.base import DriverOptions
from labs.drivers.docker.driver import DockerDriver
from labs.recordings.recorder import Kept, Recorder, Spot
from labs.recordings.tape import Limits


class FolderShelf:
    """The folder's only file is the recording; its name is the epoch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def kept(self, epoch: str) -> Kept:
        return Kept(uuid4(), epoch, 0.0, self.folder / f"{epoch}.cast")

    async def last(self, spot: Spot) -> Kept | None:
        return next((self.kept(path.stem) for path in self.folder.glob("*.cast")), None)

    async def begin(self, spot: Spot, epoch: str) -> Kept:
        return self.kept(epoch)

    async def end(self, kept: Kept) -> None:
        raise AssertionError("the node was never restarted")


async def record(run_dir: str, installation: str, ref: str, folder: str) -> None:
    driver = DockerDriver(DriverOptions(installation, run_dir, 0))
    recorder = Recorder(driver, FolderShelf(Path(folder)), Limits(burst_bytes=float("inf")))
    recorder.follow([Spot("session", ref, "node", 1)])
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(record(*sys.argv[1:]))
