"""CROWN / DeepPoly: linear bounds carried backwards through the network, rounded outwards."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pyomo_relu.bounds.intersection import between, intersect
from pyomo_relu.bounds.interval import interval_bounds
from pyomo_relu.box import Box
from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.network import Network
from pyomo_relu.rounding import gamma
from pyomo_relu.validation import FloatArray


def crown_bounds(
    network: Network, box: Box, known: Sequence[Box] | None = None, deadline: Deadline = NO_LIMIT
) -> tuple[Box, ...]:
    """Bound every pre-activation over a box of codes by linear relaxations of the neurons.

    Parameters
    ----------
    network : Network
    box : Box
        Bounded box of codes.
    known : sequence of Box, optional
        Bounds that hold besides; they tighten the relaxations, and the result lies within them.
        Where they hold only for some of the codes, so does the result.
    deadline : Deadline
        Layers that would not be done before it get the bounds of interval arithmetic.

    Returns
    -------
    tuple of Box
        Never wider than interval arithmetic.

    Raises
    ------
    InputError
        If the box is not bounded, or no code of it meets what is `known`: the bounds cross.

    References
    ----------
    Zhang et al., "Efficient neural network robustness certification with general activation
    functions" (2018); Singh et al., "An abstract domain for certifying neural networks" (2019).
    The LeakyReLU form is derived for this project.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0, 1.0], [1.0, -1.0]], [[1.0, -1.0]]], [[3.0, 3.0], [0.0]])
    >>> crown_bounds(net, Box.of((-1, 1), 2))[1].upper.round(9).tolist()     # interval arithmetic: 4
    [2.0]
    """
    found: list[Box] = []
    interval = interval_bounds(network, box)
    for k, layer in enumerate(network):
        within = interval[k] if known is None else intersect(interval[k], known[k])
        if k > 0 and deadline.affords(_flops(network, k)):
            upper = _upper(network, found, layer.dense(), layer.bias, box)
            lower = -_upper(network, found, -layer.dense(), -layer.bias, box)
            within = intersect(within, between(lower, upper))
        found.append(within)
    return tuple(found)


def crown_flops(network: Network) -> float:
    """Return about how many operations :func:`crown_bounds` takes."""
    return sum(_flops(network, k) for k in range(len(network)))


def _flops(network: Network, k: int) -> float:
    return 12.0 * network[k].n_out * sum(layer.n_weights for layer in network.layers[:k])


def _upper(network: Network, bounds: Sequence[Box], weight: FloatArray, bias: FloatArray, box: Box) -> FloatArray:
    """Bound ``weight @ h + bias`` from above, where h is the output of layer ``len(bounds)``.

    `size` follows the matrix with absolute values, and bounds what rounding can have done to it.
    """
    matrix, constant = weight, bias
    size, total = np.abs(weight), np.abs(bias)
    operations = weight.shape[1]
    for layer, bound in zip(reversed(network.layers[: len(bounds)]), reversed(bounds), strict=True):
        slope_up, offset_up, slope_low = layer.activation.relaxation(bound.lower, bound.upper)
        positive, negative = np.maximum(matrix, 0.0), np.minimum(matrix, 0.0)
        constant = constant + positive @ offset_up
        total = total + size @ np.abs(offset_up)
        matrix = positive * slope_up + negative * slope_low
        size = size * np.maximum(slope_up, slope_low)
        constant = constant + matrix @ layer.bias
        total = total + size @ np.abs(layer.bias)
        matrix, size = matrix @ layer.weight, size @ np.abs(layer.weight)
        operations += layer.n_in + layer.n_out
    reach = np.maximum(np.abs(box.lower), np.abs(box.upper))
    error = gamma(3 * operations) * (total + size @ reach)
    return np.asarray(np.maximum(matrix, 0.0) @ box.upper + np.minimum(matrix, 0.0) @ box.lower + constant + error)
