"""Weak duality: what a vector of multipliers proves of a linear program, whoever suggested it."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyomo_relu.rounding import UNIT
from pyomo_relu.validation import FloatArray

Bounds = tuple[FloatArray, FloatArray]
"""Lower and upper ends; infinite where a side is open."""


def dual_bound(transposed: Any, rows: Bounds, columns: Bounds, cost: FloatArray, duals: FloatArray) -> float:
    """Return a number that is at most ``cost . v`` for every v with ``A v`` in `rows` and v in `columns`.

    For any y, ``cost v = y A v + (cost - A'y) v``, and each term is least at one end of its range. Rounding errors are
    bounded and taken off. With ``cost = 0``, a number above zero proves that there is no such v (Farkas' lemma).

    Parameters
    ----------
    transposed : array or sparse matrix, shape (n, m)
        A'; its entries may be off by a few roundings themselves.
    rows, columns : pair of array, shapes (m,) and (n,)
    cost : array, shape (n,)
    duals : array, shape (m,)
        Any numbers. Where one asks for a side that is open, zero is taken.

    Returns
    -------
    float
        ``-inf`` where an open column is left over.

    Examples
    --------
    >>> transposed, rows = np.ones((2, 1)), (np.array([2.0]), np.array([np.inf]))     # z1 + z2 >= 2
    >>> columns = np.zeros(2), np.array([1.0, np.inf])
    >>> round(dual_bound(transposed, rows, columns, np.array([2.0, 3.0]), np.array([2.5])), 9)
    4.5
    >>> dual_bound(transposed, rows, (np.zeros(2), np.full(2, 0.5)), np.zeros(2), np.ones(1)) > 0.0
    True
    """
    side = np.where(duals > 0.0, rows[0], rows[1])
    known = np.isfinite(side)
    duals, side = np.where(known, duals, 0.0), np.where(known, side, 0.0)
    reduced = cost - transposed @ duals
    size = np.abs(cost) + abs(transposed) @ np.abs(duals)
    # Zeros round nothing: what counts is how many multipliers there are.
    rounding = 4.0 * (np.count_nonzero(duals) + 4) * UNIT
    # Where its sign is sure, a reduced cost needs one end only, and the other one may be open.
    low, high = reduced <= rounding * size, reduced >= -rounding * size
    reach = np.maximum(np.where(high, np.abs(columns[0]), 0.0), np.where(low, np.abs(columns[1]), 0.0))
    used = size > 0.0
    if np.isinf(reach[used]).any():
        return -np.inf
    ends = np.where(used, np.where(reduced > 0.0, columns[0], columns[1]), 0.0)
    left = np.abs(reduced) @ np.abs(ends)
    error = rounding * (np.abs(duals) @ np.abs(side) + size[used] @ reach[used]) + 4.0 * cost.size * UNIT * left
    return float(duals @ side + reduced @ ends - error)
