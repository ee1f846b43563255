"""What the marks of an exam say about its questions: too easy, no help in telling candidates apart, or plainly wrong.

The definitions are those of Moodle's "Quiz statistics calculations" (docs.moodle.org/dev/Quiz_statistics_calculations), so that
figures can be compared with what examiners know. In its words: x are the marks of the attempts in one slot, T their totals,
X = T - x what they had in the rest of the exam; V and C are variance and covariance of a sample (divisor n - 1).

Units: ``facility`` is 0 to 1; ``sd``, ``mean``, ``median`` and ``standard_error`` are marks; ``effective_weight``,
``intended_weight``, ``discrimination_index``, ``discriminative_efficiency`` and ``error_ratio`` are percent; ``alpha``,
``skewness`` and ``kurtosis`` are plain coefficients (Moodle shows alpha times 100, as "coefficient of internal consistency").

What is undefined is None, never 0. Whether it is, is no question of rounding: marks are brought to whole numbers and every
sum is exact; only the figures handed out are floats.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import mul, sub
from statistics import median

Attempt = Hashable
Slot = Hashable


class Contradiction(ValueError):
    """A mark that cannot stand beside those already in the table."""


class MarkTable:
    """The marks of an exam: of each attempt, in every slot that its paper had."""

    def __init__(self) -> None:
        self.maxmarks: dict[Slot, Fraction] = {}
        self.columns: dict[Slot, dict[Attempt, Fraction]] = {}

    def add(self, attempt: Attempt, slot: Slot, maxmark: Fraction, mark: Fraction) -> None:
        """``mark`` counts; above ``maxmark`` it is a bonus, below zero a penalty. What was not answered is 0.

        Raises Contradiction when the slot was worth something else before or less than nothing, or the attempt has its
        mark there already.
        """
        column = self.columns.get(slot)
        if column is None:
            if maxmark < 0:
                raise Contradiction(f"the maximum mark of slot {slot} is negative")
            column = self.columns[slot] = {}
            self.maxmarks[slot] = maxmark
        known = self.maxmarks[slot]
        if maxmark is not known and maxmark != known:
            raise Contradiction(
                f"slot {slot} has maximum mark {float(maxmark):g} here and {float(known):g} before"
            )
        if attempt in column:
            raise Contradiction(f"attempt {attempt} has a mark in slot {slot} already")
        column[attempt] = mark


@dataclass(frozen=True)
class ItemStatistics:
    """One slot, over the attempts whose paper had it."""

    slot: Slot
    attempts: int
    facility: float | None
    sd: float | None
    intended_weight: float | None
    effective_weight: float | None
    discrimination_index: float | None
    discriminative_efficiency: float | None


@dataclass(frozen=True)
class ExamStatistics:
    """The totals of all attempts."""

    attempts: int
    median: float | None
    mean: float | None
    sd: float | None
    skewness: float | None
    kurtosis: float | None
    alpha: float | None
    error_ratio: float | None
    standard_error: float | None


@dataclass(frozen=True)
class Analysis:
    """The slots in the table's order, and the whole."""

    items: tuple[ItemStatistics, ...]
    exam: ExamStatistics


