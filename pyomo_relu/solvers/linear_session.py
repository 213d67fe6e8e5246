"""`LinearSession`: an LP as arrays that is solved thousands of times, and what its duals prove.

It talks to HiGHS itself: so many small solves would drown in a modelling layer.
Nobody extends these LPs; models that people may extend are Pyomo's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse

from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.rounding import UNIT
from pyomo_relu.solvers.quiet_highs import Bounds, QuietHighs
from pyomo_relu.validation import FloatArray

PRIMAL: Mapping[str, Any] = {"simplex_strategy": 4}
"""From one objective to the next a basis stays primal feasible: hence the primal simplex."""


class LinearSession:
    """An LP ``min cost @ v`` over ``row_lower <= A v <= row_upper``, ``lower <= v <= upper``, its basis kept by HiGHS.

    Parameters
    ----------
    matrix : array or scipy.sparse.csr_matrix, shape (m, n)
    row_lower, row_upper : array, shape (m,)
    lower, upper : array, shape (n,)
        Infinite where a side is open. Where none of these is, every dual vector proves a bound.
    deadline : Deadline
        No solve goes on after it. The duals that it has then prove a bound too.
    options : mapping
        Of HiGHS, beyond simplex without presolve and without a log.

    Attributes
    ----------
    highs : QuietHighs
        Where the LP is held.
    work : float
        Of all bounds so far: simplex iterations, each times the entries of the program. It counts what
        seconds would measure, and does not depend on the machine.

    Examples
    --------
    >>> rows = csr_matrix([[1.0, 1.0]])
    >>> session = LinearSession(rows, np.array([1.0]), np.array([np.inf]), np.zeros(2), np.ones(2))
    >>> round(session.lower_bound(np.array([1.0, 2.0])), 9)
    1.0
    """

    def __init__(
        self,
        matrix: Any,
        row_lower: FloatArray,
        row_upper: FloatArray,
        lower: FloatArray,
        upper: FloatArray,
        deadline: Deadline = NO_LIMIT,
        options: Mapping[str, Any] = PRIMAL,
    ) -> None:
        self._transposed = matrix.T.tocsr() if issparse(matrix) else np.ascontiguousarray(matrix.T)
        self._rows, self._box = (row_lower.copy(), row_upper.copy()), (lower.copy(), upper.copy())
        (m, n), by_rows, self._deadline, self.work = matrix.shape, csr_matrix(matrix), deadline, 0.0
        self._columns = np.arange(n, dtype=np.int32)
        self._entries = float(by_rows.nnz + m + n)
        self.highs: Any = QuietHighs()
        # No "threads": HiGHS refuses to run with another number of them than this Python thread solved with before.
        for option, value in {"solver": "simplex", "presolve": "off", **options}.items():
            self.highs.setOptionValue(option, value)
        self.highs.hold(by_rows, self._rows, self._box, np.zeros(n))

    def bound_row(self, row: int, lower: float, upper: float) -> None:
        """Set the sides of one row."""
        self._rows[0][row], self._rows[1][row] = lower, upper
        self.highs.changeRowBounds(row, lower, upper)

    def minimise(self, cost: FloatArray) -> Any:
        """Let HiGHS minimise ``cost . v``, and return its word for how that ended.

        Parameters
        ----------
        cost : array, shape (n,)

        Returns
        -------
        highspy.HighsModelStatus
        """
        self.highs.changeColsCost(len(self._columns), self._columns, cost)
        left = self._deadline.left
        if math.isfinite(left):
            # HiGHS counts from the first solve.
            self.highs.setOptionValue("time_limit", self.highs.getRunTime() + left)
        self.highs.run()
        return self.highs.getModelStatus()

    @property
    def row_duals(self) -> FloatArray:
        """The last solve's multipliers, one a row."""
        return np.array(self.highs.getSolution().row_dual, dtype=np.float64)

    def lower_bound(self, cost: FloatArray) -> float:
        """Return a number that is at most ``cost . v`` for every feasible v, whatever the solver did.

        It is rebuilt from the duals by ``dual_bound``.

        Parameters
        ----------
        cost : array, shape (n,)

        Returns
        -------
        float
        """
        self.minimise(cost)
        self.work += self._entries * (1.0 + self.highs.getInfo().simplex_iteration_count)
        duals = self.row_duals
        if duals.size != self._transposed.shape[1] or not np.isfinite(duals).all():
            duals = np.zeros(self._transposed.shape[1])
        return self.bound_of(cost, duals)

    def bound_of(
        self, cost: FloatArray, duals: FloatArray, rows: Bounds | None = None, columns: Bounds | None = None
    ) -> float:
        """Return the bound that a dual vector proves; any vector proves one.

        Parameters
        ----------
        cost : array, shape (n,)
        duals : array, shape (m,)
        rows, columns : pair of array, optional
            Other sides than the program's, for which it is to hold.

        Returns
        -------
        float
        """
        return dual_bound(self._transposed, rows or self._rows, columns or self._box, cost, duals)


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
