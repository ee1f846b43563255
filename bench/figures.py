"""One measured number, as the line of JSON that is printed for it."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """``value`` beside ``reference``, both in the unit the metric's name ends with.

    The target is for their ratio, or for the value itself where there is no reference.
    """

    metric: str
    value: float
    reference: float | None = None
    at_most: float | None = None
    at_least: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.reference if self.reference else None

    @property
    def target(self) -> str | None:
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return f">= {self.at_least:g}" if self.at_least is not None else None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        judged = self.value if self.reference is None else self.ratio
        if judged is None or self.target is None:
            return None
        if self.at_most is not None:
            return judged <= self.at_most
        return self.at_least is not None and judged >= self.at_least

    def line(self) -> str:
        return json.dumps(
            {
                "metric": self.metric,
                "value": _rounded(self.value),
                "reference": _rounded(self.reference),
                "ratio": _rounded(self.ratio),
                "target": self.target,
                "met": self.met,
            },
            ensure_ascii=False,
        )


def percentile(samples: Iterable[float], percent: float) -> float:
    """The smallest sample that ``percent`` of all samples do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.4g}")
