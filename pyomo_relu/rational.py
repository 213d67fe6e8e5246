"""Exact forward passes: every float64 is a rational number, and so is the output of a network of them.

A layer's weights are integers over one power of two, and a code's entries integers over one
denominator, so that a pass is integer arithmetic: no greatest common divisor until the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np

from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.norms import Norm, NormName, as_norm, as_rational
from pyomo_relu.validation import FloatArray


def forward(network: Network, z: Iterable[Any]) -> list[Fraction]:
    """Return G(z) without any rounding.

    Parameters
    ----------
    network : Network
    z : sequence of int, float or Fraction, length k
        Taken at its exact value: 0.1 is the float64 of that name, ``Fraction(1, 10)`` is a tenth.

    Returns
    -------
    list of Fraction, length n

    Raises
    ------
    ShapeError
        If `z` has not k entries.
    InputError
        If an entry is not a finite real number.

    Notes
    -----
    One multiplication of integers a nonzero weight; their length grows by some 60 bits a layer.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> forward(net, [Fraction(-1, 3)])
    [Fraction(1, 3)]
    >>> forward(net, [0.1]) == [Fraction(1, 10)]
    False
    """
    code = as_fractions(z, network.n_in, "code")
    denominator = math.lcm(*(value.denominator for value in code))
    values = [value.numerator * (denominator // value.denominator) for value in code]
    for layer in network:
        values, denominator = _apply(_integer_layer(layer), values, denominator)
    return [Fraction(value, denominator) for value in values]


def residual(network: Network, z: Iterable[Any], x: Iterable[Any], norm: Literal["inf", 1] = "inf") -> Fraction:
    """Return ``||G(z) - x||`` without any rounding; 0 says that z is in the pre-image of x, and proves it.

    Parameters
    ----------
    network : Network
    z : sequence of int, float or Fraction, length k
    x : sequence of int, float or Fraction, length n
    norm : "inf" or 1
        The 2-norm of rationals need not be rational.

    Returns
    -------
    Fraction

    Raises
    ------
    ShapeError
        If `z` or `x` has the wrong size.
    InputError
        If an entry is not a finite real number, or the norm is another one.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> residual(net, [Fraction(-1, 3)], [Fraction(1, 2)])
    Fraction(1, 6)
    """
    norm_of_rationals = as_rational(norm, "residual")
    target = as_fractions(x, network.n_out, "observation")
    return norm_of_rationals.value_within(_misses(network, z, target))[0]


def _misses(network: Network, z: Iterable[Any], target: Sequence[Fraction]) -> list[Fraction]:
    return [abs(y - t) for y, t in zip(forward(network, z), target, strict=True)]


def residual_within(
    network: Network,
    z: Iterable[Any],
    x: Iterable[Any],
    norm: Norm | NormName,
    weights: FloatArray | float = 1.0,
) -> tuple[float, float]:
    """Return the float64 numbers next to ``||G(z) - x||``, below and above it: twice the same where it is one.

    Parameters
    ----------
    network, z, x
        As in :func:`residual`.
    norm : Norm, or its name
    weights : array, shape (n,), or 1.0
        What deviations are multiplied by before.

    Raises
    ------
    ShapeError, InputError
        As :func:`residual`.
    OverflowError
        If it is beyond the range of float64.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[3.0, 3.0], [4.0, 4.0]]])   # 3 |z| and 4 |z|
    >>> residual_within(net, [Fraction(1, 3)], [0, 0], 2)
    (1.6666666666666665, 1.6666666666666667)
    >>> residual_within(net, [-1], [0, 0], 2)
    (5.0, 5.0)
    """
    target = as_fractions(x, network.n_out, "observation")
    factors = [Fraction(weight) for weight in np.broadcast_to(weights, len(target)).tolist()]
    misses = [factor * miss for factor, miss in zip(factors, _misses(network, z, target), strict=True)]
    least, most = as_norm(norm).value_within(misses)
    return below(least), above(most)


def below(value: Fraction) -> float:
    """Return the largest float64 that is not above a value.

    Raises
    ------
    OverflowError
        If the value is beyond the range of float64.

    Examples
    --------
    >>> below(Fraction(1, 3)) < Fraction(1, 3) < above(Fraction(1, 3))
    True
    """
    nearest = float(value)
    return nearest if nearest <= value else math.nextafter(nearest, -math.inf)


def above(value: Fraction) -> float:
    """Return the least float64 that is not below a value; errors as of :func:`below`."""
    nearest = float(value)
    return nearest if nearest >= value else math.nextafter(nearest, math.inf)


def as_fractions(values: Iterable[Any], size: int, name: str) -> list[Fraction]:
    """Return `values` as fractions of exactly their value.

    Parameters
    ----------
    values : iterable of int, float or Fraction
    size : int
        How many there must be.
    name : str
        The error's first word.

    Returns
    -------
    list of Fraction

    Raises
    ------
    ShapeError
        If there are not `size` of them.
    InputError
        If one is not a finite real number.

    Examples
    --------
    >>> as_fractions([1, 0.5, Fraction(1, 3)], 3, "code")
    [Fraction(1, 1), Fraction(1, 2), Fraction(1, 3)]
    """
    found = [_fraction(value, name) for value in values]
    if len(found) != size:
        raise ShapeError(f"{name} has {len(found)} entries, expected {size}")
    return found


def _fraction(value: Any, name: str) -> Fraction:
    if isinstance(value, Fraction):
        return value
    try:
        # NumPy's integers would stay what they are inside a Fraction, and overflow.
        return Fraction(int(value)) if isinstance(value, Integral) else Fraction(*value.as_integer_ratio())
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise InputError(f"{name} has an entry that is not a finite real number: {value!r}") from error


@dataclass(frozen=True)
class _IntegerLayer:
    """A layer's nonzero weights, its biases and its slopes as integers over powers of two."""

    rows: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    biases: tuple[int, ...]
    scale: int
    slopes: tuple[int, ...]
    unit: int


