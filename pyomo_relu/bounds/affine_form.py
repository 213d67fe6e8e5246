"""The network on a region as an affine map: of the code, and of the neurons that are still open.

Where a neuron's sign is known, it is a linear function of what comes before. So every pre-activation
is affine in few variables u: the code, and the outputs of open hidden neurons. What else is known of
u are rows with an interval each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyomo_relu.activation import Activation
from pyomo_relu.bounds.crown import crown_bounds
from pyomo_relu.bounds.intersection import between, intersect
from pyomo_relu.bounds.region import Region
from pyomo_relu.box import Box
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.rounding import gamma
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False)
class AffineRows:
    """Rows ``matrix @ u + shift`` and what rounding can have done to them.

    Parameters
    ----------
    matrix : array, shape (m, N)
    shift : array, shape (m,)
    size : array, shape (m, N + 1)
        The same with absolute values at every step, the shift in the last column: rounding errors
        are at most ``gamma(operations) * size``.

    Examples
    --------
    >>> rows = AffineRows(np.array([[2.0, -1.0]]), np.array([0.5]), np.array([[2.0, 1.0, 0.5]]))
    >>> (-rows).shift.tolist(), rows.times(np.array([3.0])).matrix.tolist()
    ([-0.5], [[6.0, -3.0]])
    """

    matrix: FloatArray
    shift: FloatArray
    size: FloatArray

    def rows(self, index: np.ndarray) -> AffineRows:
        """Return some of the rows."""
        return AffineRows(self.matrix[index], self.shift[index], self.size[index])

    def __neg__(self) -> AffineRows:
        return AffineRows(-self.matrix, -self.shift, self.size)

    def times(self, factor: FloatArray) -> AffineRows:
        """Return every row times its factor, shape (m,)."""
        return AffineRows(factor[:, None] * self.matrix, factor * self.shift, np.abs(factor)[:, None] * self.size)

    def minus(self, other: AffineRows) -> AffineRows:
        """Return the difference of two blocks of rows."""
        return AffineRows(self.matrix - other.matrix, self.shift - other.shift, self.size + other.size)

    def through(self, layer: Layer) -> AffineRows:
        """Return the layer's pre-activations, of these inputs."""
        size = np.abs(layer.weight) @ self.size
        size[:, -1] += np.abs(layer.bias)
        return AffineRows(layer.weight @ self.matrix, layer.weight @ self.shift + layer.bias, size)


def stacked(blocks: list[AffineRows]) -> AffineRows:
    """Return blocks of rows as one.

    Parameters
    ----------
    blocks : list of AffineRows
        In the same variables.

    Examples
    --------
    >>> row = AffineRows(np.ones((1, 2)), np.zeros(1), np.ones((1, 3)))
    >>> stacked([row, -row]).matrix.tolist()
    [[1.0, 1.0], [-1.0, -1.0]]
    """
    return AffineRows(
        np.vstack([block.matrix for block in blocks]),
        np.concatenate([block.shift for block in blocks]),
        np.vstack([block.size for block in blocks]),
    )


@dataclass(frozen=True, eq=False)
class AffineNetwork:
    """A network on a region, in the variables u.

    Parameters
    ----------
    pre_activations : list of AffineRows
        One a layer.
    open_neurons : list of int array
        Those of each layer whose sign is not known; the outputs of the hidden ones follow the
        code in u, layer by layer.
    box : Box
        Of u.
    rows : AffineRows
        What else is known; first of all the entries of u themselves.
    intervals : Box
        Between which the rows lie.
    operations : int
        Length of the longest chain of additions in a row.
    """

    pre_activations: list[AffineRows]
    open_neurons: list[np.ndarray]
    box: Box
    rows: AffineRows
    intervals: Box
    operations: int

    @property
    def reach(self) -> FloatArray:
        """The largest ``|u|``, and 1 for the shift: rounding errors are in proportion to ``size @ reach``."""
        return np.append(np.maximum(np.abs(self.box.lower), np.abs(self.box.upper)), 1.0)

    @property
    def targets(self) -> AffineRows:
        """What is worth bounding: the entries of u, then the open pre-activations, layer by layer."""
        variables = self.rows.rows(np.arange(self.box.size))
        pairs = zip(self.pre_activations, self.open_neurons, strict=True)
        return stacked([variables, *(rows.rows(index) for rows, index in pairs)])


