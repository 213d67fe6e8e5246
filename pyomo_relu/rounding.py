"""Bounds on rounding error, so that float64 bounds hold for the real numbers; and numbers as text, rounded one way."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

UNIT = float(np.finfo(np.float64).eps)

TINY = float(np.finfo(np.float64).tiny)
"""The least normal number: below it, rounding is not relative."""


def gamma(operations: int) -> float:
    """Return a factor that bounds the relative error of a chain of dot products.

    A computed dot product of m terms is off by at most ``gamma(m) |a| |b|``
    (Higham, "Accuracy and stability of numerical algorithms", 2002, equation 3.5);
    twice that leaves room for the rounding of the bound itself. This holds where no product underflows or overflows.
    """
    return 2.0 * (operations + 3) * UNIT


def times_down(values: FloatArray, weights: FloatArray | float) -> FloatArray:
    """Return ``weights * values``, of numbers >= 0, rounded down; a weight of 1 rounds nothing.

    Examples
    --------
    >>> values = np.array([0.1, 0.1])
    >>> (times_down(values, np.array([1.0, 3.0])) < times_up(values, np.array([1.0, 3.0]))).tolist()
    [False, True]
    """
    return np.asarray(values * weights * np.where(np.equal(weights, 1.0), 1.0, 1.0 - gamma(1)))


def times_up(values: FloatArray, weights: FloatArray | float) -> FloatArray:
    """Return the same, rounded up."""
    return np.asarray(values * weights * np.where(np.equal(weights, 1.0), 1.0, 1.0 + gamma(1)))


def over_up(values: FloatArray, weights: FloatArray | float) -> FloatArray:
    """Return ``values / weights`` rounded up."""
    return np.asarray(values / weights * np.where(np.equal(weights, 1.0), 1.0, 1.0 + gamma(1)))


def down(value: float, digits: int = 9) -> str:
    """Write a number that is claimed as a lower bound: the text, read as a float64, is not above it.

    Parameters
    ----------
    value : float
    digits : int
        Significant ones.

    Examples
    --------
    >>> down(2 / 3, 3), down(0.1), f"{2 / 3:.3g}"
    ('0.666', '0.1', '0.667')
    """
    text = f"{value:.{digits}g}"
    return text if float(text) <= value else _rounded(value, digits, ROUND_FLOOR)


def up(value: float, digits: int = 9) -> str:
    """Write a number that is claimed as an upper bound: the text, read as a float64, is not below it.

    Parameters
    ----------
    value : float
    digits : int
        Significant ones.

    Examples
    --------
    >>> up(1 / 3, 3), up(0.1)
    ('0.334', '0.1')
    """
    text = f"{value:.{digits}g}"
    return text if float(text) >= value else _rounded(value, digits, ROUND_CEILING)


def _rounded(value: float, digits: int, direction: str) -> str:
    return f"{float(Context(digits, direction).create_decimal_from_float(value)):.{digits}g}"