_KNOWN: WeakKeyDictionary[Layer, _IntegerLayer] = WeakKeyDictionary()
"""Integers take ten times the memory of float64: they go when their layer does."""


def _integer_layer(layer: Layer) -> _IntegerLayer:
    if layer not in _KNOWN:
        _KNOWN[layer] = _as_integers(layer)
    return _KNOWN[layer]


def _as_integers(layer: Layer) -> _IntegerLayer:
    weights: list[list[tuple[int, int, int]]] = [[] for _ in range(layer.n_out)]
    at, across, values = layer.nonzeros()
    for i, j, value in zip(at, across, values, strict=True):
        weights[i].append((int(j), *float(value).as_integer_ratio()))
    biases = [float(b).as_integer_ratio() for b in layer.bias]
    # Denominators are powers of two: the largest is a multiple of all.
    scale = max([q for row in weights for _, _, q in row] + [q for _, q in biases])
    rows = [(tuple(j for j, *_ in row), tuple(p * (scale // q) for _, p, q in row)) for row in weights]
    offsets = tuple(numerator * (scale // denominator) for numerator, denominator in biases)
    slopes = [layer.activation.fraction(j) for j in range(layer.n_out)]
    unit = max(slope.denominator for slope in slopes)
    return _IntegerLayer(tuple(rows), offsets, scale, tuple(int(slope * unit) for slope in slopes), unit)


def _apply(layer: _IntegerLayer, values: list[int], denominator: int) -> tuple[list[int], int]:
    """Return the layer's output for the input ``values / denominator``, in the same form."""
    found = []
    for (columns, weights), bias, slope in zip(layer.rows, layer.biases, layer.slopes, strict=True):
        t = bias * denominator + sum(w * values[j] for j, w in zip(columns, weights, strict=True))
        found.append(t * (layer.unit if t > 0 else slope))
    return found, denominator * layer.scale * layer.unit
