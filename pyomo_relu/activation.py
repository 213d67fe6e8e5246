"""`Activation`: the functions ``phi_j(t) = max(t, slope_j t)`` of a layer's neurons, and all that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.rounding import TINY, UNIT, gamma
from pyomo_relu.validation import FloatArray, as_float_array, frozen

Mask = NDArray[np.bool_]

Ends = tuple[FloatArray, FloatArray]
"""Lower and upper ends; unlike a `Box`, they may cross: then nothing lies between them."""

SMALLEST = 1e-150
"""The least slope that is not zero: no product of two numbers of this size underflows."""


@dataclass(frozen=True, eq=False)
class Activation:
    """A slope left of zero for each neuron: 0 is ReLU, (0, 1) LeakyReLU, 1 linear. Right of zero it is 1.

    Another slope on the right is none of its own: ``max(2 t, c t)`` with c in [0, 2] is ``phi(2 t)`` with slope c / 2.

    Parameters
    ----------
    slope : array, shape (n,)

    Examples
    --------
    >>> phi = Activation.of([0.0, 0.1, 1.0], 3)
    >>> phi(np.array([-2.0, -2.0, -2.0])).tolist(), phi.bends.tolist()
    ([0.0, -0.2, -2.0], [True, True, False])
    """

    slope: FloatArray

    @classmethod
    def of(cls, slope: Any, n: int) -> Activation:
        """Read the activation of `n` neurons.

        Parameters
        ----------
        slope : Activation, float or array_like of shape (n,)
            One slope for all neurons, or one each.
        n : int

        Raises
        ------
        ShapeError, InputError
            If there are not `n` slopes, or one lies outside [0, 1] or between 0 and 1e-150.
        """
        if isinstance(slope, Activation) and slope.slope.size == n:
            return slope
        given = as_float_array(slope.slope if isinstance(slope, Activation) else slope, "slope")
        if given.ndim and given.shape != (n,):
            raise ShapeError(f"slope has shape {given.shape}, expected one number or ({n},)")
        if not (((given >= SMALLEST) & (given <= 1.0)) | (given == 0.0)).all():
            wrong = given[~(((given >= SMALLEST) & (given <= 1.0)) | (given == 0.0))].flat[0]
            raise InputError(f"slope must lie in [0, 1] (0 ReLU, 1 linear; else at least {SMALLEST:g}), got {wrong:g}")
        return cls(frozen(np.broadcast_to(given, (n,)).copy()))

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Arrays that were pickled or copied have lost their flag.
        self.__dict__.update(slope=frozen(state["slope"]))

    def __str__(self) -> str:
        names = {0.0: "ReLU", 1.0: "linear"}
        kinds, counts = np.unique(self.slope, return_counts=True)
        said = [names.get(kind, f"LeakyReLU({kind:g})") for kind in kinds.tolist()]
        if len(said) == 1:
            return said[0]
        if len(said) > 3:
            return f"{len(said)} slopes from {kinds[0]:g} to {kinds[-1]:g}"
        return " + ".join(f"{count} {name}" for count, name in zip(counts.tolist(), said, strict=True))

    @property
    def uniform(self) -> float | None:
        """The slope of all neurons; None where they differ."""
        first = float(self.slope[0])
        return first if (self.slope == first).all() else None

    @property
    def compact(self) -> float | FloatArray:
        """The slope of all neurons where it is one, else that of each: as files hold it."""
        return self.slope if self.uniform is None else self.uniform

    @cached_property
    def bends(self) -> Mask:
        """Which neurons are not linear, shape (n,)."""
        return np.asarray(self.slope < 1.0)

    @cached_property
    def cuts(self) -> Mask:
        """Which neurons are ReLUs, shape (n,): their output is never negative, and one of zero hides what was below."""
        return np.asarray(self.slope == 0.0)

    def rows(self, index: np.ndarray) -> Activation:
        """Return the activation of the neurons of `index` (integers, or a boolean mask)."""
        return Activation(frozen(self.slope[index]))

    def __call__(self, t: FloatArray) -> FloatArray:
        """Return ``phi(t)``; `t` has shape (..., n), and the result the same."""
        return np.asarray(np.maximum(t, self.slope * t) + 0.0, dtype=np.float64)  # never -0.0

    def gain(self, on: Mask) -> FloatArray:
        """Return the derivative where pre-activations are positive (`on`, bool, shape (..., n)) or not."""
        return np.where(on, 1.0, self.slope)

    def fraction(self, j: int) -> Fraction:
        """Return the slope of neuron j, exactly."""
        return Fraction(float(self.slope[j]))

    @property
    def least_gain(self) -> float:
        """The least of what small changes of a pre-activation that the output tells are multiplied by."""
        return float(self.slope[~self.cuts].min(initial=1.0))

    def inverse(self, y: FloatArray) -> FloatArray:
        """Return t with ``phi(t) = y``, equation (5) of the paper; for ReLU, which has none left of zero, y itself.

        Examples
        --------
        >>> Activation.of(0.1, 2).inverse(np.array([2.0, -0.1])).tolist()
        [2.0, -1.0]
        """
        return np.asarray(y / self._divisor(y >= 0.0))

    def inverse_gain(self, on: Mask) -> FloatArray:
        """Return the derivative of :meth:`inverse` where outputs are positive (`on`) or not, shape (n,)."""
        return np.asarray(1.0 / self._divisor(on))

    def _divisor(self, on: Mask) -> FloatArray:
        return np.where(on | self.cuts, 1.0, self.slope)

    def error(self, t: FloatArray, off: FloatArray) -> FloatArray:
        """Bound the error of ``phi(t)`` in float64, where `t` is off by at most `off`, shape (..., n).

        Where a pre-activation is surely negative, its error counts times the slope.
        """
        grown = np.where(t < -off, self.slope * off, off)
        rounded = (1.0 + gamma(1)) * grown + UNIT * np.abs(t) + TINY
        return np.asarray(np.where(self.cuts | ~self.bends, grown, rounded))

    def after(self, lower: FloatArray, upper: FloatArray) -> Ends:
        """Bound ``phi(t)`` by bounds of t; what is not rounded is not rounded outwards, so that 0 stays 0."""
        low, high = (
            np.where(end > 0.0, end, np.where(self.cuts, 0.0, self.slope * np.where(self.cuts, 0.0, end)))
            for end in (lower, upper)
        )
        return self._outwards(low, high)

    def before(self, lower: FloatArray, upper: FloatArray) -> Ends:
        """Bound t by bounds of ``phi(t)``.

        Examples
        --------
        >>> low, high = Activation.of(0.0, 2).before(np.array([0.0, 0.5]), np.array([0.25, 1.0]))
        >>> low.tolist(), high.tolist()     # an output of zero leaves every negative pre-activation open
        ([-inf, 0.5], [0.25, 1.0])
        """
        divisor = self._divisor(np.zeros(self.slope.size, dtype=bool))
        low = np.where(lower > 0.0, lower, np.where(self.cuts, -np.inf, lower / divisor))
        high = np.where(upper > 0.0, upper, np.where(self.cuts, 0.0, upper / divisor))
        return self._outwards(low, high)

    def _outwards(self, low: FloatArray, high: FloatArray) -> Ends:
        """Make room for one rounding of numbers below zero."""
        grow = np.where(self.bends & ~self.cuts, gamma(1), 0.0)
        return np.where(low < 0.0, low * (1.0 + grow), low), np.where(high < 0.0, high * (1.0 - grow), high)

    def is_on(self, lower: FloatArray) -> Mask:
        """Return which neurons pass on what they get, by lower bounds of their pre-activations; shape (n,)."""
        return np.asarray((lower >= 0.0) | ~self.bends)

    def is_open(self, lower: FloatArray, upper: FloatArray) -> Mask:
        """Return which neurons bend between bounds of their pre-activations, shape (n,)."""
        return np.asarray((lower < 0.0) & (upper > 0.0) & self.bends)

    def chord(self, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the chord's slope c between finite bounds ``lower < 0 < upper``, and what ``phi(t) - c t`` is at most.

        Of other bounds, the numbers mean nothing.
        """
        both = (lower < 0.0) & (upper > 0.0) & np.isfinite(lower) & np.isfinite(upper)
        low, high = np.where(both, lower, -1.0), np.where(both, upper, 1.0)
        chord = (high - self.slope * low) / (high - low)
        most = np.maximum((self.slope - chord) * low, (1.0 - chord) * high)
        return chord, np.asarray(most * (1.0 + gamma(4)))

    def relaxation(self, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return (slope_up, offset_up, slope_low) with ``slope_low t <= phi(t) <= slope_up t + offset_up``.

        The lower line is the one of least area: slope 1 where the positive side is longer.
        """
        both = (lower < 0.0) & (upper > 0.0)
        width = np.where(both, upper - lower, 1.0)
        side = np.where(lower >= 0.0, 1.0, self.slope)
        slope_up = np.where(both, (upper - self.slope * lower) / width, side)
        offset_up = np.where(both, np.maximum(1.0 - slope_up, 0.0) * upper, 0.0)
        slope_low = np.where(both, np.where(upper > -lower, 1.0, self.slope), side)
        return slope_up, offset_up, slope_low

    def sign_bound(self, x: FloatArray) -> FloatArray:
        """Return what every output misses `x` by at least: ``max(-x, 0)`` for ReLU, else 0; shape (n,)."""
        return np.where(self.cuts, np.maximum(-x, 0.0), 0.0)

    def deviation(self, x: FloatArray, lower: FloatArray, upper: FloatArray) -> Deviation:
        """Return what lies below ``|phi(t) - x|`` between bounds of t."""
        on = self.is_on(lower)
        off = ~on & (upper <= 0.0)
        least = np.where(self.cuts, np.where(off, np.abs(x), np.where(on, 0.0, np.maximum(-x, 0.0))), 0.0)
        # Open neurons with x >= 0: slope 1 on the right of x, on the left the chord down from the lower bound.
        chord = (x - self.slope * lower) / np.where(on | (x <= lower), 1.0, x - lower)
        flat = off | (~on & (x < 0.0))
        below = np.where(on, 1.0, np.maximum(chord, 0.0))
        slanted = np.where(self.cuts, 0.0, x / np.where(self.cuts, 1.0, self.slope))
        return Deviation(
            least,
            np.where(flat, slanted, x),
            np.where(flat & ~self.cuts, self.slope, 1.0) * (1.0 - gamma(4)),
            np.where(flat, self.slope, below) * (1.0 - gamma(4)),
            ~(off & self.cuts),
        )


@dataclass(frozen=True, eq=False)
class Deviation:
    """What lies below ``|phi(t) - x|``: `least`, and of those that `move`, ``least + s |t - centre|``.

    Parameters
    ----------
    least : array, shape (n,)
    centre, above, below : array, shape (n,)
        s is `above` where t is above its centre, else `below`.
    moves : bool array, shape (n,)
    """

    least: FloatArray
    centre: FloatArray
    above: FloatArray
    below: FloatArray
    moves: Mask
