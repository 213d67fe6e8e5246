"""The network and its observation as one LP, in which neurons are fixed to a phase and freed again.

::

    t = W h' + b,   h >= t,   h >= slope t,   h <= chord of a bounded t;     on: h = t,   off: h = slope t

HiGHS guides the search. What is left out on its word is proved by its multipliers, for wider bounds than the LP's:
outputs may miss x by rounding besides, and a phase may reach beyond zero by the slack that it was fixed with.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pyomo_relu.bounds import Region, Sought, crown_bounds, sought_region
from pyomo_relu.box import Box
from pyomo_relu.layer import Layer, scaled
from pyomo_relu.linear_program import FARTHEST, LinearProgram, LinearProgramError
from pyomo_relu.network import Network
from pyomo_relu.norms import as_norm
from pyomo_relu.rounding import UNIT, gamma
from pyomo_relu.scaling import NEAR, row_scales
from pyomo_relu.validation import FloatArray

ROOM = 1e-9
"""By how much more than the tolerance outputs may miss x at first, relative to ``max(1, max |x|)``: rounding."""

SIGN = 1e-7
"""A pre-activation that reaches no further beyond zero has one sign only: what LPs and `ROOM` leave of a zero.

Of neurons that are balanced; outputs are scaled here, and their observation with them."""

BEYOND = 1e-11
"""The same of hidden neurons, whose phase moves what comes after: both are tried where it is not proved to be less.

