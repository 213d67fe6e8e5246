"""p = inf: the largest deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from pyomo_relu.norms.norm import Norm, Writer
from pyomo_relu.rounding import UNIT
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True)
class Largest(Norm):
    """The largest deviation, p = inf.

    Examples
    --------
    >>> Largest().value(np.array([3.0, -4.0])), Largest().caps(np.zeros(2), 0.5).tolist()
    (4.0, [0.5, 0.5])
    """

    spelling = "'inf'"
    shared = True
    # A search without the bounds of LPs has nearly always ended sooner than one with them.
    first_search = 1e9
    first_lps = 1.6e10

    @property
    def name(self) -> Literal["inf"]:
        """``"inf"``."""
        return "inf"

    @classmethod
    def read(cls, text: str) -> Norm | None:
        """Return the norm that a text names."""
        return cls() if text == "inf" else None

    def value(self, deviations: FloatArray) -> float:
        """Return the largest one."""
        return float(np.linalg.norm(deviations, np.inf))

    def value_within(self, deviations: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
        """Return the largest one, twice."""
        return max(deviations), max(deviations)

    def enclosed(self, deviations: FloatArray, error: FloatArray) -> tuple[float, float]:
        """Return two numbers between which the residual lies where deviations >= 0 are off by at most `error`."""
        low, high = float((deviations - error).max()), float((deviations + error).max())
        spread = UNIT * (abs(low) + abs(high))
        return low - spread, high + spread

    def at_least(self, least: FloatArray) -> float:
        """Return the largest one: nothing is rounded."""
        return self.value(least)

    def caps(self, least: FloatArray, most: float) -> FloatArray:
        """Return the residual, for every output."""
        return np.full(least.size, most)

    def deviation_names(self, count: int) -> list[str]:
        """Return the same name for each output."""
        return ["e"] * count

    def tube(self, bound: float) -> float | None:
        """Return the residual."""
        return bound

    def needed(self, least: FloatArray, bound: float) -> FloatArray:
        """Return the largest of them for each, or nothing where a bound of the residual is known that is no less.

        Were that bound one of the deviation, no branch of a search that lies below it would be better than another.
        """
        largest = least.max(initial=0.0)
        return np.zeros(least.size) if largest <= bound else np.full(least.size, largest)

    def anyway(self, least: FloatArray, bound: float) -> FloatArray:
        """Return what the residual is at least, for every output."""
        return np.full(least.size, max(float(least.max(initial=0.0)), bound))

    def write(self, to: Writer, least: FloatArray, most: FloatArray, budget: float | None) -> None:
        """Write one variable, ``deviation``, that is at least each output's."""
        deviation = to.shared("deviation", float(least.max()), float(most.max()))
        to.hold(deviation)
        to.minimise(deviation[:1])
