"""p = 2: the root of the sum of squares."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pyomo_relu.norms.norm import BallNorm, SmoothNorm, Writer
from pyomo_relu.validation import FloatArray

ROOT_BITS = 64
"""Of a root of a fraction, at least: it is nearer than the next float64."""


def root_within(square: Fraction) -> tuple[Fraction, Fraction]:
    """Return the root of a rational >= 0, or two rationals next to it, below and above.

    Examples
    --------
    >>> root_within(Fraction(25, 4))
    (Fraction(5, 2), Fraction(5, 2))
    """
    shift = max(0, ROOT_BITS + (square.denominator.bit_length() - square.numerator.bit_length()) // 2)
    root = math.isqrt((square.numerator << 2 * shift) // square.denominator)
    least = Fraction(root, 1 << shift)
    return least, least if least * least == square else Fraction(root + 1, 1 << shift)


@dataclass(frozen=True)
class Two(BallNorm, SmoothNorm):
    """The root of the sum of squares, p = 2.

    Examples
    --------
    >>> Two().value(np.array([3.0, -4.0])), Two().objective_of(5.0), Two().residual_of(25.0)
    (5.0, 25.0, 5.0)
    """

    spelling = "2"
    folds = True
    rational = False
    power = 2
    fits = (2.0,)

    def value_within(self, deviations: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
        """Return the root, or two rationals next to it."""
        return root_within(sum((deviation**2 for deviation in deviations), Fraction(0)))

    def write(self, to: Writer, least: FloatArray, most: FloatArray, budget: float | None) -> None:
        """Write a variable an output, ``difference``, and the sum of their squares.

        The budget is not written, which would be a row of squares: `most` is what bounds the deviations.
        """
        differences = to.variables("difference", -most, most)
        to.define(differences)
        to.minimise(squares=differences)

    def weights(self, deviations: FloatArray) -> FloatArray:
        """Return ones."""
        return np.ones_like(deviations)

    def half_objective(self, missed: FloatArray) -> FloatArray:
        """Return half of the sum of squares over the last axis."""
        return np.asarray(0.5 * (missed[..., None, :] @ missed[..., None])[..., 0, 0])

    def half_gradient(self, missed: FloatArray) -> FloatArray:
        """Return the deviations."""
        return missed

    def dual(self, vectors: FloatArray, axis: int) -> FloatArray:
        """Return the 2-norm."""
        return np.asarray(np.linalg.norm(vectors, axis=axis))

    def fit_weight(self, count: int) -> float:
        """Return 1."""
        return 1.0

    def sharpened(
        self, y: FloatArray, slopes: FloatArray, nearest: Callable[[], FloatArray], most: float
    ) -> FloatArray:
        """Add the multiple of the nearest point r that is best: the radius falls to ``sqrt(U^2 - |r|^2)``."""
        length = np.linalg.norm(y / slopes[:, None], axis=0)
        residual = nearest()
        free = most**2 - float(np.sum((residual / slopes) ** 2))
        return np.asarray(y + np.outer(residual, length / np.sqrt(max(free, 1e-12 * most**2, 1e-300))))

    def half_space(self, centre: FloatArray, most: float) -> tuple[FloatArray, float]:
        """Return the tangent: ``sum d^2 <= most^2`` lies within ``2 c . d <= most^2 + |c|^2``."""
        return 2.0 * centre, (most**2 + float(centre @ centre)) * (1.0 + 1e-12)
