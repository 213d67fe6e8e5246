"""Bounds by Lagrangian duality, all neurons at once: the multipliers come from one least-squares fit.

A linear program a neuron is what usually tightens bounds. But every dual vector proves a bound, good or bad,
and good ones are cheap here. Where ``sum_j s_j |a_j(u) - x_j| <= U`` and ``|q_i(u) - m_i| <= r_i`` hold, write the
row to be bounded as ``c = R'y + Q'v``; then, (M11), ``c u`` is at most

    y (x - r0) + v (m - q0) + |v| r + U * ||y / s||_*,

with the dual norm: the largest entry for p = 1, the Euclidean norm for p = 2. Weighted least squares gives such y
and v for all rows by one factorisation, ``y = D R q``, ``v = B Q q``, ``(R'DR + Q'BQ) q = c``: for p = 2 nearly the
best ones, for p = 1 within a small factor. What counts is that each bound makes the next ones better: a bound a <= 0
takes an output out of the sum, one from below raises the slope ``s = x / (x - lower)`` of its convex envelope, a hidden
neuron of known sign leaves fewer variables. So the region shrinks round by round until it collapses around the codes
that are as good as the incumbent.

Derived for this project.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyomo_relu.bounds.affine_form import AffineNetwork, AffineRows, affine_flops, affine_network, tightened
from pyomo_relu.bounds.deviation_ball import DeviationBall, deviation_ball
from pyomo_relu.bounds.intersection import CrossedBoundsError
from pyomo_relu.bounds.region import Region
from pyomo_relu.bounds.sought import Sought
from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.network import Network
from pyomo_relu.rounding import gamma
from pyomo_relu.tolerance import MULTIPLIER_ROUND_LEAVES
from pyomo_relu.validation import FloatArray

INTERVALS = 1e-3
"""Weight of the rows with intervals in the fit, beside those of the ball."""

RIDGE = 1e-13
"""Added to the diagonal of the normal matrix, scaled to ones: bounds hold for any multipliers."""

MOST_WORK = 3e11
"""Operations of all rounds together, beyond which none begins; about a minute on a slow core."""

BATCH = 1024
"""Rows bounded at once; it limits the memory."""


def lagrangian_region(
    network: Network, region: Region, sought: Sought | None = None, deadline: Deadline = NO_LIMIT
) -> Region | None:
    """Tighten a region by rounds of dual bounds from weighted least squares.

    Parameters
    ----------
    network : Network
    region : Region
        What holds for its codes holds for the result's; one that is not bounded stays as it is.
    sought : Sought, optional
        Where deviations add up, with those of a near code; else the region has all that bounds them.
    deadline : Deadline
        No round begins that would not end before it.

    Returns
    -------
    Region or None
        Rounding errors are bounded and added; nothing is trusted to a solver. None proves that there are no such codes.

    Examples
    --------
    >>> from pyomo_relu.bounds.observed import observed_region
    >>> from pyomo_relu.box import Box
    >>> net = Network.random((2, 6, 12), seed=0)
    >>> x = net(np.array([1.0, -0.5])) + np.random.default_rng(1).uniform(-0.1, 0.1, 12)
    >>> before = observed_region(net, Region.everything(net, Box.of((-3, 3), 2)), Sought(x, "inf", 0.1))
    >>> lagrangian_region(net, before).width < before.width
    True
    """
    work = 0.0
    while region.is_bounded and any(region.unstable(network)):
        flops = _round_flops(network, region)
        work += flops
        if work > MOST_WORK or not deadline.affords(flops):
            break
        before = region.width
        try:
            region = _round(network, region, sought)
        except CrossedBoundsError:
            return None
        if region.width > MULTIPLIER_ROUND_LEAVES * before:
            break
    return region


def _round_flops(network: Network, region: Region) -> float:
    """Return about how many operations a round takes: the affine map, the normal matrix, its inverse, all bounds."""
    *hidden, last = region.unstable(network)
    variables = network.n_in + sum(hidden)
    rows = sum(layer.n_out for layer in network) + 3 * sum(hidden)
    targets = variables + sum(hidden) + last
    return affine_flops(network, region) + 4.0 * variables * (variables**2 + rows * variables + 3 * targets * rows)


def _round(network: Network, region: Region, sought: Sought | None) -> Region:
    """Bound the variables and the open neurons once."""
    form = affine_network(network, region)
    ball = None if sought is None else deviation_ball(network, region, form, sought)
    both_sides = None if ball is None else ball.two_sided()
    return tightened(network, region, form, *_bounds(form, both_sides, form.targets))


def _bounds(form: AffineNetwork, ball: DeviationBall | None, targets: AffineRows) -> tuple[FloatArray, FloatArray]:
    """Bound rows from below and above by the best of several dual vectors each."""
    count = targets.shift.size
    low, high = np.full(count, -np.inf), np.full(count, np.inf)
    for power in (2.0,) if ball is None else ball.norm.fits:
        fit = _Fit.of(form, ball, power)
        for first in range(0, count, BATCH):
            batch = np.arange(first, min(first + BATCH, count))
            rows = targets.rows(batch)
            y, v = fit.multipliers(rows)
            high[batch] = np.minimum(high[batch], _upper(form, ball, rows, y, v))
            low[batch] = np.maximum(low[batch], -_upper(form, ball, -rows, -y, -v))
    return low, high


@dataclass(frozen=True, eq=False)
class _Fit:
    """The weighted least-squares fit: its weights, and the inverse of its normal matrix."""

    form: AffineNetwork
    ball: DeviationBall | None
    weights: FloatArray
    scale: FloatArray
    inverse: FloatArray

    @classmethod
    def of(cls, form: AffineNetwork, ball: DeviationBall | None, power: float) -> _Fit:
        """Weigh the ball's rows by their slopes to a power, the others by the widths of their intervals."""
        radius = (form.intervals.upper - form.intervals.lower) / 2.0
        scale = INTERVALS / np.maximum(radius, 1e-9 * max(1.0, float(radius.max()))) ** 2
        normal = form.rows.matrix.T @ (scale[:, None] * form.rows.matrix)
        weights = np.zeros(0)
        if ball is not None:
            slopes = np.minimum(ball.above, ball.below)
            weights = ball.norm.fit_weight(slopes.size) * slopes**power / max(ball.most, 1e-9) ** 2
            normal += ball.rows.matrix.T @ (weights[:, None] * ball.rows.matrix)
        # Widths differ by many orders of magnitude; a ridge of rounding size keeps the matrix regular.
        unit = 1.0 / np.sqrt(np.diag(normal))
        scaled = unit[:, None] * normal * unit + RIDGE * np.eye(unit.size)
        inverse = unit[:, None] * np.linalg.inv(scaled) * unit
        return cls(form, ball, weights, scale, np.asarray(inverse, dtype=np.float64))

    def multipliers(self, targets: AffineRows) -> tuple[FloatArray, FloatArray]:
        """Return y and v, a column a target."""
        solved = self.inverse @ targets.matrix.T
        y = np.zeros((0, targets.shift.size))
        if self.ball is not None:
            y = self.weights[:, None] * (self.ball.rows.matrix @ solved)
        return y, self.scale[:, None] * (self.form.rows.matrix @ solved)


