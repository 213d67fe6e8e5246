"""Balance: hidden neurons of extreme size, brought to the size that solvers are made for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.problem import Problem

EXTREME = 1e4
"""Rows whose largest weight is within this factor of 1 are left as they are."""


def balanced(problem: Problem) -> Problem:
    """Return the same problem with hidden neurons rescaled where their weights are extreme.

    ``phi(r t) = r phi(t)`` for r > 0, so that a row may be divided by r and the next layer's column
    multiplied by it. Powers of two: not a bit of the network's outputs changes. A solver takes
    a coefficient below 1e-9 for zero.
    """
    layers = list(problem.network.layers)
    for i in range(len(layers) - 1):
        layer, following = layers[i], layers[i + 1]
        largest = np.abs(layer.weight).max(axis=1)
        extreme = (largest > 0.0) & ((largest > EXTREME) | (largest < 1.0 / EXTREME))
        if extreme.any():
            factor = np.exp2(np.where(extreme, np.round(np.log2(np.where(largest > 0.0, largest, 1.0))), 0.0))
            layers[i] = Layer.computed(layer.weight / factor[:, None], layer.bias / factor, layer.slope)
            layers[i + 1] = Layer.computed(following.weight * factor, following.bias, following.slope)
    return replace(problem, network=Network(tuple(layers)))
