"""Processors and memory as one value, to be added, taken away and compared. Pure."""

from dataclasses import dataclass
from typing import Self

WHOLE_PPM = 1_000_000


@dataclass(frozen=True)
class Amount:
    """Thousandths of a processor, and MiB; below zero where more is promised than there is."""

    millicpus: int = 0
    memory_mib: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(self.millicpus + other.millicpus, self.memory_mib + other.memory_mib)

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.millicpus - other.millicpus, self.memory_mib - other.memory_mib)

    def __mul__(self, times: int) -> Self:
        return type(self)(self.millicpus * times, self.memory_mib * times)

    def fits(self, room: Self) -> bool:
        """Whether ``room`` holds this."""
        return self.millicpus <= room.millicpus and self.memory_mib <= room.memory_mib

    def at_most(self, other: Self) -> Self:
        return type(self)(min(self.millicpus, other.millicpus), min(self.memory_mib, other.memory_mib))

    def at_least(self, other: Self) -> Self:
        return type(self)(max(self.millicpus, other.millicpus), max(self.memory_mib, other.memory_mib))

    def percent(self, share: int) -> Self:
        """So many hundredths of this, rounded down."""
        return type(self)(self.millicpus * share // 100, self.memory_mib * share // 100)

    def share_ppm(self, whole: Self) -> int:
        """The larger of both shares of ``whole``, in millionths, rounded up, at least one."""
        shares = (
            -(-mine * WHOLE_PPM // total)
            for mine, total in (
                (self.millicpus, whole.millicpus),
                (self.memory_mib, whole.memory_mib),
            )
            if total > 0
        )
        return max(1, *shares, 1)


NOTHING = Amount()
