"""Bounds by linear programs (OBBT): the triangle relaxation of the region, neuron by neuron."""

from __future__ import annotations

import numpy as np
from scipy.sparse import bmat, csr_matrix, identity, vstack

from pyomo_relu.bounds.affine_form import AffineRows, affine_flops, affine_network, tightened
from pyomo_relu.bounds.deviation_ball import deviation_ball
from pyomo_relu.bounds.intersection import CrossedBoundsError
from pyomo_relu.bounds.lagrangian import lagrangian_region
from pyomo_relu.bounds.region import Region
from pyomo_relu.bounds.sought import Sought
from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.network import Network
from pyomo_relu.rounding import gamma
from pyomo_relu.solvers import LinearSession
from pyomo_relu.tolerance import LP_ROUND_LEAVES
from pyomo_relu.validation import FloatArray

WORK = 2e9
"""Work of the LPs where no other is asked for: some seconds on a slow core."""


class RegionLp:
    """The triangle relaxation of a region: every code of the region, with its open neurons, is feasible in it.

    Parameters
    ----------
    network : Network
    region : Region
        Bounded.
    sought : Sought, optional
        Where deviations add up, with those of a near code.
    deadline : Deadline
        No LP goes on after it.
    """

    def __init__(
        self, network: Network, region: Region, sought: Sought | None = None, deadline: Deadline = NO_LIMIT
    ) -> None:
        self.form = affine_network(network, region)
        form, n = self.form, self.form.box.size
        lower, upper = [form.box.lower], [form.box.upper]
        ball = None if sought is None else deviation_ball(network, region, form, sought)
        # With a ball, the deviations hold the bounds of the outputs that count.
        kept = np.arange(form.rows.shift.size) >= n
        if ball is not None and sought is not None:
            kept[-network.n_out :] = np.logical_not(sought.tube.counts)
        known = form.rows.rows(np.flatnonzero(kept))
        spare = self._rounding(known)
        row_lower = [form.intervals.lower[kept] - known.shift - spare]
        row_upper = [form.intervals.upper[kept] - known.shift + spare]
        matrix = csr_matrix(known.matrix)
        if ball is not None:
            bound, rows = region.pre_activations[-1], ball.rows
            spare = self._rounding(rows) + gamma(2) * np.abs(ball.centre)
            unit, m = identity(ball.outputs.size, format="csr"), ball.outputs.size
            matrix = bmat([[matrix, None, None], [csr_matrix(rows.matrix), -unit, unit]], format="csr")
            row_lower.append(ball.centre - rows.shift - spare)
            row_upper.append(ball.centre - rows.shift + spare)
            grow = 1.0 + gamma(2)
            above = np.maximum(bound.upper[ball.outputs] - ball.centre, 0.0) * grow
            below = np.maximum(ball.centre - bound.lower[ball.outputs], 0.0) * grow
            lower += [np.zeros(m), np.zeros(m)]
            upper += [above, below]
            factors, most = ball.norm.half_space(ball.near, ball.most)
            total = np.concatenate([np.zeros(n), ball.above * factors, ball.below * factors])
            matrix = vstack([matrix, csr_matrix(total[None, :])], format="csr")
            row_lower.append(np.array([-np.inf]))
            row_upper.append(np.array([most]))
        self._session = LinearSession(
            matrix,
            np.concatenate(row_lower),
            np.concatenate(row_upper),
            np.concatenate(lower),
            np.concatenate(upper),
            deadline,
        )
        self._rest = matrix.shape[1] - n

    @property
    def work(self) -> float:
        """What the LPs have cost so far, as :class:`~pyomo_relu.solvers.LinearSession` counts it."""
        return self._session.work

    def _rounding(self, rows: AffineRows) -> FloatArray:
        return np.asarray(gamma(self.form.operations) * (rows.size @ self.form.reach), dtype=np.float64)

    def upper_bound(self, rows: AffineRows, index: int) -> float:
        """Bound one row from above."""
        cost = np.append(rows.matrix[index], np.zeros(self._rest))
        high, shift = -self._session.lower_bound(-cost), float(rows.shift[index])
        error = float(self._rounding(rows.rows(np.array([index])))[0]) + gamma(2) * (abs(high) + abs(shift))
        return high + shift + error

    def lower_bound(self, rows: AffineRows, index: int) -> float:
        """Bound one row from below."""
        return -self.upper_bound(-rows.rows(np.array([index])), 0)


