"""The ball of the last pre-activations where deviations add up: under each one, a convex envelope."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pyomo_relu.bounds.affine_form import AffineNetwork, AffineRows
from pyomo_relu.bounds.observed import ball_slopes, deviation_caps
from pyomo_relu.bounds.region import Region
from pyomo_relu.bounds.sought import Sought
from pyomo_relu.network import Network
from pyomo_relu.norms import BallNorm
from pyomo_relu.rounding import gamma, times_down
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False)
class DeviationBall:
    """``||s (rows - centre)||_p <= most``, where s is `above` for a row above its centre, else `below`.

    Parameters
    ----------
    outputs : int array, shape (m,)
        The outputs that the rows stand for.
    rows : AffineRows
        Their pre-activations.
    centre, above, below : array, shape (m,)
        `below` is zero where an output misses nothing below its centre.
    most : float
    norm : BallNorm
    near : array, shape (m,)
        Entries of a point of the ball, near which it is written as one row.
    """

    outputs: np.ndarray
    rows: AffineRows
    centre: FloatArray
    above: FloatArray
    below: FloatArray
    most: float
    norm: BallNorm
    near: FloatArray

    def two_sided(self) -> DeviationBall:
        """Return the ball of those rows that it bounds from both sides."""
        both = self.below > 0.0
        rows = self.rows.rows(np.flatnonzero(both))
        ends = self.centre[both], self.above[both], self.below[both]
        return DeviationBall(self.outputs[both], rows, *ends, self.most, self.norm, self.near[both])

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


def deviation_ball(network: Network, region: Region, form: AffineNetwork, sought: Sought) -> DeviationBall | None:
    """Return the ball of the codes of a region that are sought; None where their deviations do not add up.

    Parameters
    ----------
    network : Network
    region : Region
        Bounded.
    form : AffineNetwork
        Of that region.
    sought : Sought
        With the deviations of a near code.
    """
    activation, bound, x, norm = network[-1].activation, region.pre_activations[-1], sought.x, sought.sum
    if norm is None or sought.near is None:
        return None
    found = activation.deviation(x, bound.lower, bound.upper)
    caps = deviation_caps(network[-1], x, sought.most, norm, sought.tube.untold, sought.weights)
    used = np.flatnonzero(found.moves & sought.tube.counts)
    slopes = ball_slopes(norm, caps[used], np.broadcast_to(sought.weights, x.shape)[used])
    return DeviationBall(
        used,
        form.pre_activations[-1].rows(used),
        found.centre[used],
        found.above[used] * slopes,
        found.below[used] * slopes,
        norm.radius(sought.most, times_down(found.least, sought.weights) * sought.tube.counts),
        norm.ball,
        sought.near[used] * slopes,
    )
