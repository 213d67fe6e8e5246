"""p = 1: the sum of the deviations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pyomo_relu.norms.norm import BallNorm, Writer
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True)
class One(BallNorm):
    """The sum of the deviations, p = 1.

    Examples
    --------
    >>> One().value(np.array([3.0, -4.0])), One().caps(np.array([1.0, 0.0]), 3.0).round(9).tolist()
    (7.0, [3.0, 2.0])
    """

    spelling = "1"
    power = 1
    fits = (1.0, 2.0)

    def value_within(self, deviations: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
        """Return the sum, twice."""
        total = sum(deviations, Fraction(0))
        return total, total

    def write(self, to: Writer, least: FloatArray, most: FloatArray, budget: float | None) -> None:
        """Write a variable an output, ``deviation``, and their sum."""
        deviations = to.variables("deviation", least, most)
        to.hold(deviations)
        to.minimise(deviations, most=budget)

    def dual(self, vectors: FloatArray, axis: int) -> FloatArray:
        """Return the largest entry."""
        return np.asarray(np.abs(vectors).max(axis=axis, initial=0.0))

    def fit_weight(self, count: int) -> float:
        """Return the number of rows: as if each deviated by its share of the radius."""
        return float(count)

    def sharpened(
        self, y: FloatArray, slopes: FloatArray, nearest: Callable[[], FloatArray], most: float
    ) -> FloatArray:
        """Return them as they are."""
        return y

    def half_space(self, centre: FloatArray, most: float) -> tuple[FloatArray, float]:
        """Return the ball itself, which is linear in deviations >= 0."""
        return np.ones(centre.size), most
