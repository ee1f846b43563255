"""What holding and using costs: exact fractions in, exact fractions out; rounded once, where an amount is written down.

Pure: no database, no clock, no float.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

MICRO = 1_000_000
HOUR_S = 3600
MIB_PER_GIB = 1024


@dataclass(frozen=True)
class Totals:
    """What was held and used, in whole microseconds and nanoseconds, so that sums are exact."""

    millicpu_us: int = 0
    mib_us: int = 0
    cpu_ns: int = 0

    @property
    def cpu_seconds(self) -> Fraction:
        """Processor seconds allocated."""
        return Fraction(self.millicpu_us, 1000 * MICRO)

    @property
    def mib_seconds(self) -> Fraction:
        """MiB-seconds of memory allocated."""
        return Fraction(self.mib_us, MICRO)

    @property
    def used_cpu_seconds(self) -> Fraction:
        """Processor seconds that the cgroups counted."""
        return Fraction(self.cpu_ns, 1000 * MICRO)

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            self.millicpu_us + other.millicpu_us, self.mib_us + other.mib_us, self.cpu_ns + other.cpu_ns
        )


@dataclass(frozen=True)
class Rates:
    """Prices in one currency: per hour of a processor held, of a GiB held, and of a processor used."""

    currency: str
    cpu_hour: Fraction
    gib_hour: Fraction
    used_cpu_hour: Fraction = Fraction(0)


def cost(total: Totals, rates: Rates) -> Fraction:
    """The exact price of ``total``; the price of a sum is the sum of the prices."""
    return (
        total.cpu_seconds * rates.cpu_hour
        + total.mib_seconds / MIB_PER_GIB * rates.gib_hour
        + total.used_cpu_seconds * rates.used_cpu_hour
    ) / HOUR_S


def held_for(millicpus: int, memory_mib: int, seconds: int) -> Totals:
    """What a node of this size holds in ``seconds``, nothing of it used."""
    return Totals(millicpus * seconds * MICRO, memory_mib * seconds * MICRO)


def per_hour(millicpus: int, memory_mib: int, rates: Rates) -> Fraction:
    """What a node of this size costs in an hour of holding alone."""
    return cost(held_for(millicpus, memory_mib, HOUR_S), rates)


def minor(amount: Fraction) -> int:
    """The nearest whole hundredth (cent, fen) of a currency unit; exactly half goes away from zero."""
    hundredths = abs(amount) * 100
    whole = (2 * hundredths.numerator + hundredths.denominator) // (2 * hundredths.denominator)
    return whole if amount >= 0 else -whole


def in_units(hundredths: int) -> Decimal:
    """An amount of whole hundredths as a decimal of units, exactly."""
    return Decimal(hundredths).scaleb(-2)


def digits_for(before: Fraction, after: Fraction) -> int:
    """How many digits behind the point show both, and what lies between, so that the sum is right to the eye; at most 4."""

    def whole(amount: Fraction, digits: int) -> int:
        return minor(amount * 10**digits / 100)

    for digits in (2, 3):
        between = whole(after, digits) - whole(before, digits)
        if between == whole(after - before, digits) and (between or after == before):
            return digits
    return 4


def shown(amount: Fraction, digits: int = 2) -> str:
    """The amount in digits, ``digits`` behind the point, with two more where it would look like nothing."""
    if 0 < abs(amount) < Fraction(1, 10**digits):
        digits += 2
    scale = 10**digits
    whole = minor(amount * scale / 100)
    sign = "-" if whole < 0 else ""
    return f"{sign}{abs(whole) // scale}.{abs(whole) % scale:0{digits}d}"
