"""Interval arithmetic, rounded outwards."""

from __future__ import annotations

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.errors import InputError
from pyomo_relu.network import Network


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
        One a layer: ``lower <= weight @ h + bias <= upper`` for every code in the box.
        Each side is moved outwards by a bound on the rounding error of the dot product
        (Higham 2002, equation 3.5: gamma_m |w| |h|), so that it holds for the real numbers too.

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
        raise InputError("bounds need a bounded box of codes: give box=(lower, upper) with finite numbers")
    found = []
    lower, upper = box.lower, box.upper
    for layer in network:
        positive, negative = np.maximum(layer.weight, 0.0), np.minimum(layer.weight, 0.0)
        unit = 2.0 * (layer.n_in + 3) * np.finfo(np.float64).eps
        error = unit * (np.abs(layer.weight) @ np.maximum(np.abs(lower), np.abs(upper)) + np.abs(layer.bias))
        low = positive @ lower + negative @ upper + layer.bias - error
        high = positive @ upper + negative @ lower + layer.bias + error
        found.append(Box(low, high))
        lower, upper = layer.activate(low), layer.activate(high)
    return tuple(found)
