"""The network and its observation as one LP, in which neurons are fixed to a phase and freed again.

::

    t = W h' + b,   h >= t,   h >= slope t,   h <= chord of a bounded t;     on: h = t,   off: h = slope t
"""

from __future__ import annotations

import numpy as np

from pyomo_relu.balance import NEAR, row_scales
from pyomo_relu.bounds import Region, crown_bounds, observed_region, propagated_region
from pyomo_relu.box import Box
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.preimage.linear import LinearProgram
from pyomo_relu.validation import FloatArray

ROOM = 1e-9
"""By how much more than the tolerance outputs may miss x, relative to ``max(1, max |x|)``: rounding."""

SIGN = 1e-7
"""A pre-activation that reaches no further beyond zero has one sign only: what LPs and `ROOM` leave of a zero.

Of neurons that are balanced; outputs are scaled here, and their observation with them."""


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
    known : list of bool or None
        Whether the bounds have the neuron on or off already.
    """

    def __init__(self, network: Network, x: FloatArray, region: Region, tol: float) -> None:
        self.neurons: list[tuple[int, int]] = []
        self.known: list[bool | None] = []
        self._costs: list[FloatArray] = []
        self._offsets: list[float] = []
        self._open: list[tuple[tuple[float, float], tuple[float, float]]] = []
        self._rows: list[tuple[int, int]] = []
        matrix: list[FloatArray] = []
        bounds: list[tuple[float, float]] = []
        n_variables = sum(network.sizes)
        lower, upper = np.full(n_variables, -np.inf), np.full(n_variables, np.inf)
        lower[: network.n_in], upper[: network.n_in] = region.code.lower, region.code.upper
        first, before = network.n_in, slice(0, network.n_in)
        unit = row_scales(network[-1], NEAR)
        for number, (layer, known) in enumerate(_scaled(network, region, unit)):
            for j in range(layer.n_out):
                t, h = np.zeros(n_variables), np.zeros(n_variables)
                t[before], h[first + j] = layer.weight[j], 1.0
                low, high, bias = float(known.lower[j]), float(known.upper[j]), float(layer.bias[j])
                matrix.append(h - t)
                bounds.append((bias, bias if layer.slope == 1.0 else np.inf))
                if layer.slope == 1.0:
                    continue
                matrix.append(h - layer.slope * t)
                bounds.append((layer.slope * bias, np.inf))
                self.neurons.append((number, j))
                self._rows.append((len(matrix) - 2, len(matrix) - 1))
                self._open.append((bounds[-2], bounds[-1]))
                self._costs.append(t)
                self._offsets.append(bias)
                self.known.append(True if low >= -SIGN else False if high <= SIGN else None)
                upper[first + j] = high if high > 0.0 else layer.slope * high
                if low < 0.0 < high and np.isfinite(low) and np.isfinite(high):
                    chord = (high - layer.slope * low) / (high - low)
                    matrix.append(h - chord * t)
                    bounds.append((-np.inf, chord * bias + (1.0 - chord) * high))
            before, first = slice(first, first + layer.n_out), first + layer.n_out
        lower[before], upper[before] = (x - tol) / unit, (x + tol) / unit
        limits = np.array(bounds)
        self._program = LinearProgram(np.array(matrix), limits[:, 0], limits[:, 1], lower, upper)

    def fix(self, neuron: int, on: bool | None) -> None:
        """Fix a neuron, by its place in `neurons`, on or off; None frees it."""
        for row, limits, fixed in zip(self._rows[neuron], self._open[neuron], (on, on is False), strict=True):
            self._program.bound_row(row, limits[0], limits[0] if fixed else limits[1])

    def maximum(self, neuron: int) -> float:
        """Return the neuron's largest pre-activation; ``-inf`` where nothing is feasible."""
        return self._program.maximum(self._costs[neuron])[0] + self._offsets[neuron]

    def minimum(self, neuron: int) -> float:
        """Return the neuron's least pre-activation; ``inf`` where nothing is feasible."""
        return self._offsets[neuron] - self._program.maximum(-self._costs[neuron])[0]


def _scaled(network: Network, region: Region, unit: FloatArray) -> list[tuple[Layer, Box]]:
    """Return the layers and the bounds of their pre-activations, the outputs divided by `unit`, shape (n,)."""
    last, known = network[-1], region.pre_activations[-1]
    outputs = Layer.computed(last.weight / unit[:, None], last.bias / unit, last.slope)
    layers, bounds = (*network.layers[:-1], outputs), Box(known.lower / unit, known.upper / unit)
    return list(zip(layers, (*region.pre_activations[:-1], bounds), strict=True))


def region_of(network: Network, x: FloatArray, box: Box, tol: float) -> Region | None:
    """Bound the codes of a pre-image and their pre-activations; None proves that there are none.

    Parameters as in :class:`Relaxation`.
    """
    if np.isfinite(tol):
        room = tol + ROOM * max(1.0, float(np.abs(x).max()))
        near = observed_region(network, x, box, room, "inf")
        return None if near is None else propagated_region(network, near)
    if box.is_bounded:
        return Region(box, crown_bounds(network, box))
    return Region(box, tuple(Box.everything(layer.n_out) for layer in network))
