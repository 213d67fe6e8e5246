"""LPs that are solved thousands of times, the basis kept: `linear_program`, and `LinearSession` for bounds.

They talk to HiGHS themselves: so many small solves would drown in a modelling layer.
Nobody extends these LPs; models that people may extend are Pyomo's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import highspy
import numpy as np
from scipy.sparse import csr_matrix

from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.solvers.duality import dual_bound
from pyomo_relu.solvers.quiet_highs import QuietHighs
from pyomo_relu.validation import FloatArray


def linear_program(
    matrix: csr_matrix,
    row_lower: FloatArray,
    row_upper: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    options: Mapping[str, Any],
) -> Any:
    """Return a HiGHS object that holds an LP with the objective zero, for simplex from one basis to the next.

    Parameters
    ----------
    matrix : scipy.sparse.csr_matrix, shape (m, n)
    row_lower, row_upper : array, shape (m,)
    lower, upper : array, shape (n,)
        Infinite where a side is open.
    options : mapping
        Of HiGHS, beyond simplex without presolve and without a log.

    Examples
    --------
    >>> highs = linear_program(csr_matrix([[1.0]]), np.array([2.0]), np.array([3.0]), np.zeros(1), np.full(1, 9.0), {})
    >>> highs.changeColCost(0, 1.0), highs.run(), highs.getObjectiveValue()
    (<HighsStatus.kOk: 0>, <HighsStatus.kOk: 0>, 2.0)
    """
    m, n = matrix.shape
    highs = QuietHighs()
    # No "threads": HiGHS refuses to run with another number of them than this Python thread solved with before.
    for option, value in {"solver": "simplex", "presolve": "off", **options}.items():
        highs.setOptionValue(option, value)
    by_rows, least = int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize)
    cost, continuous = np.zeros(n), np.zeros(n, dtype=np.int32)
    rows = matrix.indptr, matrix.indices, matrix.data
    highs.passModel(
        n, m, matrix.nnz, by_rows, least, 0.0, cost, lower, upper, row_lower, row_upper, *rows, continuous
    )  # fmt: skip
    return highs


class LinearSession:
    """An LP ``min cost @ v`` over ``row_lower <= A v <= row_upper``, ``lower <= v <= upper``, for its bounds.

    Parameters
    ----------
    matrix : scipy.sparse.csr_matrix, shape (m, n)
    row_lower, row_upper : array, shape (m,)
        Infinite where a side is open.
    lower, upper : array, shape (n,)
        Finite: that is what makes every dual vector a bound.
    deadline : Deadline
        No solve goes on after it. The duals that it has then prove a bound too.

    Attributes
    ----------
    work : float
        Of all solves so far: simplex iterations, each times the entries of the program. It counts what
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
        matrix: csr_matrix,
        row_lower: FloatArray,
        row_upper: FloatArray,
        lower: FloatArray,
        upper: FloatArray,
        deadline: Deadline = NO_LIMIT,
    ) -> None:
        self._matrix, self._transposed = matrix, matrix.T.tocsr()
        self._row_lower, self._row_upper = row_lower, row_upper
        self._lower, self._upper = lower, upper
        self._columns = np.arange(matrix.shape[1], dtype=np.int32)
        self._deadline = deadline
        self.work = 0.0
        self._entries = float(matrix.nnz + sum(matrix.shape))
        # From one objective to the next the basis stays primal feasible.
        self._highs = linear_program(matrix, row_lower, row_upper, lower, upper, {"simplex_strategy": 4})

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
        self._highs.changeColsCost(len(self._columns), self._columns, cost)
        left = self._deadline.left
        if math.isfinite(left):
            # HiGHS counts from the first solve.
            self._highs.setOptionValue("time_limit", self._highs.getRunTime() + left)
        self._highs.run()
        self.work += self._entries * (1.0 + self._highs.getInfo().simplex_iteration_count)
        duals = np.array(self._highs.getSolution().row_dual, dtype=np.float64)
        if duals.size != self._matrix.shape[0] or not np.isfinite(duals).all():
            duals = np.zeros(self._matrix.shape[0])
        return self.bound_of(cost, duals)

    def bound_of(self, cost: FloatArray, duals: FloatArray) -> float:
        """Return the bound that a dual vector proves; any vector proves one.

        Parameters
        ----------
        cost : array, shape (n,)
        duals : array, shape (m,)

        Returns
        -------
        float
        """
        rows, columns = (self._row_lower, self._row_upper), (self._lower, self._upper)
        return dual_bound(self._transposed, rows, columns, cost, duals)