def _upper(
    form: AffineNetwork, ball: DeviationBall | None, targets: AffineRows, y: FloatArray, v: FloatArray
) -> FloatArray:
    """Return the upper bounds that multipliers prove, whatever they are; shapes (n, t), (m, t) and (t,)."""
    n = form.box.size
    middle = (form.intervals.lower + form.intervals.upper) / 2.0
    radius = (form.intervals.upper - form.intervals.lower) / 2.0 * (1.0 + gamma(1))
    # The first rows are the variables themselves: they take whatever the others leave.
    own = targets.matrix.T - form.rows.matrix[n:].T @ v[n:]
    bound = targets.shift.copy()
    error = targets.size @ form.reach
    if ball is not None:
        y = ball.sharpened(y)
        own -= ball.rows.matrix.T @ y
        bound += y.T @ (ball.centre - ball.rows.shift) + ball.reach_of(y)
        error += np.abs(y).T @ (ball.rows.size @ form.reach + np.abs(ball.centre)) + ball.reach_of(y)
    v = np.vstack([own, v[n:]])
    bound += v.T @ (middle - form.rows.shift) + np.abs(v).T @ radius
    error += np.abs(v).T @ (form.rows.size @ form.reach + np.abs(middle) + radius)
    operations = form.operations + len(form.rows.shift) + n + (0 if ball is None else ball.centre.size)
    return np.asarray(bound + gamma(2 * operations) * error, dtype=np.float64)