def affine_network(network: Network, region: Region) -> AffineNetwork:
    """Write every pre-activation as an affine function of the code and the open neurons.

    Parameters
    ----------
    network : Network
    region : Region
        Bounded.

    Returns
    -------
    AffineNetwork

    Examples
    --------
    >>> from pyomo_relu.box import Box
    >>> from pyomo_relu.bounds.crown import crown_bounds
    >>> net, box = Network.random((2, 4, 3), seed=0), Box.of((-1, 1), 2)
    >>> form = affine_network(net, Region(box, crown_bounds(net, box)))
    >>> [rows.matrix.shape for rows in form.pre_activations], [index.size for index in form.open_neurons]
    ([(4, 6), (3, 6)], [4, 3])
    """
    open_ = [
        np.flatnonzero(layer.activation.is_open(bound.lower, bound.upper))
        for layer, bound in zip(network, region.pre_activations, strict=True)
    ]
    n_code = network.n_in
    total = n_code + sum(index.size for index in open_[:-1])
    unit = np.eye(total)
    everything = AffineRows(unit, np.zeros(total), np.hstack([unit, np.zeros((total, 1))]))
    lower, upper = [region.code.lower], [region.code.upper]
    pre_activations: list[AffineRows] = []
    blocks: list[tuple[AffineRows, FloatArray, FloatArray]] = []
    inputs, first = everything.rows(np.arange(n_code)), n_code
    for number, (layer, bound) in enumerate(zip(network, region.pre_activations, strict=True)):
        before = inputs.through(layer)
        pre_activations.append(before)
        blocks.append((before, bound.lower, bound.upper))
        if number == len(network) - 1:
            break
        index = open_[number]
        own = everything.rows(np.arange(first, first + index.size))
        first += index.size
        low, high = bound.lower[index], bound.upper[index]
        activation = layer.activation.rows(index)
        lower.append(activation.slope * low * (1.0 + gamma(1)))
        upper.append(high)
        blocks += _triangle(activation, own, before.rows(index), low, high)
        inputs = before.times(layer.activation.gain(bound.lower >= 0.0))
        for part, value in zip(
            (inputs.matrix, inputs.shift, inputs.size), (own.matrix, own.shift, own.size), strict=True
        ):
            part[index] = value
    box = Box(np.concatenate(lower), np.concatenate(upper))
    blocks.insert(0, (everything, box.lower, box.upper))
    return AffineNetwork(
        pre_activations,
        open_,
        box,
        stacked([rows for rows, _, _ in blocks]),
        Box(np.concatenate([low for _, low, _ in blocks]), np.concatenate([high for _, _, high in blocks])),
        sum(layer.n_in + 4 for layer in network),
    )


def affine_flops(network: Network, region: Region) -> float:
    """Return about how many operations it takes to write a network on a region as an affine map."""
    open_neurons = region.unstable(network)
    return 4.0 * (network.n_in + sum(open_neurons[:-1])) * network.n_parameters


def _triangle(
    activation: Activation, outputs: AffineRows, before: AffineRows, low: FloatArray, high: FloatArray
) -> list[tuple[AffineRows, FloatArray, FloatArray]]:
    """Return the rows ``h - a``, ``h - slope a`` and ``h - chord a`` of open neurons, with their intervals."""
    grow, leak = 1.0 + gamma(4), activation.slope
    found = [(outputs.minus(before), 0.0 * low, (leak - 1.0) * low * grow)]
    leaky = np.flatnonzero(~activation.cuts)
    if leaky.size:
        part = outputs.rows(leaky).minus(before.rows(leaky).times(leak[leaky]))
        found.append((part, 0.0 * low[leaky], ((1.0 - leak) * high * grow)[leaky]))
    chord, most = activation.chord(low, high)
    found.append((outputs.minus(before.times(chord)), 0.0 * low, most))
    return found


def tightened(network: Network, region: Region, form: AffineNetwork, lower: FloatArray, upper: FloatArray) -> Region:
    """Return the region with new bounds of ``form.targets``, and what CROWN makes of them.

    Parameters
    ----------
    network : Network
    region : Region
        Of which `form` is.
    form : AffineNetwork
    lower, upper : array, shape (m,)
        Infinite where nothing was found.

    Raises
    ------
    CrossedBoundsError
        If no code is left.
    """
    counts = [index.size for index in form.open_neurons]
    ends = np.cumsum([network.n_in, *counts[:-1], *counts])[:-1]
    lows, highs = np.split(lower, ends), np.split(upper, ends)
    code = intersect(region.code, between(lows[0], highs[0]))
    outputs, inputs = list(zip(lows, highs, strict=True))[1 : len(network)], slice(len(network), None)
    bounds = []
    for number, (bound, index, low, high) in enumerate(
        zip(region.pre_activations, form.open_neurons, lows[inputs], highs[inputs], strict=True)
    ):
        low_all, high_all = bound.lower.copy(), bound.upper.copy()
        low_all[index], high_all[index] = low, high
        if number < len(network) - 1:
            below, above = network[number].activation.rows(index).before(*outputs[number])
            low_all[index], high_all[index] = np.maximum(low, below), np.minimum(high, above)
        bounds.append(intersect(bound, between(low_all, high_all)))
    return Region(code, crown_bounds(network, code, bounds))
