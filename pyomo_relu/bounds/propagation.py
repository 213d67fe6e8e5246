"""Feasibility-based bound tightening: every row of every layer bounds each of its inputs, given the others.

Where ``l <= sum_i w_i h_i + b <= u`` holds and the other inputs lie in their box, so does ``w_i h_i`` between what
they leave of l and u. An input's bounds are bounds of an output of the layer before, which the activation's inverse
carries to that layer's pre-activation, and so on back to the code; from the code forwards again by intervals. Cheap,
and strong where rows are sparse or their bounds are nearly attained, as in networks that compute logic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.activation import Ends
from pyomo_relu.bounds.region import Region
from pyomo_relu.bounds.sought import Sought
from pyomo_relu.box import Box
from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.rounding import gamma
from pyomo_relu.tolerance import PROPAGATION_ROUND_LEAVES
from pyomo_relu.validation import FloatArray

ROUNDS = 20

SHORT, LARGE = 2.0**10, 2.0**10
"""Multiples of 1/1024 below 1024 are multiplied, and thousands of the products added, without any rounding."""


def propagated_region(
    network: Network,
    region: Region,
    sought: Sought | None = None,
    deadline: Deadline = NO_LIMIT,
    *,
    rounds: int = ROUNDS,
) -> Region | None:
    """Tighten a region by its rows, backwards and forwards.

    Parameters
    ----------
    network : Network
    region : Region
        It need not be bounded.
    sought : Sought, optional
        Not used: the rows bound the codes of the region alone.
    deadline : Deadline
        No round begins after it.
    rounds : int
        At most; a round goes once forwards and once backwards, in time proportional to the weights that are not zero.

    Returns
    -------
    Region or None
        Contains every code of `region`, and their pre-activations: rounding errors are bounded and added. None
        proves that there are none: the bounds of some neuron cross, in the real numbers.

    References
    ----------
    The tightening of rows is that of presolve in integer programming: Savelsbergh, "Preprocessing and probing
    techniques for mixed integer programming problems" (1994).

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]]])   # ReLU(z1) + ReLU(z2)
    >>> last = Box([1.9], [2.1])
    >>> near = Region(Box.of((0, 1), 2), (Box.of((-np.inf, np.inf), 2), last))
    >>> propagated_region(net, near).code.lower.round(9).tolist()
    [0.9, 0.9]
    >>> propagated_region(net, Region(Box.of((0, 0.9), 2), near.pre_activations)) is None
    True
    """
    rows = [_Rows.of(layer) for layer in network]
    bounds: list[Ends] = [(box.lower, box.upper) for box in (region.code, *region.pre_activations)]

    def inputs_of(i: int) -> Ends:
        return bounds[0] if i == 0 else network[i - 1].activation.after(*bounds[i])

    for _ in range(rounds):
        if deadline.expired:
            break
        before = list(bounds)
        for i in range(len(network)):
            bounds[i + 1] = _meet(bounds[i + 1], rows[i].outputs(inputs_of(i)))
        for i in reversed(range(len(network))):
            inputs = inputs_of(i)
            tighter = _meet(inputs, rows[i].inputs(bounds[i + 1], inputs))
            if _is_empty(tighter):
                return None
            bounds[i] = tighter if i == 0 else _meet(bounds[i], network[i - 1].activation.before(*tighter))
        if any(map(_is_empty, bounds)):
            return None
        if not any(map(_is_narrower, bounds, before)):
            break
    code, *pre_activations = (Box(lower, upper) for lower, upper in bounds)
    return Region(code, tuple(pre_activations))


@dataclass(frozen=True, eq=False)
class _Rows:
    """A layer's weights that are not zero: entry e is ``weight[e]`` in row ``row[e]``, of input ``column[e]``."""

    row: NDArray[np.intp]
    column: NDArray[np.intp]
    weight: FloatArray
    bias: FloatArray
    n_in: int

    @classmethod
    def of(cls, layer: Layer) -> _Rows:
        return cls(*layer.nonzeros(), layer.bias, layer.n_in)

    def outputs(self, inputs: Ends) -> Ends:
        """Bound the rows from their inputs; what is not rounded is not rounded outwards, so that 0 stays 0."""
        low, high = self._terms(inputs)
        error = np.where(self._is_exact(inputs), 0.0, self._error(low, high))
        return self._sum(low) + self.bias - error, self._sum(high) + self.bias + error

    def inputs(self, bound: Ends, inputs: Ends) -> Ends:
        """Bound the inputs from the rows' bounds, each input by what the others leave."""
        low, high = self._terms(inputs)
        error = self._error(low, high)
        room = error + gamma(2) * np.where(np.isfinite(bound[0]), np.abs(bound[0]), 0.0)
        least = (bound[0] - self.bias - room)[self.row] - self._others(high)
        room = error + gamma(2) * np.where(np.isfinite(bound[1]), np.abs(bound[1]), 0.0)
        most = (bound[1] - self.bias + room)[self.row] - self._others(low)
        positive = self.weight > 0.0
        lower, upper = (np.where(positive, *ends) / self.weight for ends in ((least, most), (most, least)))
        found = np.full(self.n_in, -np.inf), np.full(self.n_in, np.inf)
        np.maximum.at(found[0], self.column, lower - gamma(1) * np.abs(lower))
        np.minimum.at(found[1], self.column, upper + gamma(1) * np.abs(upper))
        return found

    def _terms(self, inputs: Ends) -> Ends:
        """Return the ends of every product ``w_i h_i``; never 0 times infinity."""
        one, other = self.weight * inputs[0][self.column], self.weight * inputs[1][self.column]
        return np.minimum(one, other), np.maximum(one, other)

    def _others(self, terms: FloatArray) -> FloatArray:
        """Return, for every entry, the sum over the other entries of its row; one that is infinite makes it so."""
        infinite = np.isinf(terms)
        finite = np.where(infinite, 0.0, terms)
        count = self._sum(infinite.astype(np.float64))[self.row] - infinite
        # Lower ends are infinite to one side only, upper ones to the other.
        limit = terms[infinite][0] if infinite.any() else 0.0
        return np.where(count > 0.0, limit, self._sum(finite)[self.row] - finite)

    def _is_exact(self, inputs: Ends) -> NDArray[np.bool_]:
        """Return which rows are computed without rounding: those of a few short numbers."""
        long = ~(_is_short(self.weight) & _is_short(inputs[0][self.column]) & _is_short(inputs[1][self.column]))
        count = np.bincount(self.row, minlength=self.bias.size)
        exact = (self._sum(long.astype(np.float64)) == 0.0) & _is_short(self.bias) & (count < LARGE)
        return np.asarray(exact, dtype=np.bool_)

    def _error(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """Bound what rounding can have done to a row's sums."""
        size = np.maximum(*(np.where(np.isinf(terms), 0.0, np.abs(terms)) for terms in (low, high)))
        longest = int(np.bincount(self.row, minlength=1).max())
        return np.asarray(gamma(2 * longest + 2) * (self._sum(size) + np.abs(self.bias)), dtype=np.float64)

    def _sum(self, terms: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(self.row, weights=terms, minlength=self.bias.size), dtype=np.float64)


def _is_short(values: FloatArray) -> NDArray[np.bool_]:
    short = (np.abs(values) <= LARGE) & (np.floor(values * SHORT) == values * SHORT)
    return np.asarray(short, dtype=np.bool_)


def _meet(one: Ends, other: Ends) -> Ends:
    return np.maximum(one[0], other[0]), np.minimum(one[1], other[1])


def _is_empty(ends: Ends) -> bool:
    return bool((ends[0] > ends[1]).any())


def _is_narrower(now: Ends, before: Ends) -> bool:
    """Whether some interval has become narrower, by enough to matter."""
    width, old = now[1] - now[0], before[1] - before[0]
    return bool(
        (
            width < PROPAGATION_ROUND_LEAVES * old - gamma(1) * (1.0 + np.abs(np.where(np.isinf(width), 0.0, width)))
        ).any()
    )
