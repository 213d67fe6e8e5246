"""`LinearProgram`: a small LP that is solved again and again, for points as well as for values."""

from __future__ import annotations

import highspy
import numpy as np
from scipy.sparse import csr_matrix

from pyomo_relu.errors import PyomoReluError
from pyomo_relu.solvers.linear_session import linear_program
from pyomo_relu.validation import FloatArray

FEASIBLE = 1e-9
"""By how much HiGHS may miss a row: its tightest."""

TOLERANCES = {"primal_feasibility_tolerance": FEASIBLE, "dual_feasibility_tolerance": FEASIBLE}


class LinearProgramError(PyomoReluError):
    """HiGHS could not tell.

    :func:`pyomo_relu.preimage`, its graph and its convexity, and
    :func:`pyomo_relu.prove_bound` catch it and say what is not complete; what returns a number or a
    point by an LP raises it.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> issubclass(LinearProgramError, pr.PyomoReluError)
    True
    """


class LinearProgram:
    """Maximise linear functions over ``row_lower <= A v <= row_upper``, ``lower <= v <= upper``.

    Unlike :class:`~pyomo_relu.solvers.LinearSession` it takes infinite bounds, and returns
    points: it searches, and proves nothing.

    Parameters
    ----------
    matrix : array, shape (m, n)
    row_lower, row_upper : array, shape (m,)
    lower, upper : array, shape (n,)
    """

    def __init__(
        self, matrix: FloatArray, row_lower: FloatArray, row_upper: FloatArray, lower: FloatArray, upper: FloatArray
    ) -> None:
        self._columns = np.arange(matrix.shape[1], dtype=np.int32)
        self._highs = linear_program(csr_matrix(matrix), row_lower, row_upper, lower, upper, TOLERANCES)

    def bound_row(self, row: int, lower: float, upper: float) -> None:
        """Set the bounds of one row."""
        self._highs.changeRowBounds(row, lower, upper)

    def bound_column(self, column: int, lower: float, upper: float) -> None:
        """Set the bounds of one variable."""
        self._highs.changeColBounds(column, lower, upper)

    def maximum(self, cost: FloatArray) -> tuple[float, FloatArray | None]:
        """Return the maximum of ``cost . v`` and where it is reached.

        Returns
        -------
        value : float
            ``inf`` where it is not bounded, ``-inf`` where nothing is feasible.
        point : array, shape (n,), or None
            None where the value is infinite.

        Raises
        ------
        LinearProgramError
            If HiGHS cannot tell, also not from a fresh start; or did not take the program: an entry is 1e15 or more.
        """
        self._highs.changeColsCost(len(self._columns), self._columns, -cost)
        for _ in range(2):
            self._highs.run()
            status = self._highs.getModelStatus()
            if status == highspy.HighsModelStatus.kOptimal:
                point = np.array(self._highs.getSolution().col_value, dtype=np.float64)
                return float(cost @ point), point
            if status == highspy.HighsModelStatus.kInfeasible:
                return -np.inf, None
            if status == highspy.HighsModelStatus.kUnbounded:
                return np.inf, None
            if status == highspy.HighsModelStatus.kUnboundedOrInfeasible and cost.any():
                feasible = self.maximum(np.zeros_like(cost))[1] is not None
                return (np.inf if feasible else -np.inf), None
            self._highs.clearSolver()
        raise LinearProgramError(f"HiGHS could not solve a linear program of {len(self._columns)} variables: {status}")

    @property
    def row_duals(self) -> FloatArray:
        """The last solve's multipliers, one a row, of the minimum of ``-cost . v``."""
        return np.array(self._highs.getSolution().row_dual, dtype=np.float64)
