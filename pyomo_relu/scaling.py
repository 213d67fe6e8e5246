"""Balance: hidden neurons of extreme size, brought to the size that solvers are made for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pyomo_relu.layer import Layer, scaled
from pyomo_relu.network import Network
from pyomo_relu.problem import Problem
from pyomo_relu.validation import FloatArray, frozen

FAR = 1024.0
"""Rows and layers whose size is within this factor of 1 are left as they are."""

NEAR = 16.0
"""The same where the sign of a pre-activation is told by an LP, to an absolute tolerance."""


def rescaled(problem: Problem, within: float = FAR) -> Problem:
    """Return the same problem with hidden neurons rescaled where their weights are not within a factor of 1.

    ``phi(r t) = r phi(t)`` for r > 0, so that a row and its bias may be divided by r and the next layer's column
    multiplied by it. Powers of two: not a bit of the network's outputs changes, and no activation pattern; a layer in
    which a number would lose a bit all the same, by underflow or overflow, is left as it is. A solver takes a
    coefficient below 1e-9 for zero, and a pre-activation of 1e-7 or less.

    Examples
    --------
    >>> net = Network.from_arrays([[[2.0**-30]], [[2.0**30]]])
    >>> [layer.weight.tolist() for layer in rescaled(Problem.of(net, [1.0])).network]
    [[[1.0]], [[1.0]]]
    """
    return _rescaled(problem, lambda layer: row_scales(layer, within))


def rescaled_by_layer(problem: Problem) -> Problem:
    """Return the same problem with hidden layers rescaled where all of their weights are extreme.

    One factor a layer: what counts more in a layer's LP, or in least squares, and what less, stays as it was. An LP's
    tolerances are absolute.

    Examples
    --------
    >>> net = Network.from_arrays([[[2.0**-30], [2.0**-34]], [[2.0**30, 1.0]]])
    >>> rescaled_by_layer(Problem.of(net, [1.0])).network[0].weight.tolist()
    [[1.0], [0.0625]]
    """
    return _rescaled(problem, lambda layer: np.full(layer.n_out, _power(float(_sizes(layer).max()), FAR)))


def output_unit(problem: Problem) -> float:
    """Return the power of two nearest to the observation's size; 1 where that is at most `FAR`.

    In it, the observation, the residuals and the tolerances that solvers have for them are of one size.

    Examples
    --------
    >>> output_unit(Problem.of(Network.from_arrays([[[1.0]]]), [5.0e6]))
    4194304.0
    """
    return _power(problem.scale, FAR)


def in_unit(problem: Problem, unit: float) -> Problem:
    """Return the problem whose outputs and observation are measured in a unit, a power of two."""
    if unit == 1.0:
        return problem
    last = problem.network[-1]
    layer = Layer.computed(scaled(last.weight, rows=1.0 / unit), last.bias / unit, last.activation)
    return replace(problem, network=Network((*problem.network.layers[:-1], layer)), x=frozen(problem.x / unit))


def row_scales(layer: Layer, within: float) -> FloatArray:
    """Return the power of two nearest to each row's size, shape (n_out,); 1 where that is within a factor of 1."""
    return np.array([_power(size, within) for size in _sizes(layer).tolist()])


def _rescaled(problem: Problem, scales: Callable[[Layer], FloatArray]) -> Problem:
    layers = list(problem.network.layers)
    for i in range(len(layers) - 1):
        layer, following = layers[i], layers[i + 1]
        factor = scales(layer)
        if (factor == 1.0).all():
            continue
        with np.errstate(over="ignore", under="ignore"):
            weight, bias = scaled(layer.weight, rows=1.0 / factor), layer.bias / factor
            after = scaled(following.weight, columns=factor)
            given = scaled(weight, rows=factor), bias * factor, scaled(after, columns=1.0 / factor)
        # What leaves the range of float64 would be another network.
        before = layer.weight, layer.bias, following.weight
        if not any((one != other).sum() for one, other in zip(given, before, strict=True)):
            layers[i] = Layer.computed(weight, bias, layer.activation)
            layers[i + 1] = Layer.computed(after, following.bias, following.activation)
    changed = any(layer is not given for layer, given in zip(layers, problem.network, strict=True))
    return replace(problem, network=Network(tuple(layers))) if changed else problem


def _sizes(layer: Layer) -> FloatArray:
    """Return how large each neuron is, shape (n_out,).

    It is the largest weight, or a bias of up to 1 where that is more: a neuron whose weights are next to nothing is as
    large as its bias.
    """
    return np.asarray(np.maximum(layer.row_sizes, np.minimum(np.abs(layer.bias), 1.0)))


def _power(size: float, factor: float) -> float:
    """Return the power of two nearest to a size; 1 where that is within a factor of 1."""
    return 1.0 if size == 0.0 or 1.0 / factor <= size <= factor else float(2.0 ** round(math.log2(size)))
