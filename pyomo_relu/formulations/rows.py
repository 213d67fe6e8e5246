"""Dense rows, written the fast way.

A row goes to Pyomo as ``(lower, LinearExpression, upper)`` with plain Python
floats: about seven times faster than ``sum(w * v ...)``, and fifteen times
faster than the same with NumPy scalars. Use it inside ``PauseGC``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pyomo.core.expr import LinearExpression
from pyomo.environ import Constraint

from pyomo_relu.validation import FloatArray


def linear(coefficients: Iterable[float], variables: Iterable[Any]) -> Any:
    """Return ``sum(c * v)`` as one expression node; coefficients must be Python floats."""
    return LinearExpression(linear_coefs=list(coefficients), linear_vars=list(variables))


def dense_rows(
    index: Sequence[int],
    matrix: FloatArray,
    variables: Sequence[Any],
    *,
    extra: Sequence[tuple[Sequence[float], Sequence[Any]]] | None = None,
    lower: FloatArray | None = None,
    upper: FloatArray | None = None,
) -> Constraint:
    """Return ``lower <= matrix @ variables + extra <= upper`` as an indexed Pyomo constraint.

    Parameters
    ----------
    index : sequence of int, length m
        Labels of the rows.
    matrix : array, shape (m, n)
    variables : sequence of Pyomo variables, length n
    extra : sequence of (coefficients, variables), length m, optional
        Sparse terms of each row besides the dense ones.
    lower, upper : array, shape (m,), optional
        A row whose two sides are equal becomes an equation.
    """
    lows = [None] * len(index) if lower is None else [float(v) for v in lower]
    highs = [None] * len(index) if upper is None else [float(v) for v in upper]
    shared = list(variables)
    bodies: dict[int, tuple[Any, ...]] = {}
    for position, label in enumerate(index):
        coefficients = matrix[position].tolist()
        if extra is None:
            body = LinearExpression(linear_coefs=coefficients, linear_vars=shared)
        else:
            more, others = extra[position]
            body = LinearExpression(linear_coefs=[*coefficients, *more], linear_vars=[*shared, *others])
        low, high = lows[position], highs[position]
        bodies[int(label)] = (low, body) if low is not None and low == high else (low, body, high)
    return Constraint(list(bodies), rule=lambda _, j: bodies[j])


def indices(mask: np.ndarray) -> list[int]:
    """Return the positions at which `mask` is true, as Python integers."""
    return [int(i) for i in np.flatnonzero(mask)]