def analyse(table: MarkTable) -> Analysis:
    """Every figure of the table; the order in which marks were added changes none of them."""
    scale = math.lcm(*{mark.denominator for column in table.columns.values() for mark in column.values()})
    totals: dict[Attempt, int] = {}
    columns: dict[Slot, dict[Attempt, int]] = {}
    for slot, marks in table.columns.items():
        column = columns[slot] = {
            attempt: mark.numerator * (scale // mark.denominator) for attempt, mark in marks.items()
        }
        for attempt, units in column.items():
            totals[attempt] = totals.get(attempt, 0) + units
    spreads = {slot: _spread(column, totals) for slot, column in columns.items()}
    complete = all(spread.attempts == len(totals) for spread in spreads.values())
    return Analysis(
        _items(table, spreads, scale, complete=complete),
        _exam(list(totals.values()), list(spreads.values()), scale, complete=complete),
    )


@dataclass(frozen=True)
class _Spread:
    """Sums over the attempts of one slot, in whole units; the products are n squared times the population's moment."""

    attempts: int
    total: int
    own: int  # x with x
    rest: int  # X with X
    shared: int  # x with X
    most_shared: int  # the same if the best in x were the best in X, and so on down

    @property
    def variance(self) -> Fraction | None:
        """V(x)."""
        return _sampled(self.own, self.attempts)

    @property
    def covariance_with_total(self) -> Fraction | None:
        """C(x, T), which is V(x) + C(x, X)."""
        return _sampled(self.own + self.shared, self.attempts)


def _spread(column: dict[Attempt, int], totals: dict[Attempt, int]) -> _Spread:
    own = list(column.values())
    rest = list(map(sub, map(totals.__getitem__, column), own))
    return _Spread(
        attempts=len(own),
        total=sum(own),
        own=_moment(own, own),
        rest=_moment(rest, rest),
        shared=_moment(own, rest),
        most_shared=_moment(sorted(own), sorted(rest)),
    )


def _moment(one: Sequence[int], other: Sequence[int]) -> int:
    """n squared times the population's covariance."""
    products: int = sum(map(mul, one, other))
    return len(one) * products - sum(one) * sum(other)


def _sampled(moment: int, attempts: int) -> Fraction | None:
    """The sample's moment from n squared times the population's; None for fewer than two attempts."""
    return Fraction(moment, attempts * (attempts - 1)) if attempts > 1 else None


def _items(
    table: MarkTable, spreads: dict[Slot, _Spread], scale: int, *, complete: bool
) -> tuple[ItemStatistics, ...]:
    worth = sum(table.maxmarks.values(), Fraction(0))
    weights = _effective_weights(spreads)
    return tuple(
        ItemStatistics(
            slot=slot,
            attempts=spread.attempts,
            facility=_facility(spread, table.maxmarks[slot] * scale),
            sd=_root(spread.variance, scale),
            intended_weight=float(100 * table.maxmarks[slot] / worth) if complete and worth else None,
            effective_weight=weights.get(slot),
            discrimination_index=_discrimination_index(spread),
            discriminative_efficiency=_discriminative_efficiency(spread),
        )
        for slot, spread in spreads.items()
    )


def _facility(spread: _Spread, most: Fraction) -> float | None:
    """Mean of x over the maximum mark; undefined where nothing can be earned."""
    return float(spread.total / (spread.attempts * most)) if most else None


def _effective_weights(spreads: dict[Slot, _Spread]) -> dict[Slot, float]:
    """Each slot's share, in percent, of the sum of all roots of C(x, T).

    A slot that goes against the total, C(x, T) < 0, has none and is left out of the sum, as in Moodle.
    """
    roots = {
        slot: math.sqrt(spread.covariance_with_total)
        for slot, spread in spreads.items()
        if spread.covariance_with_total is not None and spread.covariance_with_total >= 0
    }
    whole = math.fsum(roots.values())
    return {slot: 100 * root / whole for slot, root in roots.items()} if whole else {}


def _discrimination_index(spread: _Spread) -> float | None:
    """100 times the correlation of x with X; undefined where either never varies."""
    if not spread.own * spread.rest:
        return None
    size = 100 * math.sqrt(Fraction(spread.shared**2, spread.own * spread.rest))
    return math.copysign(size, spread.shared)


def _discriminative_efficiency(spread: _Spread) -> float | None:
    """100 times C(x, X) over the most it could be with these marks and these rests, both sorted."""
    return 100 * spread.shared / spread.most_shared if spread.most_shared else None


def _exam(totals: list[int], spreads: list[_Spread], scale: int, *, complete: bool) -> ExamStatistics:
    variance = _sampled(_moment(totals, totals), len(totals))
    alpha = _alpha(spreads, variance) if complete else None
    unexplained = None if alpha is None else 1 - alpha
    skewness, kurtosis = _shape(totals)
    return ExamStatistics(
        attempts=len(totals),
        median=float(Fraction(median(totals)) / scale) if totals else None,
        mean=float(Fraction(sum(totals), len(totals) * scale)) if totals else None,
        sd=_root(variance, scale),
        skewness=skewness,
        kurtosis=kurtosis,
        alpha=None if alpha is None else float(alpha),
        error_ratio=None if unexplained is None else 100 * math.sqrt(unexplained),
        standard_error=_root(unexplained * variance, scale) if unexplained is not None and variance else None,
    )


def _alpha(spreads: Sequence[_Spread], variance: Fraction | None) -> Fraction | None:
    """Cronbach's alpha, p / (p - 1) * (1 - sum of V(x) / V(T)): at most 1, and as far below 0 as the marks say.

    Undefined for one slot, for one attempt and where all totals are equal. It also needs every attempt to have had every
    slot: otherwise the variances are not of the same candidates, and the formula gives numbers that mean nothing.
    """
    if len(spreads) < 2 or not variance:
        return None
    of_slots = sum((spread.variance or Fraction(0) for spread in spreads), Fraction(0))
    return Fraction(len(spreads), len(spreads) - 1) * (1 - of_slots / variance)


def _shape(totals: Sequence[int]) -> tuple[float | None, float | None]:
    """Skewness and kurtosis by k-statistics, k3 / k2 ** 1.5 and k4 / k2 ** 2; 0 and 0 for a normal distribution.

    Undefined where all totals are equal, and for fewer than three and four attempts.
    """
    n, total = len(totals), sum(totals)
    away = [n * units - total for units in totals]  # n times the distance from the mean
    second, third, fourth = (sum(distance**power for distance in away) for power in (2, 3, 4))
    if n < 3 or not second:
        return None, None
    k2 = Fraction(second, n**2 * (n - 1))
    k3 = Fraction(third, n**2 * (n - 1) * (n - 2))
    skewness = math.copysign(math.sqrt(k3**2 / k2**3), k3)
    if n < 4:
        return skewness, None
    numerator = n * (n + 1) * fourth - 3 * (n - 1) * second**2
    k4 = Fraction(numerator, n**4 * (n - 1) * (n - 2) * (n - 3))
    return skewness, float(k4 / k2**2)


def _root(square: Fraction | None, scale: int) -> float | None:
    """The root in marks of a square in units."""
    return None if square is None else math.sqrt(square / scale**2)
