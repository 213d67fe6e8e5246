"""Bounds by Lagrangian duality, all neurons at once: the multipliers come from one least-squares fit.

A linear program a neuron is what usually tightens bounds. But every dual vector proves a bound, good or bad,
and good ones are cheap here. Where ``sum_j s_j |a_j(u) - x_j| <= U`` and ``|q_i(u) - m_i| <= r_i`` hold, write the
row to be bounded as ``c = R'y + Q'v``; then ``c u`` is at most

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

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pyomo_relu.bounds.affine import Affine, AffineNetwork, affine_network, stacked
from pyomo_relu.bounds.budget import Budget
from pyomo_relu.bounds.crown import crown_bounds, meet
from pyomo_relu.bounds.observed import Region
from pyomo_relu.bounds.rounding import gamma
from pyomo_relu.box import Box
from pyomo_relu.network import Network
from pyomo_relu.validation import FloatArray

WORTHWHILE = 0.995
"""Another round pays while the last one has left at most this share of the widths. Slow starts do collapse."""

INTERVALS = 1e-3
"""Weight of the rows with intervals in the fit, beside those of the ball."""

BATCH = 1024
"""Rows bounded at once; it limits the memory."""


def lagrangian_region(
    network: Network, region: Region, budget: Budget | None = None, *, seconds: float = 60.0
) -> Region:
    """Tighten a region by rounds of dual bounds from weighted least squares.

    Parameters
    ----------
    network : Network
    region : Region
        Bounded; what holds for its codes holds for the result's.
    budget : Budget, optional
        For p = 1 and 2: what the deviations may add up to. For p = inf the region says it all.
    seconds : float
        Wall clock after which no further round begins.

    Returns
    -------
    Region
        Rounding errors are bounded and added; nothing is trusted to a solver.
    """
    stop = time.perf_counter() + seconds
    while any(region.unstable(network)) and time.perf_counter() < stop:
        before = _width(region)
        region = _round(network, region, budget)
        if _width(region) > WORTHWHILE * before:
            break
    return region


def _width(region: Region) -> float:
    return float(sum(np.sum(box.upper - box.lower) for box in (region.code, *region.pre_activations)))


@dataclass(frozen=True, eq=False)
class _Ball:
    """``||s (rows - centre)||_p <= most``, where s is `above` for a row above its centre, else `below`."""

    rows: Affine
    centre: FloatArray
    above: FloatArray
    below: FloatArray
    most: float
    norm: int

    @cached_property
    def residual(self) -> FloatArray:
        """Return ``s^2 (rows - centre)`` where it is least, which is orthogonal to the rows; shape (n,)."""
        slopes = np.minimum(self.above, self.below)
        matrix, target = slopes[:, None] * self.rows.matrix, slopes * (self.centre - self.rows.shift)
        nearest = np.linalg.lstsq(matrix, target, rcond=None)[0]
        return np.asarray(slopes * (matrix @ nearest - target), dtype=np.float64)

    def sharpened(self, y: FloatArray) -> FloatArray:
        """For p = 2, add the multiple of the residual r that is best: the radius falls to ``sqrt(U^2 - |r|^2)``."""
        if self.norm == 1:
            return y
        slopes = np.minimum(self.above, self.below)[:, None]
        length = np.linalg.norm(y / slopes, axis=0)
        free = self.most**2 - float(np.sum((self.residual / slopes[:, 0]) ** 2))
        return y + np.outer(self.residual, length / np.sqrt(max(free, 1e-12 * self.most**2, 1e-300)))

    def reach_of(self, y: FloatArray) -> FloatArray:
        """Return ``max y . deviations`` over the ball; shapes (n, t) and (t,)."""
        share = np.maximum(np.maximum(y, 0.0) / self.above[:, None], np.maximum(-y, 0.0) / self.below[:, None])
        dual = share.max(axis=0, initial=0.0) if self.norm == 1 else np.linalg.norm(share, axis=0)
        return np.asarray(self.most * dual * (1.0 + gamma(len(y))), dtype=np.float64)


def _ball(network: Network, region: Region, form: AffineNetwork, budget: Budget) -> _Ball:
    """Return what the budget says of the last pre-activations: under each deviation, a convex envelope."""
    slope, bound, x = network[-1].slope, region.pre_activations[-1], budget.x
    norm = 1 if budget.norm == 1 else 2
    on = (bound.lower >= 0.0) | (slope == 1.0)
    off = ~on & (bound.upper <= 0.0)
    # What a ReLU output misses a negative x by, and one that is zero any x.
    spent = np.where(off, np.abs(x), np.where(on, 0.0, np.maximum(-x, 0.0))) if slope == 0.0 else 0.0 * x
    left = budget.most**norm - np.sum(spent**norm) + gamma(x.size) * (budget.most**norm + np.sum(spent**norm))
    used = np.flatnonzero(on | ((x > 0.0) & ~off)) if slope == 0.0 else np.arange(x.size)
    on, off, x, lower = on[used], off[used], x[used], bound.lower[used]
    # Open neurons with x >= 0: slope 1 on the right of x, on the left the chord down from the lower bound.
    chord = (x - slope * lower) / np.where(on | (x <= lower), 1.0, x - lower)
    flat = off | (~on & (x < 0.0))
    centre = np.where(flat, x / slope, x) if slope > 0.0 else x
    shrink = 1.0 - gamma(4)
    return _Ball(
        form.pre_activations[-1].rows(used),
        centre,
        np.where(flat, slope, 1.0) * shrink,
        np.where(on, 1.0, np.where(flat, slope, chord)) * shrink,
        float(max(left, 0.0) ** (1.0 / norm) * (1.0 + gamma(2))),
        norm,
    )


def _round(network: Network, region: Region, budget: Budget | None) -> Region:
    """Bound the variables and the open neurons once, then everything by CROWN."""
    form = affine_network(network, region)
    ball = None if budget is None else _ball(network, region, form, budget)
    open_rows = [rows.rows(index) for rows, index in zip(form.pre_activations, form.open_neurons, strict=True)]
    targets = stacked([form.rows.rows(np.arange(form.box.size)), *open_rows])
    low, high = _bounds(form, ball, targets)
    ends = np.cumsum([network.n_in] + [index.size for index in form.open_neurons[:-1]])
    _, *own = zip(np.split(low[: form.box.size], ends), np.split(high[: form.box.size], ends), strict=True)
    code = meet(region.code, Box(low[: network.n_in], high[: network.n_in]))
    low, high = low[form.box.size :], high[form.box.size :]
    ends = np.cumsum([index.size for index in form.open_neurons])
    found = list(zip(np.split(low, ends), np.split(high, ends), strict=True))
    bounds = []
    for number, (bound, index) in enumerate(zip(region.pre_activations, form.open_neurons, strict=True)):
        low, high = found[number]
        if number < len(network) - 1:
            own_low, own_high = _before_activation(network[number].slope, *own[number])
            low, high = np.maximum(low, own_low), np.minimum(high, own_high)
        lower, upper = bound.lower.copy(), bound.upper.copy()
        lower[index], upper[index] = np.minimum(low, high), np.maximum(low, high)
        bounds.append(meet(bound, Box(lower, upper)))
    return Region(code, crown_bounds(network, code, bounds))


def _before_activation(slope: float, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what the bounds of an output say of its pre-activation."""
    if slope == 0.0:
        return np.where(low > 0.0, low, -np.inf), np.maximum(high, 0.0)
    grow = gamma(1)
    low, high = np.where(low > 0.0, low, low / slope), np.where(high > 0.0, high, high / slope)
    return low - grow * np.abs(low), high + grow * np.abs(high)


