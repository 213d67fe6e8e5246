"""What an observed output says of a pre-activation: equation (6) and Remark 1.

For a deviation d around the observation x, ``|phi(t) - x| <= d`` is written as

    t >= alpha (x - d)        t <= beta (x + d)

with, by the size of x against the tolerance eps,

    activation      x > eps              |x| <= eps            x < -eps
    ReLU            alpha = beta = 1     no row, beta = 1      no row, beta = 1
    LeakyReLU(c)    alpha = beta = 1     alpha = 1/c, beta = 1 alpha = beta = 1/c
    linear          alpha = beta = 1     alpha = beta = 1      alpha = beta = 1

The rows are exact for every d between eps and the next |x_j| above it (for ReLU
where also ``d >= -x_j``: its output is never below zero).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.activation import Activation
from pyomo_relu.layer import Layer
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True)
class RowSides:
    """Rows ``t >= alpha (x - d)`` where `has_lower`, and ``t <= beta (x + d)`` everywhere."""

    has_lower: NDArray[np.bool_]
    alpha: FloatArray
    beta: FloatArray


def row_sides(activation: Activation, x: FloatArray, eps: float) -> RowSides:
    """Classify the rows of an observation `x`, shape (n,), at the tolerance `eps`."""
    return RowSides(~activation.cuts | (x > eps), activation.inverse_gain(x > eps), activation.inverse_gain(x >= -eps))


def needed_deviations(layer: Layer, x: FloatArray, eps: float, code: FloatArray) -> FloatArray:
    """Return the least deviations with which `code` meets the rows of the tolerance `eps`; shape (n,)."""
    sides, t = row_sides(layer.activation, x, eps), layer.pre_activation(code)
    below = np.where(sides.has_lower, x - t / sides.alpha, 0.0)
    return np.maximum(np.maximum(t / sides.beta - x, below), layer.activation.sign_bound(x))


def breakpoints(layer: Layer, x: FloatArray) -> FloatArray:
    """Return 0 and the sorted tolerances at which :func:`row_sides` changes."""
    return np.union1d(0.0, _signals(layer, x)[layer.activation.bends])


def largest_signal(layer: Layer, x: FloatArray) -> float:
    """Return the tolerance from which no row holds an output up: ``max x`` (LeakyReLU: ``max |x|``; linear: none)."""
    return float(np.max(np.where(layer.activation.bends, _signals(layer, x), np.inf)))


def _signals(layer: Layer, x: FloatArray) -> FloatArray:
    return np.where(layer.activation.cuts, np.maximum(x, 0.0), np.abs(x))