Where the code is not bounded, rounding leaves more of a zero than that, and `SIGN` is what counts."""

FLAT = 1e-6
"""A chord that rises less says no more than the bound of its neuron; to an LP it is dust."""

BOTH = [(True, 0.0), (False, 0.0)]
"""The phases of a neuron of which nothing is known."""


class Relaxation:
    """Every code of a pre-image is feasible; with all neurons fixed, nothing else is.

    Parameters
    ----------
    network : Network
        Balanced.
    x : array, shape (n,)
    region : Region
        Bounds of those codes; see :func:`region_of`.
    tol : float
        How far outputs may be from `x`; infinite for no observation at all.

    Attributes
    ----------
    neurons : list of (int, int)
        Layer and row of all neurons that are not linear, from the first layer on.
    known : list of (bool, float) or None
        Whether the bounds have the neuron on or off already, and by how much they reach beyond zero.
    unit : array, shape (n,)
        By which the outputs are divided here.
    room : array, shape (n,)
        What rounding can have done to each output of a forward pass, not divided.
    """

    def __init__(self, network: Network, x: FloatArray, region: Region, tol: float) -> None:
        self.neurons: list[tuple[int, int]] = []
        self.known: list[tuple[bool, float] | None] = []
        self._costs: list[FloatArray] = []
        self._offsets: list[float] = []
        self._open: list[tuple[tuple[float, float], tuple[float, float]]] = []
        self._bent: list[float] = []
        self._most: list[float] = []
        self._rows: list[tuple[int, int]] = []
        matrix: list[FloatArray] = []
        bounds: list[tuple[float, float]] = []
        n_variables = sum(network.sizes)
        lower, upper = np.full(n_variables, -np.inf), np.full(n_variables, np.inf)
        self._n_in = network.n_in
        first, before = network.n_in, slice(0, network.n_in)
        lower[before], upper[before] = region.code.lower, region.code.upper
        self.unit = unit = row_scales(network[-1], NEAR)
        for number, (layer, known) in enumerate(_scaled(network, region, unit)):
            weight = layer.dense()
            leak, bends = layer.activation.slope.tolist(), layer.activation.bends
            chords = zip(*(each.tolist() for each in layer.activation.chord(known.lower, known.upper)), strict=True)
            for j, (chord, above) in enumerate(chords):
                t, h = np.zeros(n_variables), np.zeros(n_variables)
                t[before], h[first + j] = weight[j], 1.0
                low, high, bias = float(known.lower[j]), float(known.upper[j]), float(layer.bias[j])
                matrix.append(h - t)
                bounds.append((bias, np.inf if bends[j] else bias))
                if not bends[j]:
                    continue
                matrix.append(h - leak[j] * t)
                bounds.append((leak[j] * bias, np.inf))
                self.neurons.append((number, j))
                self._rows.append((len(matrix) - 2, len(matrix) - 1))
                self._open.append((bounds[-2], bounds[-1]))
                self._bent.append(1.0 - leak[j])
                self._costs.append(t)
                self._offsets.append(bias)
                precise = number < len(network) - 1 and region.code.is_bounded
                self._most.append(BEYOND if precise else SIGN)
                self.known.append(_phase(low, high, self._most[-1]))
                upper[first + j] = high if high > 0.0 else leak[j] * high
                if self.known[-1] is None and np.isfinite(low) and np.isfinite(high) and chord > FLAT:
                    matrix.append(h - chord * t)
                    bounds.append((-np.inf, chord * bias + above + gamma(4) * (chord * abs(bias) + above)))
            before, first = slice(first, first + layer.n_out), first + layer.n_out
        self.room = _rounding(network, region, room_of(x))
        lower[before], upper[before] = (x - tol) / unit, (x + tol) / unit
        low, high = np.array(bounds).T.copy()
        self._program = LinearProgram(np.array(matrix), low, high, lower, upper)
        self._claimed_rows = low, high
        self._claimed_columns = self._reaches(network, before, lower, upper, (x, tol, unit))
        if not region.code.is_bounded:
            self._tighten(np.isinf(lower), np.isinf(upper))

    @property
    def code(self) -> Box:
        """A box around the codes of entries up to `FARTHEST`."""
        low, high = self._claimed_columns
        return Box(low[: self._n_in], np.maximum(low, high)[: self._n_in])

    @property
    def bounds_the_code(self) -> bool:
        """Whether that box ends before `FARTHEST`: the observation bounds the codes."""
        return bool((np.maximum(-self.code.lower, self.code.upper) < FARTHEST).all())

    def fix(self, neuron: int, on: bool | None, slack: float = 0.0) -> None:
        """Fix a neuron, by its place in `neurons`, on or off; None frees it.

        What is proved holds for codes at which its pre-activation reaches beyond zero by `slack`, too.
        """
        for row, limits, fixed in zip(self._rows[neuron], self._open[neuron], (on, on is False), strict=True):
            self._program.bound_row(row, limits[0], limits[0] if fixed else limits[1])
            room = self._bent[neuron] * slack * (1.0 + gamma(4))
            self._claimed_rows[1][row] = limits[0] + room if fixed else limits[1]

    def phases(self, neuron: int) -> list[tuple[bool, float]]:
        """Return the phases that a neuron may have, on first, and how far it reaches beyond zero in them.

        One is left out where its codes are proved to reach beyond zero by no more than `SIGN` or `BEYOND`, both where
        there are proved to be no codes.
        """
        try:
            return self._phases(self._costs[neuron], self._offsets[neuron], self._most[neuron])
        except LinearProgramError:
            return BOTH

    def _phases(self, cost: FloatArray, offset: float, slack: float) -> list[tuple[bool, float]]:
        most = self._program.maximum(cost)[0]
        if most == -np.inf and self._refuted():
            return []
        if -np.inf < most <= SIGN - offset:
            beyond = self._ceiling(cost, offset)
            if beyond <= slack:
                return [(False, max(0.0, beyond))]
        # HiGHS may call the one feasible and not the other: then nothing is proved.
        if most > -np.inf and self._program.maximum(-cost)[0] <= SIGN + offset:
            beyond = self._ceiling(-cost, -offset)
            if beyond <= slack:
                return [(True, max(0.0, beyond))]
        return BOTH

    def is_empty(self) -> bool:
        """Whether it is proved that there are no codes, with the neurons as they are fixed."""
        try:
            value = self._program.maximum(np.zeros_like(self._claimed_columns[0]))[0]
        except LinearProgramError:
            return False
        return value == -np.inf and self._refuted()

    def _refuted(self) -> bool:
        return self._program.refuted(self._claimed_rows, self._claimed_columns)

    def _ceiling(self, cost: FloatArray, offset: float) -> float:
        found = self._program.ceiling(cost, self._claimed_rows, self._claimed_columns)
        return found + offset + gamma(2) * (abs(found) + abs(offset))

    def _reaches(
        self,
        network: Network,
        outputs: slice,
        lower: FloatArray,
        upper: FloatArray,
        observed: tuple[FloatArray, float, FloatArray],
    ) -> tuple[FloatArray, FloatArray]:
        """Return the bounds of all variables for which something is proved: finite, and with room for rounding."""
        x, tol, unit = observed
        low, high = lower.copy(), upper.copy()
        room = (tol + self.room) * (1.0 + gamma(2)) + gamma(2) * np.abs(x)
        low[outputs], high[outputs] = (x - room) / unit, (x + room) / unit
        reach = np.clip(np.maximum(np.abs(low[: network.n_in]), np.abs(high[: network.n_in])), 0.0, FARTHEST)
        first, sizes = 0, [reach]
        for layer in network:
            # The outputs are scaled, which only makes them smaller or is no worse than the bounds of x.
            sizes.append((np.abs(layer.weight) @ sizes[-1] + np.abs(layer.bias)) * (1.0 + gamma(layer.n_in)))
        sizes[-1] = sizes[-1] / unit
        for size in sizes:
            part = slice(first, first + size.size)
            low[part], high[part] = np.maximum(low[part], -size), np.minimum(high[part], size)
            first += size.size
        return low, high

    def _tighten(self, below: Any, above: Any) -> None:
        """Bound the variables that are open below or above by LPs, where the observation bounds them without a box."""
        low, high = self._claimed_columns
        for j in range(low.size):
            cost = np.zeros(low.size)
            for sign, ends, is_open in ((1.0, high, above[j]), (-1.0, low, below[j])):
                cost[j] = sign
                if is_open and np.isfinite(self._program.maximum(cost)[0]):
                    ends[j] = sign * min(sign * ends[j], self._ceiling(cost, 0.0))


def _phase(low: float, high: float, slack: float) -> tuple[bool, float] | None:
    """Return the phase that bounds leave, and how far they reach beyond zero."""
    if low >= -slack:
        return True, max(0.0, -low)
    return (False, max(0.0, high)) if high <= slack else None


def room_of(x: FloatArray) -> float:
    """Return by how much a code may miss `x`, shape (n,), that is taken to meet it up to rounding."""
    return ROOM * max(1.0, float(np.abs(x).max()))


def _rounding(network: Network, region: Region, most: float) -> FloatArray:
    """Bound what rounding can have done to each output of a forward pass; `most` where that is not known."""
    reach = np.maximum(np.abs(region.code.lower), np.abs(region.code.upper))
    if np.isinf(reach).any():
        return np.full(network.n_out, most)
    off = np.zeros(network.n_in)
    for layer, known in zip(network, region.pre_activations, strict=True):
        weight = np.abs(layer.weight)
        size = weight @ reach + np.abs(layer.bias)
        off = (1.0 + gamma(layer.n_in)) * (weight @ off) + gamma(layer.n_in) * size
        reach = np.minimum(size * (1.0 + gamma(layer.n_in)), np.maximum(np.abs(known.lower), np.abs(known.upper)))
        off = off + UNIT * (reach + off)
    return np.asarray(off)


def _scaled(network: Network, region: Region, unit: FloatArray) -> list[tuple[Layer, Box]]:
    """Return the layers and the bounds of their pre-activations, the outputs divided by `unit`, shape (n,)."""
    last, known = network[-1], region.pre_activations[-1]
    outputs = Layer.computed(scaled(last.weight, rows=1.0 / unit), last.bias / unit, last.activation)
    layers, bounds = (*network.layers[:-1], outputs), Box(known.lower / unit, known.upper / unit)
    return list(zip(layers, (*region.pre_activations[:-1], bounds), strict=True))


def region_of(network: Network, x: FloatArray, box: Box, tol: float) -> Region | None:
    """Bound the codes of a pre-image and their pre-activations; None proves that there are none.

    Parameters as in :class:`Relaxation`.
    """
    if np.isfinite(tol):
        room = room_of(x)
        if box.is_bounded:
            everywhere = Region(box, tuple(Box.everything(layer.n_out) for layer in network))
            room = max(room, float(_rounding(network, everywhere, room).max()))
        return sought_region("pre-image", network, box, Sought(x, as_norm("inf"), tol + room))
    if box.is_bounded:
        return Region(box, crown_bounds(network, box))
    return Region(box, tuple(Box.everything(layer.n_out) for layer in network))