def _bounds(form: AffineNetwork, ball: _Ball | None, targets: Affine) -> tuple[FloatArray, FloatArray]:
    """Bound rows from below and above by the best of several dual vectors each."""
    count = targets.shift.size
    low, high = np.full(count, -np.inf), np.full(count, np.inf)
    for power in (1.0, 2.0) if ball is not None and ball.norm == 1 else (2.0,):
        fit = _Fit.of(form, ball, power)
        for first in range(0, count, BATCH):
            batch = np.arange(first, min(first + BATCH, count))
            rows = targets.rows(batch)
            y, v = fit.multipliers(rows)
            high[batch] = np.minimum(high[batch], _upper(form, ball, rows, y, v))
            low[batch] = np.maximum(low[batch], -_upper(form, ball, rows.times(-np.ones(batch.size)), -y, -v))
    return low, high


@dataclass(frozen=True, eq=False)
class _Fit:
    """The weighted least-squares fit: its weights, and the inverse of its normal matrix."""

    form: AffineNetwork
    ball: _Ball | None
    weights: FloatArray
    scale: FloatArray
    inverse: FloatArray

    @classmethod
    def of(cls, form: AffineNetwork, ball: _Ball | None, power: float) -> _Fit:
        """Weigh the ball's rows by their slopes to a power, the others by the widths of their intervals."""
        radius = (form.intervals.upper - form.intervals.lower) / 2.0
        scale = INTERVALS / np.maximum(radius, 1e-9 * max(1.0, float(radius.max()))) ** 2
        normal = form.rows.matrix.T @ (scale[:, None] * form.rows.matrix)
        weights = np.zeros(0)
        if ball is not None:
            slopes = np.minimum(ball.above, ball.below)
            weights = (slopes.size if ball.norm == 1 else 1.0) * slopes**power / max(ball.most, 1e-9) ** 2
            normal += ball.rows.matrix.T @ (weights[:, None] * ball.rows.matrix)
        return cls(form, ball, weights, scale, np.linalg.inv(normal))

    def multipliers(self, targets: Affine) -> tuple[FloatArray, FloatArray]:
        """Return y and v, a column a target."""
        solved = self.inverse @ targets.matrix.T
        y = np.zeros((0, targets.shift.size))
        if self.ball is not None:
            y = self.weights[:, None] * (self.ball.rows.matrix @ solved)
        return y, self.scale[:, None] * (self.form.rows.matrix @ solved)


