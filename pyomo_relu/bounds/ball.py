"""What a budget says of the last pre-activations: under each output's deviation, a convex envelope."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pyomo_relu.bounds.affine import Affine, AffineNetwork
from pyomo_relu.bounds.budget import Budget
from pyomo_relu.bounds.observed import deviation_caps
from pyomo_relu.bounds.region import Region
from pyomo_relu.network import Network
from pyomo_relu.norms import BallNorm
from pyomo_relu.rounding import gamma
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False)
class Ball:
    """``||s (rows - centre)||_p <= most``, where s is `above` for a row above its centre, else `below`.

    Parameters
    ----------
    outputs : int array, shape (m,)
        The outputs that the rows stand for.
    rows : Affine
        Their pre-activations.
    centre, above, below : array, shape (m,)
        `below` is zero where an output misses nothing below its centre.
    most : float
    norm : BallNorm
    """

    outputs: np.ndarray
    rows: Affine
    centre: FloatArray
    above: FloatArray
    below: FloatArray
    most: float
    norm: BallNorm

    def two_sided(self) -> Ball:
        """Return the ball of those rows that it bounds from both sides."""
        both = self.below > 0.0
        rows = self.rows.rows(np.flatnonzero(both))
        return Ball(
            self.outputs[both], rows, self.centre[both], self.above[both], self.below[both], self.most, self.norm
        )

    @cached_property
    def residual(self) -> FloatArray:
        """Return ``s^2 (rows - centre)`` where it is least, which is orthogonal to the rows; shape (m,)."""
        slopes = np.minimum(self.above, self.below)
        matrix, target = slopes[:, None] * self.rows.matrix, slopes * (self.centre - self.rows.shift)
        nearest = np.linalg.lstsq(matrix, target, rcond=None)[0]
        return np.asarray(slopes * (matrix @ nearest - target), dtype=np.float64)

    def sharpened(self, y: FloatArray) -> FloatArray:
        """Return multipliers that are better where the norm has some."""
        return self.norm.sharpened(y, np.minimum(self.above, self.below), lambda: self.residual, self.most)

    def reach_of(self, y: FloatArray) -> FloatArray:
        """Return ``max y . deviations`` over the ball; shapes (m, t) and (t,)."""
        share = np.maximum(np.maximum(y, 0.0) / self.above[:, None], np.maximum(-y, 0.0) / self.below[:, None])
        return np.asarray(self.most * self.norm.dual(share, axis=0) * (1.0 + gamma(len(y))), dtype=np.float64)


def ball_of(network: Network, region: Region, form: AffineNetwork, budget: Budget) -> Ball:
    """Return the ball of a budget over a region.

    Parameters
    ----------
    network : Network
    region : Region
        Bounded.
    form : AffineNetwork
        Of that region.
    budget : Budget
    """
    slope, bound, x = network[-1].slope, region.pre_activations[-1], budget.x
    on = (bound.lower >= 0.0) | (slope == 1.0)
    off = ~on & (bound.upper <= 0.0)
    # What a ReLU output misses a negative x by, and one that is zero any x.
    spent = np.where(off, np.abs(x), np.where(on, 0.0, np.maximum(-x, 0.0))) if slope == 0.0 else 0.0 * x
    norm = budget.norm
    slopes = norm.slopes(deviation_caps(network[-1], x, budget.most, norm))
    used = np.flatnonzero(~off) if slope == 0.0 else np.arange(x.size)
    on, off, x, lower, slopes = on[used], off[used], x[used], bound.lower[used], slopes[used]
    # Open neurons with x >= 0: slope 1 on the right of x, on the left the chord down from the lower bound.
    chord = (x - slope * lower) / np.where(on | (x <= lower), 1.0, x - lower)
    flat = off | (~on & (x < 0.0))
    shrink = 1.0 - gamma(4)
    centre, above = x, np.ones(x.size)
    below = np.where(on, 1.0, np.maximum(chord, 0.0))
    if slope > 0.0:
        centre = np.where(flat, x / slope, x)
        above, below = np.where(flat, slope, above), np.where(flat, slope, below)
    else:
        centre, below = np.where(flat, 0.0, x), np.where(flat, 0.0, below)
    return Ball(
        used,
        form.pre_activations[-1].rows(used),
        centre,
        above * slopes * shrink,
        below * slopes * shrink,
        norm.radius(budget.most, spent),
        norm.ball,
    )
