"""The norms of a residual, a file each: ``"inf"``, ``1``, ``2`` and ``"huber"``. They know no Pyomo."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from pyomo_relu.errors import InputError
from pyomo_relu.norms.huber import Huber
from pyomo_relu.norms.largest import Largest
from pyomo_relu.norms.norm import BallNorm, Norm, NormName, SmoothNorm, SumNorm, Writer
from pyomo_relu.norms.one import One
from pyomo_relu.norms.two import Two
from pyomo_relu.validation import FloatArray

NORMS: tuple[type[Norm], ...] = (Largest, One, Two, Huber)
"""All of them."""


def as_norm(value: Any, name: str = "norm") -> Norm:
    """Read the norm called `name`: ``"inf"``, ``1``, ``2`` (also ``math.inf`` and the strings) or ``"huber:0.5"``.

    Examples
    --------
    >>> as_norm(2), as_norm("inf").name, as_norm(as_norm("1")).name
    (Two(), 'inf', 1)
    """
    if isinstance(value, Norm):
        return value
    text = value if isinstance(value, str) else ""
    if isinstance(value, Real) and not isinstance(value, bool) and value in (1, 2, math.inf):
        text = "inf" if value == math.inf else f"{float(value):g}"
    for kind in NORMS:
        norm = kind.read(text)
        if norm is not None:
            return norm
    *known, last = (kind.spelling for kind in NORMS)
    raise InputError(f"must be {', '.join(known)} or {last}, got {value!r}", parameter=name)


def as_smooth(value: Any) -> SmoothNorm:
    """Return a norm that has a gradient everywhere but where it is zero.

    Examples
    --------
    >>> as_smooth("huber:0.5")
    Huber(delta=0.5)
    """
    norm = as_norm(value)
    if not isinstance(norm, SmoothNorm):
        raise InputError(f"must be 2 or 'huber:<delta>' for descent, got {value!r}", parameter="norm")
    return norm


def as_rational(value: Any, use: str) -> Norm:
    """Return a norm of which the residual of rationals is rational.

    Examples
    --------
    >>> as_rational(2, "proof")
    Traceback (most recent call last):
    ...
    pyomo_relu.errors.InputError: norm must be 'inf' or 1 for a rational proof, got 2
    """
    norm = as_norm(value)
    if not norm.rational:
        raise InputError(f"must be 'inf' or 1 for a rational {use}, got {value!r}", parameter="norm")
    return norm


def norm_of(vector: FloatArray, norm: Norm | NormName) -> float:
    """Return the norm of a vector.

    Examples
    --------
    >>> import numpy as np
    >>> norm_of(np.array([3.0, -4.0]), "inf"), norm_of(np.array([3.0, -4.0]), 2)
    (4.0, 5.0)
    """
    return as_norm(norm).value(vector)


__all__ = [
    "NORMS",
    "BallNorm",
    "Huber",
    "Norm",
    "NormName",
    "SmoothNorm",
    "SumNorm",
    "Two",
    "Writer",
    "as_norm",
    "as_rational",
    "as_smooth",
    "norm_of",
]
