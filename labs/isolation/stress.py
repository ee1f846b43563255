"""Hostile output sent through a terminal: it must arrive whole and in order, and the terminal go on working."""

import asyncio

from labs.drivers.base import Driver, DriverError, Gap, Output
from labs.isolation.probe import Verdict

PATIENCE_S = 25
TERMINAL = 1


def stress(driver: Driver, ref: str, node: str, script: str) -> tuple[Verdict, str]:
    """HELD when every byte of what ``script`` prints came through and the shell answers afterwards."""
    try:
        return asyncio.run(_stress(driver, ref, node, script))
    except TimeoutError:
        return Verdict.BROKEN, "the terminal does not answer any more"
    except DriverError as error:
        return Verdict.BROKEN, str(error)


async def _stress(driver: Driver, ref: str, node: str, script: str) -> tuple[Verdict, str]:
    async with asyncio.timeout(PATIENCE_S):
        terminal = await driver.attach(ref, node, TERMINAL, offset=0)
        try:
            await terminal.write(f"stty -echo; clear; {script}; echo; echo en''ded\r".encode())
            end, tail = terminal.hello.offset, b""
            async for event in terminal:
                if isinstance(event, Gap):
                    return Verdict.BROKEN, f"{event.missed} bytes were skipped"
                if not isinstance(event, Output):
                    continue
                if event.offset != end:
                    return Verdict.BROKEN, f"byte {end} did not follow"
                end += len(event.data)
                await terminal.ack(end)
                tail = (tail + event.data)[-64:]
                if b"\nended\r" in tail:
                    return Verdict.HELD, ""
        finally:
            await terminal.close()
    return Verdict.BROKEN, "the terminal ended"
