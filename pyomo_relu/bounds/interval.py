"""Interval arithmetic, rounded outwards."""

from __future__ import annotations

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.errors import InputError
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.rounding import gamma


def interval_bounds(network: Network, box: Box) -> tuple[Box, ...]:
    """Bound every pre-activation over a box of codes.

    Parameters
    ----------
    network : Network
    box : Box
        Bounded box of codes.

    Returns
    -------
    tuple of Box
        One a layer: ``lower <= weight @ h + bias <= upper`` for every code in the box,
        in the real numbers: rounding errors are bounded and added.

    Raises
    ------
    InputError
        If the box is not bounded: 0 times infinity is not a number.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0, -1.0]]])
    >>> bounds, = interval_bounds(net, Box.of((-1, 1), 2))
    >>> bounds.lower.round(9).tolist(), bounds.upper.round(9).tolist()
    ([-2.0], [2.0])
    """
    if not box.is_bounded:
        raise InputError("must be given, and bounded: both ends of every entry finite", parameter="box")
    found = []
    for layer in network:
        found.append(layer_interval(layer, box))
        box = Box(layer.activation(found[-1].lower), layer.activation(found[-1].upper))
    return tuple(found)


def layer_interval(layer: Layer, inputs: Box) -> Box:
    """Bound the pre-activation of one layer over a bounded box of its inputs.

    Parameters
    ----------
    layer : Layer
    inputs : Box
        Bounded, of `n_in` axes.

    Returns
    -------
    Box
        Of `n_out` axes; rounding errors are bounded and added.

    Examples
    --------
    >>> layer_interval(Layer([[2.0, -1.0]]), Box.of((0, 1), 2)).lower.round(9).tolist()
    [-1.0]
    """
    positive, negative = layer.signed()
    reach = np.maximum(np.abs(inputs.lower), np.abs(inputs.upper))
    error = gamma(2 * layer.n_in) * (np.abs(layer.weight) @ reach + np.abs(layer.bias))
    low = positive @ inputs.lower + negative @ inputs.upper + layer.bias - error
    high = positive @ inputs.upper + negative @ inputs.lower + layer.bias + error
    return Box(low, high)
