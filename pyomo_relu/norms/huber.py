"""Huber's function: squares of small deviations, and the size of large ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pyomo_relu.errors import InputError
from pyomo_relu.norms.norm import BallNorm, Norm, SmoothNorm, Writer
from pyomo_relu.norms.two import Two, root_within
from pyomo_relu.rounding import TINY, gamma
from pyomo_relu.validation import FloatArray, as_number


@dataclass(frozen=True)
class Huber(SmoothNorm):
    """The root of twice the sum of Huber's function: for least squares that outliers do not lead astray.

    Huber's function is ``r^2 / 2`` up to `delta`, and ``delta (|r| - delta / 2)`` beyond. In a program it is the least
    ``a^2 / 2 + delta b`` with ``|r| <= a + b``, ``0 <= a <= delta``, ``0 <= b``, which makes a MIQP. The residual is
    the root of twice the sum, so that it has the unit of the observation: where no output deviates by more than
    `delta` it is the 2-norm, and for a small `delta` about ``sqrt(2 delta ||r||_1)``. It is not a norm, since the
    triangle inequality does not hold.

    Parameters
    ----------
    delta : float
        Positive; in the unit of the observation. Solvers close gaps to 1e-7: where delta is so small that residuals
        are, too, no optimum is proved.

    Raises
    ------
    InputError
        If `delta` is not a positive number.

    References
    ----------
    Huber, "Robust estimation of a location parameter" (1964).

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [1.0], [1.0]]])
    >>> result = pr.invert(net, [1.0, 1.25, 9.0], pr.Exact(pr.Huber(0.5)), box=(0, 9))      # 9 is an outlier
    >>> result.z.round(3).tolist(), result.norm
    ([1.375], 'huber:0.5')
    """

    delta: float = 1.0

    spelling = "'huber:<delta>'"
    rational = False
    refits = 20

    def __post_init__(self) -> None:
        object.__setattr__(self, "delta", as_number(self.delta, "delta", positive=True))

    @property
    def name(self) -> str:
        """``"huber:"`` and delta."""
        return f"huber:{self.delta!r}"

    @classmethod
    def read(cls, text: str) -> Norm | None:
        """Return the norm that a text names: ``"huber"``, where delta is 1, or ``"huber:0.5"``."""
        kind, _, delta = text.partition(":")
        if kind != "huber" or text == "huber:":
            return None
        try:
            return cls(float(delta)) if delta else cls()
        except ValueError:
            raise InputError(f"must be 'huber:' and a positive number, got {text!r}", parameter="norm") from None

    @property
    def descends_by(self) -> str:
        """Its own name."""
        return self.name

    @property
    def ball(self) -> BallNorm:
        """The 2-norm."""
        return Two()

    def cost(self, deviations: FloatArray) -> FloatArray:
        """Return twice Huber's function."""
        small = np.minimum(deviations, self.delta)
        return np.asarray(small * (2.0 * deviations - small))

    def deviation(self, cost: FloatArray) -> FloatArray:
        """Return the deviations that have a cost, rounded up."""
        square = self.delta * self.delta
        found = np.where(cost <= square, np.sqrt(cost), (cost + square) / (2.0 * self.delta))
        return np.asarray(found * (1.0 + gamma(4)))

    def largest(self, residual: float) -> float:
        """Return the deviation of a single output that has this residual: beyond delta it is larger than that."""
        return float(self.deviation(np.asarray(self.total(residual))))

    def of_one(self, deviation: float) -> float:
        """Return the residual where one output deviates by that: beyond delta it is less."""
        return self.value(np.array([deviation]))

    def value(self, deviations: FloatArray) -> float:
        """Return the root of twice the sum, in float64."""
        return float(np.sqrt(self.cost(np.abs(deviations)).sum()))

    def value_within(self, deviations: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
        """Return the root, or two rationals next to it."""
        delta = Fraction(self.delta)
        costs = (r * r if r <= delta else delta * (2 * r - delta) for r in deviations)
        return root_within(sum(costs, Fraction(0)))

    def enclosed(self, deviations: FloatArray, error: FloatArray) -> tuple[float, float]:
        """Return the residuals of the least and of the largest deviations, rounded outwards."""
        low, high = self.value(np.maximum(deviations - error, 0.0)), self.value(deviations + error)
        grow, lost = gamma(deviations.size + 4), deviations.size * self.lost
        return low * (1.0 - grow) - lost, high * (1.0 + grow) + lost

    def at_least(self, least: FloatArray) -> float:
        """Return the residual of deviations that are at least these, rounded down."""
        return max(0.0, self.value(least) * (1.0 - gamma(least.size + 4)) - least.size * self.lost)

    def slopes(self, caps: FloatArray) -> FloatArray:
        """Return the roots of what deviations cost, relative to squares: the largest ones cost least."""
        small = caps <= self.delta
        large = np.where(small, 1.0, caps)
        return np.asarray(np.where(small, 1.0, np.sqrt(self.cost(large)) / large * (1.0 - gamma(4))))

    def weights(self, deviations: FloatArray) -> FloatArray:
        """Return 1 for small deviations, less for large ones."""
        return self.delta / np.maximum(deviations, self.delta)

    def half_objective(self, missed: FloatArray) -> FloatArray:
        """Return the sum of Huber's function over the last axis."""
        return np.asarray(0.5 * self.cost(np.abs(missed)).sum(axis=-1))

    def half_gradient(self, missed: FloatArray) -> FloatArray:
        """Return the deviations, clipped."""
        return np.clip(missed, -self.delta, self.delta)

    def in_unit(self, unit: float) -> Norm:
        """Return the same function of deviations in a unit."""
        return Huber(max(self.delta / unit, TINY))

    def write(self, to: Writer, least: FloatArray, most: FloatArray, budget: float | None) -> None:
        """Write what each output deviates by as ``deviation``, up to delta, and ``excess``."""
        small = to.variables("deviation", np.minimum(least, self.delta), np.minimum(most, self.delta))
        excess = to.variables("excess", np.maximum(least - self.delta, 0.0), np.maximum(most - self.delta, 0.0))
        to.hold(small, excess)
        to.minimise(excess, small, cost=2.0 * self.delta)
