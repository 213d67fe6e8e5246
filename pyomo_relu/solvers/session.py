"""`LinearSession`: one LP that is solved again and again with new objectives, the basis kept.

It talks to HiGHS itself: thousands of small solves would drown in a modelling layer.
Nobody extends these LPs; models that people may extend are Pyomo's.
"""

from __future__ import annotations

from typing import Any

import highspy
import numpy as np
from scipy.sparse import csr_matrix

from pyomo_relu.validation import FloatArray

_UNIT = float(np.finfo(np.float64).eps)


class LinearSession:
    """An LP ``min cost . v`` over ``row_lower <= A v <= row_upper``, ``lower <= v <= upper``.

    Parameters
    ----------
    matrix : scipy.sparse.csr_matrix, shape (m, n)
    row_lower, row_upper : array, shape (m,)
        Infinite where a side is open.
    lower, upper : array, shape (n,)
        Finite: that is what makes every dual vector a bound.
    """

    def __init__(
        self, matrix: csr_matrix, row_lower: FloatArray, row_upper: FloatArray, lower: FloatArray, upper: FloatArray
    ) -> None:
        self._matrix, self._transposed = matrix, matrix.T.tocsr()
        self._row_lower, self._row_upper = row_lower, row_upper
        self._lower, self._upper = lower.copy(), upper.copy()
        self._columns = np.arange(matrix.shape[1], dtype=np.int32)
        self._operations = sum(matrix.shape)
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = matrix.shape
        lp.col_cost_ = np.zeros(matrix.shape[1])
        lp.col_lower_, lp.col_upper_ = self._lower, self._upper
        lp.row_lower_, lp.row_upper_ = row_lower, row_upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.num_row_, lp.a_matrix_.num_col_ = matrix.shape
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        create: Any = highspy.Highs
        self._highs = create()
        # No "threads": HiGHS refuses to run with another number of them than the process began with.
        for option, value in (
            ("output_flag", False),
            ("solver", "simplex"),
            ("simplex_strategy", 4),
            ("presolve", "off"),
        ):
            self._highs.setOptionValue(option, value)
        self._highs.passModel(lp)

    def lower_bound(self, cost: FloatArray) -> float:
        """Return a number that is at most ``cost . v`` for every feasible v, whatever the solver did.

        It is rebuilt from the duals: for any y, ``c v = y A v + (c - A'y) v``, and each term is
        least at one end of its range. Rounding errors are bounded and taken off.
        """
        self._highs.changeColsCost(len(self._columns), self._columns, cost)
        self._highs.run()
        duals = np.array(self._highs.getSolution().row_dual, dtype=np.float64)
        if duals.size != self._matrix.shape[0] or not np.isfinite(duals).all():
            duals = np.zeros(self._matrix.shape[0])
        return self.bound_of(cost, duals)

    def range_of(self, cost: FloatArray) -> tuple[float, float]:
        """Return bounds of ``cost . v`` from below and from above."""
        return self.lower_bound(cost), -self.lower_bound(-cost)

    def bound_of(self, cost: FloatArray, duals: FloatArray) -> float:
        """Return the bound that a dual vector proves, shape (m,); any vector proves one."""
        side = np.where(duals > 0.0, self._row_lower, self._row_upper)
        duals = np.where(np.isfinite(side), duals, 0.0)
        side = np.where(np.isfinite(side), side, 0.0)
        reduced = cost - self._transposed @ duals
        ends = np.where(reduced > 0.0, self._lower, self._upper)
        reach = np.maximum(np.abs(self._lower), np.abs(self._upper))
        size = np.abs(cost) + abs(self._transposed) @ np.abs(duals)
        error = 4.0 * self._operations * _UNIT * (np.abs(duals) @ np.abs(side) + size @ reach)
        return float(duals @ side + reduced @ ends - error)

    def tighten(self, column: int, lower: float, upper: float) -> None:
        """Bound one variable further; bounds that would cross, by rounding, are left as they are."""
        low, high = max(self._lower[column], lower), min(self._upper[column], upper)
        if low <= high:
            self._lower[column], self._upper[column] = low, high
            self._highs.changeColBounds(column, low, high)
