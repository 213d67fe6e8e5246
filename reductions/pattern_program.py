"""The 0-1 program of a region: what bounds alone say of the sides on which the entries of a code can lie.

Where a neuron of one code entry is open, the entry lies in one of two intervals, and bounds often leave a hole between
them. A row of the network over the code, with its bounds, then says something of the choices alone::

    sum_i a_i z_i <= u,   z_i in [l_i, h_i] or [l'_i, h'_i]    =>    sum_i (smallest a_i z_i of the side) <= u

which is a row in 0-1 variables, and is scaled to a covering row ``sum_i c_i y_i >= 1``, ``0 < c_i <= 1``. The program
has a solution for every code of the region, so that it has none only where there is no code. The other way round
is not promised: its solutions are guesses.

Derived for this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pyomo.common.gc_manager import PauseGC
from pyomo.environ import Binary, ConcreteModel, Constraint, Objective, Var

from pyomo_relu.bounds import AffineRows, Region, propagated_region, stacked
from pyomo_relu.box import Box
from pyomo_relu.formulations import linear
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.rounding import gamma
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False)
class Sides:
    """Two intervals for every entry of the code, of which it lies in one; where there is no choice they are equal.

    Parameters
    ----------
    first, second : Box
    """

    first: Box
    second: Box

    @property
    def choices(self) -> list[int]:
        """Return the entries that have a choice."""
        same = (self.first.lower == self.second.lower) & (self.first.upper == self.second.upper)
        return [int(i) for i in np.flatnonzero(~same)]


def sides_of(network: Network, region: Region, *, binary: bool = False) -> Sides | None:
    """Split each entry of the code at a neuron of its own, and tighten both halves.

    Entries are independent in the neurons that depend on one of them only, so that all are split at once.

    Parameters
    ----------
    network : Network
    region : Region
        Bounded.
    binary : bool
        Whether the code lies in ``{0, 1}^k``: that is its split.

    Returns
    -------
    Sides or None
        None where no entry can be split so.

    Examples
    --------
    >>> net = Network.from_arrays([[[2.0], [-2.0]], [[1.0, 1.0]]], [[-1.0, 1.0], None])   # |2 z - 1|
    >>> from pyomo_relu.bounds import Sought, sought_region
    >>> near = sought_region("decision", net, Box.of((0, 1), 1), Sought(np.ones(1), "inf", 0.25))
    >>> sides = sides_of(net, near)
    >>> sides.first.upper.round(9).tolist(), sides.second.lower.round(9).tolist()
    ([0.125], [0.875])
    """
    code = region.code
    if binary:
        lower, upper = np.maximum(np.ceil(code.lower), 0.0), np.minimum(np.floor(code.upper), 1.0)
        return None if (lower > upper).any() else Sides(Box(lower, lower), Box(upper, upper))
    own, owner = _neurons_of_one_entry(network, region)
    if own is None:
        return None
    part, bounds = own
    halves = []
    splitters = _splitters(part, bounds, owner)
    if not any(chosen.size for chosen in splitters):
        return None
    for is_on in (False, True):
        signed = tuple(map(partial(_signed, is_on=is_on), bounds, splitters))
        half = propagated_region(part, Region(code, signed))
        if half is None:
            return None
        halves.append(half.code)
    return Sides(halves[0], halves[1])


def _splitters(part: Network, bounds: list[Box], owner: list[NDArray[np.intp]]) -> list[NDArray[np.intp]]:
    """Return the neurons of each layer that split an entry: its first one that is open."""
    chosen, taken = [], np.array([], dtype=np.intp)
    for layer, bound, entries in zip(part, bounds, owner, strict=True):
        open_ = layer.activation.is_open(bound.lower, bound.upper)
        fresh = np.flatnonzero(open_ & (entries >= 0) & ~np.isin(entries, taken))
        chosen.append(fresh[np.unique(entries[fresh], return_index=True)[1]])
        taken = np.concatenate((taken, entries[chosen[-1]]))
    return chosen


def _signed(bound: Box, neurons: NDArray[np.intp], *, is_on: bool) -> Box:
    lower, upper = bound.lower.copy(), bound.upper.copy()
    (lower if is_on else upper)[neurons] = 0.0
    return Box(lower, upper)


def _neurons_of_one_entry(
    network: Network, region: Region
) -> tuple[tuple[Network, list[Box]] | None, list[NDArray[np.intp]]]:
    """Return the neurons that depend on one entry at most, as a network with bounds, and which entry; -1 is none."""
    layers: list[Layer] = []
    bounds: list[Box] = []
    owners: list[NDArray[np.intp]] = []
    support, kept = np.eye(network.n_in, dtype=np.int64), np.ones(network.n_in, dtype=bool)
    zero = np.zeros(network.n_in, dtype=bool)
    for layer, bound in zip(network, region.pre_activations, strict=True):
        support = ((layer.dense() != 0.0).astype(np.int64) @ support > 0).astype(np.int64)
        # A row over several entries would let one half tighten another entry's, also where its neuron is off.
        narrow = (support.sum(axis=1) <= 1) & ~((layer.dense()[:, ~(kept | zero)] != 0.0).any(axis=1))
        if not narrow.any():
            break
        layers.append(Layer(layer.dense(narrow)[:, kept], layer.bias[narrow], layer.activation.rows(narrow)))
        bounds.append(Box(bound.lower[narrow], bound.upper[narrow]))
        owners.append(np.where(support[narrow].any(axis=1), support[narrow].argmax(axis=1), -1))
        # The output of a neuron that is off depends on nothing.
        kept, zero = narrow, (bound.upper <= 0.0) & layer.activation.cuts
        support[zero] = 0
    return ((Network(tuple(layers)), bounds) if layers else None), owners


def build_pattern_program(network: Network, region: Region, sides: Sides) -> ConcreteModel | None:
    """Return the 0-1 program of a region, ``second[i]`` saying that entry i is on its second side.

    Parameters
    ----------
    network : Network
    region : Region
        Bounded.
    sides : Sides

    Returns
    -------
    pyomo.environ.ConcreteModel or None
        With a constant objective. None proves that no code lies in the region: a row has no choice that meets it.
    """
    weights, literals = _covering_rows(network, region, sides)
    if (weights.sum(axis=1) < 1.0).any():
        return None
    model = ConcreteModel()
    with PauseGC():
        model.second = Var(sides.choices, domain=Binary)
        rows = []
        for weight, literal in zip(weights, literals, strict=True):
            used = np.flatnonzero(weight)
            signs = np.where(literal[used], 1.0, -1.0)
            coefficients = (signs * weight[used]).tolist()
            right = 1.0 - float(weight[used][~literal[used]].sum())
            rows.append((right, linear(coefficients, [model.second[int(i)] for i in used]), None))
        model.cover = Constraint(range(len(rows)), rule=lambda _, j: rows[j])
        model.objective = Objective(expr=0.0)
    return model


def _covering_rows(network: Network, region: Region, sides: Sides) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return rows ``sum_i weight_i literal_i >= 1``; a literal is "second" where True, else "first"."""
    rows, bounds = _rows_of_code(network, region)
    matrix = np.vstack([rows.matrix, -rows.matrix])
    right = np.concatenate([bounds.upper - rows.shift, rows.shift - bounds.lower])
    reach = np.append(np.maximum(np.abs(region.code.lower), np.abs(region.code.upper)), 1.0)
    operations = 4 * (network.n_in + sum(layer.n_in for layer in network))
    size = rows.size @ reach
    error = gamma(operations) * (np.tile(size, 2) + np.abs(right))
    first, second = (
        np.where(matrix > 0.0, matrix * box.lower, matrix * box.upper) for box in (sides.first, sides.second)
    )
    # sum of the smallest terms <= right, and so: what the choices save from the largest >= need.
    saved = np.abs(second - first)
    need = np.maximum(first, second).sum(axis=1) - right - error
    binding = need > 0.0
    saved, need = saved[binding], need[binding]
    weights = np.minimum(saved / need[:, None] * (1.0 + gamma(1)), 1.0)
    found = np.unique(np.hstack([weights, (second < first)[binding]]), axis=0)
    return found[:, : network.n_in], found[:, network.n_in :] > 0.0


def _rows_of_code(network: Network, region: Region) -> tuple[AffineRows, Box]:
    """Return the pre-activations that are affine in the code on this region, and their bounds."""
    k = network.n_in
    unit = np.eye(k)
    inputs, known = AffineRows(unit, np.zeros(k), np.hstack([unit, np.zeros((k, 1))])), np.ones(k, dtype=bool)
    blocks, lowers, uppers = [inputs], [region.code.lower], [region.code.upper]
    for layer, bound in zip(network, region.pre_activations, strict=True):
        affine = ~(layer.dense()[:, ~known] != 0.0).any(axis=1)
        if not affine.any():
            break
        before = inputs.through(layer)
        blocks.append(before.rows(affine))
        lowers.append(bound.lower[affine])
        uppers.append(bound.upper[affine])
        on = layer.activation.is_on(bound.lower)
        off = bound.upper <= 0.0
        # An off ReLU is zero whatever it depends on.
        known = (affine & (on | off)) | (off & layer.activation.cuts)
        inputs = before.times(layer.activation.gain(on))
    return stacked(blocks), Box(np.concatenate(lowers), np.concatenate(uppers))
