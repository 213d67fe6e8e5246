"""The three norms of a residual: ``"inf"``, ``1`` and ``2``."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, Literal

import numpy as np

from pyomo_relu.errors import InputError
from pyomo_relu.validation import FloatArray

Norm = Literal["inf", 1, 2]


def as_norm(value: Any, name: str = "norm") -> Norm:
    """Read the norm called `name`: ``"inf"``, ``1`` or ``2`` (also ``math.inf`` and the strings)."""
    if isinstance(value, str) and value in ("inf", "1", "2"):
        return "inf" if value == "inf" else 1 if value == "1" else 2
    if isinstance(value, Real) and not isinstance(value, bool):
        if value == math.inf:
            return "inf"
        if value in (1, 2):
            return 1 if value == 1 else 2
    raise InputError(f"must be 'inf', 1 or 2, got {value!r}", parameter=name)


def norm_of(vector: FloatArray, norm: Norm) -> float:
    """Return the norm of a vector.

    Examples
    --------
    >>> norm_of(np.array([3.0, -4.0]), "inf"), norm_of(np.array([3.0, -4.0]), 2)
    (4.0, 5.0)
    """
    return float(np.linalg.norm(vector, np.inf if norm == "inf" else norm))