def _upper(form: AffineNetwork, ball: _Ball | None, targets: Affine, y: FloatArray, v: FloatArray) -> FloatArray:
    """Return the upper bounds that multipliers prove, whatever they are; shapes (n, t), (m, t) and (t,)."""
    n = form.box.size
    middle = (form.intervals.lower + form.intervals.upper) / 2.0
    radius = (form.intervals.upper - form.intervals.lower) / 2.0 * (1.0 + gamma(1))
    reach = np.append(np.maximum(np.abs(form.box.lower), np.abs(form.box.upper)), 1.0)
    missing = targets.matrix.T - form.rows.matrix.T @ v
    bound = targets.shift.copy()
    error = targets.size @ reach
    if ball is not None:
        y = ball.sharpened(y)
        missing -= ball.rows.matrix.T @ y
        bound += y.T @ (ball.centre - ball.rows.shift) + ball.reach_of(y)
        error += np.abs(y).T @ (ball.rows.size @ reach + np.abs(ball.centre)) + ball.reach_of(y)
    # The first rows are the variables themselves: what the fit leaves over is theirs.
    v = np.vstack([v[:n] + missing, v[n:]])
    bound += v.T @ (middle - form.rows.shift) + np.abs(v).T @ radius
    error += np.abs(v).T @ (form.rows.size @ reach + np.abs(middle) + radius)
    operations = form.operations + len(form.rows.shift) + n + (0 if ball is None else ball.centre.size)
    return np.asarray(bound + gamma(2 * operations) * error, dtype=np.float64)
