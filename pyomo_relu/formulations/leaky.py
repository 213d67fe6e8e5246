"""Equation (5) of the paper: LeakyReLU is a bijection, and this is its inverse."""

from __future__ import annotations

import numpy as np

from pyomo_relu.validation import FloatArray


def inverse_activation(y: FloatArray, slope: float) -> FloatArray:
    """Return t with ``max(t, slope * t) = y``, entry by entry; `slope` in (0, 1].

    Examples
    --------
    >>> inverse_activation(np.array([2.0, -0.1]), 0.1).tolist()
    [2.0, -1.0]
    """
    return np.where(y >= 0.0, y, y / slope)
