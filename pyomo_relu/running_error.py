"""Forward passes in float64, with a bound on what their rounding can have done."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pyomo_relu.layer import Layer
from pyomo_relu.rounding import TINY, gamma
from pyomo_relu.validation import FloatArray

Within = tuple[FloatArray, FloatArray]
"""Numbers, and what each of them is off by at most: infinite, or not a number, where nothing is known."""


def pre_activations_within(layers: Iterable[Layer], z: FloatArray) -> list[Within]:
    """Return the pre-activations of every layer in float64, and bounds on their distances to those without rounding.

    Parameters
    ----------
    layers : Network or sequence of Layer
    z : array, shape (k,) or (N, k)

    References
    ----------
    Higham, "Accuracy and stability of numerical algorithms" (2002), section 3.3: running error analysis.

    Examples
    --------
    >>> (t, off), = pre_activations_within([Layer([[1e16, -1e16]], [1.0])], np.array([1.0, 1.0]))
    >>> t.tolist(), bool(off[0] > 1.0)
    ([1.0], True)
    """
    return [pre for pre, _ in _passes(layers, z)]


def output_within(layers: Iterable[Layer], z: FloatArray) -> Within:
    """Return G(z) in float64, and bounds on its distance to G(z) without rounding.

    Parameters
    ----------
    layers : Network or sequence of Layer
    z : array, shape (k,) or (N, k)

    Examples
    --------
    >>> y, off = output_within([Layer([[0.1], [-0.1]])], np.array([3.0]))
    >>> y.round(9).tolist(), bool(0.0 < off[0] < 1e-14), float(off[1])      # the second neuron is surely off
    ([0.3, 0.0], True, 0.0)
    """
    return _passes(layers, z)[-1][1]


def _passes(layers: Iterable[Layer], z: FloatArray) -> list[tuple[Within, Within]]:
    """Return before and after the activation of every layer."""
    found: list[tuple[Within, Within]] = []
    h, off = z, np.zeros_like(z)
    # What overflows is not known: an error of infinity says so.
    with np.errstate(over="ignore", invalid="ignore"):
        for layer in layers:
            t, off = layer.pre_activation(h), _through(layer, h, off)
            h, after = layer.activation(t), layer.activation.error(t, off)
            found.append(((t, off), (h, after)))
            off = after
    return found


def _through(layer: Layer, h: FloatArray, off: FloatArray) -> FloatArray:
    """Bound the error of a layer's pre-activations, of inputs `h` that are off by at most `off`."""
    grow = gamma(layer.n_in)
    inputs = (1.0 + grow) * off + grow * np.abs(h)
    # A product that underflows is off by less than the least normal number.
    lost = 4.0 * (layer.n_in + 1.0) * TINY
    return np.asarray(inputs @ np.abs(layer.weight).T + grow * np.abs(layer.bias) + lost)
