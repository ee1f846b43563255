"""System calls made from inside a node, by number, since no tool there would try most of them."""

from labs.isolation.syscalls import ENOSYS, EPERM, SHUT, SYSCALLS
from tests.drivers.conftest import Place

__all__ = ["ENOSYS", "EPERM", "SHUT", "SYSCALLS", "call", "call_each"]


def call(place: Place, name: str, *arguments: int) -> int:
    """The error number that the call gets inside, 0 for none."""
    return call_each(place, {name: arguments})[name]


def call_each(place: Place, wanted: dict[str, tuple[int, ...]]) -> dict[str, int]:
    """The error number that each call gets inside, 0 for none."""
    lines = (
        f"$! = 0; syscall({', '.join(str(number) for number in (SYSCALLS[name], *arguments))}); print $! + 0, qq(\n);"
        for name, arguments in wanted.items()
    )
    told = place.as_learner(f"perl -e '{' '.join(lines)}'").output.split()
    return dict(zip(wanted, map(int, told), strict=True))
