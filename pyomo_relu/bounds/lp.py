"""Bounds by linear programs (OBBT): the triangle relaxation of the region, neuron by neuron."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix

from pyomo_relu.bounds.budget import Budget
from pyomo_relu.bounds.crown import crown_bounds, meet
from pyomo_relu.bounds.observed import Region
from pyomo_relu.bounds.rounding import gamma
from pyomo_relu.box import Box
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.solvers import LinearSession
from pyomo_relu.validation import FloatArray


@dataclass
class _Columns:
    """Where a layer's outputs stand among the LP's variables: ``h = positive - slope * negative``, or one column."""

    positive: np.ndarray
    negative: np.ndarray


class _Assembly:
    """Rows and columns of the LP as they are collected."""

    def __init__(self) -> None:
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.row_lower: list[float] = []
        self.row_upper: list[float] = []
        self.entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def columns(self, lower: FloatArray, upper: FloatArray) -> np.ndarray:
        first = len(self.lower)
        self.lower += lower.tolist()
        self.upper += upper.tolist()
        return np.arange(first, len(self.lower))

    def rows(self, lower: FloatArray, upper: FloatArray) -> np.ndarray:
        first = len(self.row_lower)
        self.row_lower += lower.tolist()
        self.row_upper += upper.tolist()
        return np.arange(first, len(self.row_lower))

    def put(self, rows: np.ndarray, columns: np.ndarray, values: FloatArray) -> None:
        self.entries.append((np.asarray(rows), np.asarray(columns), np.asarray(values)))

    def session(self) -> LinearSession:
        rows, columns, values = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        shape = (len(self.row_lower), len(self.lower))
        matrix = coo_matrix((values, (rows, columns)), shape=shape).tocsr()
        return LinearSession(
            matrix, np.array(self.row_lower), np.array(self.row_upper), np.array(self.lower), np.array(self.upper)
        )


class RegionLp:
    """The triangle relaxation of a region: every code of the region is feasible in it.

    Parameters
    ----------
    network : Network
    region : Region
        Bounded.
    budget : Budget, optional
        What the deviations of the last layer may add up to.
    """

    def __init__(self, network: Network, region: Region, budget: Budget | None = None) -> None:
        self._network = network
        build = _Assembly()
        self._inputs: list[tuple[np.ndarray, np.ndarray]] = []
        code = build.columns(region.code.lower, region.code.upper)
        self._code = code
        self._sides: dict[tuple[int, int], tuple[int, int]] = {}
        columns, gains = code, np.ones(code.size)
        source = np.arange(code.size)
        for number, (layer, bound) in enumerate(zip(network, region.pre_activations, strict=True)):
            weight = layer.weight[:, source] * gains
            self._inputs.append((columns, weight))
            columns, gains, source, sides = _add_layer(build, layer, bound, columns, weight)
            self._sides.update({(number, j): pair for j, pair in sides.items()})
        if budget is not None:
            _add_budget(build, network[-1], budget, columns, gains, source)
        self._session = build.session()
        self._n = len(build.lower)

    def bound_code(self, i: int) -> tuple[float, float]:
        """Bound one entry of the code, and hold it to that from now on."""
        cost = np.zeros(self._n)
        cost[self._code[i]] = 1.0
        low, high = self._session.range_of(cost)
        self._session.tighten(int(self._code[i]), low, high)
        return low, high

    def bound_pre_activation(self, layer: int, neuron: int) -> tuple[float, float]:
        """Bound one pre-activation, layers from 0, and hold its two sides to that from now on."""
        columns, weight = self._inputs[layer]
        cost = np.zeros(self._n)
        np.add.at(cost, columns, weight[neuron])
        bias = float(self._network[layer].bias[neuron])
        low, high = self._session.range_of(cost)
        grow = gamma(1)
        low, high = low + bias, high + bias
        low, high = low - grow * (abs(low) + abs(bias)), high + grow * (abs(high) + abs(bias))
        positive, negative = self._sides[layer, neuron]
        self._session.tighten(positive, 0.0, max(high, 0.0))
        self._session.tighten(negative, 0.0, max(-low, 0.0))
        return low, high


def _add_layer(
    build: _Assembly, layer: Layer, bound: Box, columns: np.ndarray, weight: FloatArray
) -> tuple[np.ndarray, FloatArray, np.ndarray, dict[int, tuple[int, int]]]:
    """Add one layer.

    Return the columns of its outputs, their factors, the neurons they belong to, and the two
    columns of each neuron of both signs.
    """
    on = np.ones(layer.n_out, dtype=bool) if layer.slope == 1.0 else bound.lower >= 0.0
    off = ~on & (bound.upper <= 0.0)
    both = ~on & ~off
    shift = layer.bias

    fixed = np.flatnonzero(off & (layer.slope == 0.0))
    rows = build.rows((bound.lower - shift)[fixed], (bound.upper - shift)[fixed])
    _dense(build, rows, columns, weight[fixed])

    linear = np.flatnonzero(on | (off & (layer.slope > 0.0)))
    gain = np.where(on, 1.0, layer.slope)[linear]
    outputs = build.columns(layer.activate(bound.lower)[linear], layer.activate(bound.upper)[linear])
    rows = build.rows(gain * shift[linear], gain * shift[linear])
    _dense(build, rows, columns, -gain[:, None] * weight[linear])
    build.put(rows, outputs, np.ones(linear.size))

    mixed = np.flatnonzero(both)
    low, high = bound.lower[mixed], bound.upper[mixed]
    positive = build.columns(np.zeros(mixed.size), high)
    negative = build.columns(np.zeros(mixed.size), -low)
    rows = build.rows(shift[mixed], shift[mixed])
    _dense(build, rows, columns, -weight[mixed])
    build.put(rows, positive, np.ones(mixed.size))
    build.put(rows, negative, -np.ones(mixed.size))
    rows = build.rows(np.full(mixed.size, -np.inf), -low * high)
    build.put(rows, positive, -low)
    build.put(rows, negative, high)

    found = [outputs, positive]
    gains = [np.ones(linear.size), np.ones(mixed.size)]
    neurons = [linear, mixed]
    if layer.slope > 0.0:
        found.append(negative)
        gains.append(np.full(mixed.size, -layer.slope))
        neurons.append(mixed)
    sides = dict(zip(mixed.tolist(), zip(positive.tolist(), negative.tolist(), strict=True), strict=True))
    return np.concatenate(found), np.concatenate(gains), np.concatenate(neurons), sides


def _add_budget(
    build: _Assembly, layer: Layer, budget: Budget, columns: np.ndarray, gains: FloatArray, source: np.ndarray
) -> None:
    """Add ``e_j >= |y_j - x_j|`` and one row on the sum of the e_j."""
    n = layer.n_out
    dead = np.setdiff1d(np.arange(n), source)
    least = np.maximum(-budget.x, 0.0) if layer.slope == 0.0 else np.zeros(n)
    least[dead] = np.abs(budget.x[dead])
    e = build.columns(np.minimum(least, budget.caps), np.maximum(budget.caps, least))
    live = np.unique(source)
    for sign in (1.0, -1.0):
        rows = build.rows(np.full(live.size, -np.inf), sign * budget.x[live])
        build.put(np.searchsorted(live, source) + rows[0] if rows.size else rows, columns, sign * gains)
        build.put(rows, e[live], -np.ones(live.size))
    total = build.rows(np.array([-np.inf]), np.array([budget.most]))
    if budget.norm == 1:
        build.put(np.repeat(total, n), e, np.ones(n))
    else:
        # sum e^2 <= most^2 lies below its tangent: 2 c . e <= most^2 + |c|^2.
        room = budget.most**2 + float(budget.centre @ budget.centre)
        build.row_upper[int(total[0])] = room * (1.0 + 1e-12)
        build.put(np.repeat(total, n), e, 2.0 * budget.centre)


def _dense(build: _Assembly, rows: np.ndarray, columns: np.ndarray, values: FloatArray) -> None:
    build.put(np.repeat(rows, columns.size), np.tile(columns, rows.size), values.ravel())


WORTHWHILE = 0.97
"""Another pass pays while the last one has left at most this share of what was open."""


def lp_region(
    network: Network, region: Region, budget: Budget | None = None, *, seconds: float = 5.0, rounds: int = 3
) -> Region:
    """Tighten a region by two LPs for each entry of the code and each neuron that is still open.

    Hidden layers first: where they close, CROWN closes most outputs without an LP.

    Parameters
    ----------
    network : Network
    region : Region
        Bounded; what holds for its codes holds for the result's.
    budget : Budget, optional
        For p = 1 and 2: what the deviations may add up to.
    seconds : float
        Wall clock to spend; neurons that are not reached keep their bounds.
    rounds : int
        Most passes over the hidden layers; they end when one gains little.

    Returns
    -------
    Region
        Every bound is rebuilt from the LP's duals, so that it trusts no solver.
    """
    stop = time.perf_counter() + seconds
    hidden = range(len(network) - 1)
    for _ in range(rounds):
        before = _openness(network, region)
        region = _pass(network, region, budget, hidden, stop, code=True)
        if _openness(network, region) > WORTHWHILE * before:
            break
    return _pass(network, region, budget, range(len(network) - 1, len(network)), stop, code=False)


def _openness(network: Network, region: Region) -> float:
    """Return how much the hidden layers and the code leave open: the widths of the code and of open neurons."""
    total = float(np.sum(region.code.upper - region.code.lower))
    for layer, bound in zip(network.layers[:-1], region.pre_activations[:-1], strict=True):
        if layer.slope < 1.0:
            total += float(np.sum(np.minimum(np.maximum(-bound.lower, 0.0), np.maximum(bound.upper, 0.0))))
    return total


def _pass(network: Network, region: Region, budget: Budget | None, layers: range, stop: float, *, code: bool) -> Region:
    """Bound the code and the open neurons of some layers once, then all the others by CROWN."""
    if time.perf_counter() > stop:
        return region
    program = RegionLp(network, region, budget)
    box = region.code
    if code:
        ends = [program.bound_code(i) for i in range(network.n_in) if time.perf_counter() < stop]
        box = _tighter(box, list(range(len(ends))), ends)
    bounds = list(region.pre_activations)
    for number in layers:
        bound = bounds[number]
        open_ = (bound.lower < 0.0) & (bound.upper > 0.0) & (network[number].slope < 1.0)
        neurons = [int(j) for j in np.flatnonzero(open_)]
        ends = [program.bound_pre_activation(number, j) for j in neurons if time.perf_counter() < stop]
        bounds[number] = _tighter(bound, neurons[: len(ends)], ends)
    return Region(box, crown_bounds(network, box, bounds))


def _tighter(box: Box, index: list[int], ends: list[tuple[float, float]]) -> Box:
    lower, upper = box.lower.copy(), box.upper.copy()
    for i, (low, high) in zip(index, ends, strict=True):
        lower[i], upper[i] = max(lower[i], low), min(upper[i], high)
    return meet(box, Box(np.minimum(lower, upper), np.maximum(lower, upper)))