def lp_region(
    network: Network,
    region: Region,
    sought: Sought | None = None,
    deadline: Deadline = NO_LIMIT,
    *,
    work: float = WORK,
    rounds: int = 3,
) -> Region | None:
    """Tighten a region by two LPs for each variable and each neuron that is still open.

    Where deviations add up, and most neurons are open, the outputs of hidden neurons are bounded from above first: that
    is what their layer's envelopes need, and :func:`lagrangian_region` does the rest where it suffices. Else hidden
    layers first: where they close, there are fewer variables. Of p = inf, outputs have no envelope to sharpen.

    Parameters
    ----------
    network : Network
    region : Region
        What holds for its codes holds for the result's; one that is not bounded stays as it is.
    sought : Sought, optional
        Where deviations add up, with those of a near code; else the region has all that bounds them.
    work : float
        Of the LPs, at most, as :class:`~pyomo_relu.solvers.LinearSession` counts it; neurons that are not reached keep
        their bounds.
    deadline : Deadline
        No LP goes on after it.
    rounds : int
        Most passes over the network; they end when one gains little.

    Returns
    -------
    Region or None
        Every bound is rebuilt from the LP's duals, so that it trusts no solver. None proves that there are
        no such codes.

    Examples
    --------
    >>> from pyomo_relu.bounds.observed import observed_region
    >>> from pyomo_relu.box import Box
    >>> net = Network.random((2, 6, 12), seed=0)
    >>> x = net(np.array([1.0, -0.5])) + np.random.default_rng(1).uniform(-0.1, 0.1, 12)
    >>> before = observed_region(net, Region.everything(net, Box.of((-3, 3), 2)), Sought(x, "inf", 0.1))
    >>> lp_region(net, before).width < before.width
    True
    """
    if not region.is_bounded:
        return region
    tops_help = sought is not None and sought.adds_up
    parts = ("hidden", "outputs") if tops_help else ("hidden",)
    for _ in range(rounds):
        before = region.width
        only_tops = tops_help and region.is_wide(network)
        for part in ("tops",) if only_tops else parts:
            if any(region.unstable(network)) and work > 0.0 and deadline.affords(affine_flops(network, region)):
                tighter, spent = _pass(network, region, sought, work, deadline, part)
                work -= spent
                if tighter is not None:
                    tighter = lagrangian_region(network, tighter, sought, deadline)
                if tighter is None:
                    return None
                region = tighter
        gained = region.width <= LP_ROUND_LEAVES * before
        if only_tops:
            tops_help = gained
        elif not gained:
            break
    return region


def _pass(
    network: Network, region: Region, sought: Sought | None, work: float, deadline: Deadline, part: str
) -> tuple[Region | None, float]:
    """Bound once: the outputs of hidden neurons from above, or all hidden rows, or the open outputs; tell the work."""
    program = RegionLp(network, region, sought, deadline)
    form = program.form
    targets = form.targets
    count, last = targets.shift.size, form.open_neurons[-1].size
    low, high = np.full(count, -np.inf), np.full(count, np.inf)
    reach = {
        "tops": range(network.n_in, form.box.size),
        "hidden": range(count - last),
        "outputs": range(count - last, count),
    }[part]
    for i in reach:
        if program.work > work or deadline.expired:
            break
        high[i] = program.upper_bound(targets, i)
        if part != "tops":
            low[i] = program.lower_bound(targets, i)
    try:
        return tightened(network, region, form, low, high), program.work
    except CrossedBoundsError:
        return None, program.work
