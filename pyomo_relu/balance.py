"""Balance: hidden neurons of extreme size, brought to the size that solvers are made for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.problem import Problem
from pyomo_relu.validation import FloatArray

EXTREME = 16.0
"""Rows whose size is within this factor of 1 are left as they are."""


def balanced(problem: Problem) -> Problem:
    """Return the same problem with hidden neurons rescaled where their weights are extreme.

    ``phi(r t) = r phi(t)`` for r > 0, so that a row and its bias may be divided by r and the next layer's column
    multiplied by it. Powers of two: not a bit of the network's outputs changes, and no activation pattern. A solver
    takes a coefficient below 1e-9 for zero, and a pre-activation of 1e-7 or less.

    Examples
    --------
    >>> net = Network.from_arrays([[[2.0**-30]], [[2.0**30]]])
    >>> [layer.weight.tolist() for layer in balanced(Problem.of(net, [1.0])).network]
    [[[1.0]], [[1.0]]]
    """
    layers = list(problem.network.layers)
    for i in range(len(layers) - 1):
        layer, following = layers[i], layers[i + 1]
        factor = row_scales(layer)
        if (factor != 1.0).any():
            layers[i] = Layer.computed(layer.weight / factor[:, None], layer.bias / factor, layer.slope)
            layers[i + 1] = Layer.computed(following.weight * factor, following.bias, following.slope)
    changed = any(layer is not given for layer, given in zip(layers, problem.network, strict=True))
    return replace(problem, network=Network(tuple(layers))) if changed else problem


def row_scales(layer: Layer) -> FloatArray:
    """Return the power of two nearest to each row's size, shape (n_out,); 1 within `EXTREME`.

    It is the largest weight, or a bias of up to 1 where that is more: a neuron whose weights are next to nothing is as
    large as its bias.
    """
    largest = np.maximum(np.abs(layer.weight).max(axis=1), np.minimum(np.abs(layer.bias), 1.0))
    extreme = (largest > 0.0) & ((largest > EXTREME) | (largest < 1.0 / EXTREME))
    return np.asarray(np.exp2(np.where(extreme, np.round(np.log2(np.where(extreme, largest, 1.0))), 0.0)))
