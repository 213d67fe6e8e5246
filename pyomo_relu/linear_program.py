"""`LinearProgram`: a small LP that is solved again and again, for points as well as for values."""

from __future__ import annotations

import highspy
import numpy as np

from pyomo_relu.errors import PyomoReluError
from pyomo_relu.solvers.linear_session import LinearSession
from pyomo_relu.solvers.quiet_highs import Bounds
from pyomo_relu.validation import FloatArray

FEASIBLE = 1e-9
"""By how much HiGHS may miss a row: its tightest."""

TOLERANCES = {"primal_feasibility_tolerance": FEASIBLE, "dual_feasibility_tolerance": FEASIBLE}

FARTHEST = 1e4
"""Where no box bounds a variable, what an LP proves it proves for values of up to this size."""


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


class LinearProgram(LinearSession):
    """Maximise linear functions over ``row_lower <= A v <= row_upper``, ``lower <= v <= upper``.

    Beyond a :class:`~pyomo_relu.solvers.LinearSession` it returns points, and may be open. HiGHS changes what
    it is given, by tolerances, by scaling, and by dropping what is small: a value, or that nothing is feasible, is its
    word. What that proves is for :meth:`ceiling` and :meth:`refuted` to say.

    Parameters
    ----------
    matrix : array, shape (m, n)
    row_lower, row_upper : array, shape (m,)
    lower, upper : array, shape (n,)
    """

    def __init__(
        self, matrix: FloatArray, row_lower: FloatArray, row_upper: FloatArray, lower: FloatArray, upper: FloatArray
    ) -> None:
        super().__init__(matrix, row_lower, row_upper, lower, upper, options=TOLERANCES)

    def maximum(self, cost: FloatArray) -> tuple[float, FloatArray | None]:
        """Return the maximum of ``cost . v`` and where it is reached.

        Returns
        -------
        value : float
            ``inf`` where it is not bounded, ``-inf`` where nothing is feasible: in HiGHS's word.
        point : array, shape (n,), or None
            None where the value is infinite.

        Raises
        ------
        LinearProgramError
            If HiGHS cannot tell, also not from a fresh start; or did not take the program: an entry is 1e15 or more.
        """
        for _ in range(2):
            status = self.minimise(-cost)
            if status == highspy.HighsModelStatus.kOptimal:
                point = np.array(self.highs.getSolution().col_value, dtype=np.float64)
                return float(cost @ point), point
            if status == highspy.HighsModelStatus.kInfeasible:
                return -np.inf, None
            if status == highspy.HighsModelStatus.kUnbounded:
                return np.inf, None
            if status == highspy.HighsModelStatus.kUnboundedOrInfeasible and cost.any():
                feasible = self.maximum(np.zeros_like(cost))[1] is not None
                return (np.inf if feasible else -np.inf), None
            self.highs.clearSolver()
        raise LinearProgramError(f"HiGHS could not solve a linear program of {len(self._columns)} variables: {status}")

    def ceiling(self, cost: FloatArray, rows: Bounds | None = None, columns: Bounds | None = None) -> float:
        """Return a number that ``cost . v`` does not exceed, proved by the last solve's duals.

        Parameters
        ----------
        cost : array, shape (n,)
            Of the last solve.
        rows, columns : pair of array, optional
            Other bounds than the program's, for which it is to hold; variables that are open are cut at `FARTHEST`.

        Returns
        -------
        float
            ``inf`` where the duals prove nothing.

        Examples
        --------
        >>> one, none = np.ones(1), np.full(1, np.inf)
        >>> program = LinearProgram(np.array([[2.0]]), -none, one, -none, none)
        >>> program.maximum(one)[0], round(program.ceiling(one), 8)
        (0.5, 0.5)
        """
        return -self._proved(-cost, self.row_duals, rows, columns)

    def refuted(self, rows: Bounds | None = None, columns: Bounds | None = None) -> bool:
        """Whether the ray that made HiGHS call the program infeasible proves it; `rows` and `columns` as there.

        Examples
        --------
        >>> one, none = np.ones(1), np.full(1, np.inf)
        >>> program = LinearProgram(np.array([[1.0]]), np.array([2.0]), none, -none, one)
        >>> program.maximum(one)[0], program.refuted(), program.refuted(rows=(one, none))
        (-inf, True, False)
        """
        _, there, ray = self.highs.getDualRay()
        if not there:
            return False
        ray, free = np.array(ray, dtype=np.float64), np.zeros(len(self._columns))
        return any(self._proved(free, duals, rows, columns) > 0.0 for duals in (ray, -ray))

    def _proved(self, cost: FloatArray, duals: FloatArray, rows: Bounds | None, columns: Bounds | None) -> float:
        """Return a lower bound of ``cost . v``."""
        if duals.size != self._transposed.shape[1] or not np.isfinite(duals).all():
            return -np.inf
        low, high = columns or self._box
        cut = np.maximum(low, -FARTHEST), np.minimum(high, FARTHEST)
        return self.bound_of(cost, duals, rows, cut)
