"""What a model's coefficients tell before it is solved: whether they are numbers, and whether a solver drops any.

Most solvers may take coefficients up to 1e-9 for zero, and say nothing. Of a variable that may be a billion that is no
rounding error: the model that is solved is another one, and its optimum, or that it is infeasible, proves nothing of
this one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyomo.environ import ConcreteModel, Objective, SortComponents, value
from pyomo.repn.linear import LinearRepnVisitor
from pyomo.repn.quadratic import QuadraticRepnVisitor
from pyomo.repn.util import OrderedVarRecorder, VarRecorder
from scipy.sparse import csr_matrix

from pyomo_relu.errors import InputError
from pyomo_relu.solvers.matrix_rows import MatrixRows, constraints
from pyomo_relu.validation import FloatArray

REACH = 1e12
"""How large an open variable is taken to be: of the size above which observations are refused.

Were it infinite, a coefficient of 1e-30 would matter, though only for codes of 1e21.
"""

SLACK = 1e-6
"""By how much solvers let a row be missed where they are not told otherwise."""

Reach = Callable[[NDArray[np.int32]], FloatArray]


def changed_row(model: ConcreteModel, dropped: float, slack: float) -> str | None:
    """Return the name of a row of which more than `slack` may be lost with its smallest coefficients; None if none.

    A variable with an open side is taken to be no larger than 1e12 (`REACH`), so that coefficients below
    ``slack / 1e12`` never matter by themselves.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
        What is not linear in its rows is not looked at.
    dropped : float
        The largest coefficient that the solver takes for zero.
    slack : float
        By how much the solver lets a row be missed.

    Raises
    ------
    InputError
        If a coefficient, or the side of a row, is not a number, or cannot be worked out.

    Examples
    --------
    >>> from pyomo.environ import Constraint, Var
    >>> model = ConcreteModel()
    >>> model.x = Var(range(2), bounds=(0, 1))
    >>> model.row = Constraint(expr=model.x[0] + 1e-10 * model.x[1] >= 1)
    >>> changed_row(model, 1e-9, SLACK)
    >>> model.x[1].setub(1e6)
    >>> changed_row(model, 1e-9, SLACK)
    'row'
    """
    _check_objective(model)
    variables: dict[int, Any] = {}
    linear = LinearRepnVisitor({}, var_recorder=VarRecorder(variables, SortComponents.UNSORTED))
    for component, rows in constraints(model):
        found = None if component is None else _changed_matrix_row(component, dropped, slack)
        if found is not None:
            return found
        for row in rows:
            if _is_changed(row, linear, variables, dropped, slack):
                return str(row.name)
    return None


def changed_rows(matrix: csr_matrix, reach: Reach, dropped: float, slack: float) -> NDArray[np.intp]:
    """Return the rows of a matrix of which more than `slack` may be lost with its smallest entries.

    Parameters
    ----------
    matrix : scipy.sparse.csr_matrix, shape (m, n)
    reach : callable
        Returns how large the variables of some columns may be, `REACH` where that is open; asked only where there is
        such an entry.
    dropped, slack : float

    Examples
    --------
    >>> changed_rows(csr_matrix([[1.0, 1e-10], [1.0, 0.0]]), lambda columns: np.full(len(columns), REACH), 1e-9, 1e-6)
    array([0])
    """
    sizes = np.abs(matrix.data)
    entries: NDArray[np.intp] = np.flatnonzero(sizes <= dropped)
    entries = entries[sizes[entries] > 0.0]
    if not entries.size:
        return entries
    rows = np.searchsorted(matrix.indptr, entries, side="right") - 1
    lost = np.bincount(rows, sizes[entries] * reach(matrix.indices[entries]), minlength=matrix.shape[0])
    found: NDArray[np.intp] = np.flatnonzero(lost > slack)
    return found


def _changed_matrix_row(component: MatrixRows, dropped: float, slack: float) -> str | None:
    variables = component.variables
    found = changed_rows(
        component.matrix, lambda columns: np.array([_reach(variables[j]) for j in columns.tolist()]), dropped, slack
    )
    if not found.size:
        return None
    live = component.live_rows()
    return next((str(row.name) for row in (live[position] for position in found.tolist()) if row is not None), None)


def _is_changed(row: Any, linear: LinearRepnVisitor, variables: dict[int, Any], dropped: float, slack: float) -> bool:
    try:
        found = linear.walk_expression(row.to_bounded_expression(evaluate_bounds=True)[1])
    except (ValueError, ArithmeticError) as error:
        raise InputError(f"{row.name}: {' '.join(str(error).split())}") from error
    if not _are_finite([found.constant, *found.linear.values()]):
        raise InputError(f"{row.name} has a coefficient that is not a number")
    small = [(abs(c), variables[i]) for i, c in found.linear.items() if 0.0 < abs(c) <= dropped]
    return bool(sum(c * _reach(variable) for c, variable in small) > slack)


def _check_objective(model: ConcreteModel) -> None:
    for goal in model.component_data_objects(Objective, active=True):
        recorder = OrderedVarRecorder({}, {}, SortComponents.UNSORTED)
        try:
            found = QuadraticRepnVisitor({}, var_recorder=recorder).walk_expression(goal.expr)
        except (ValueError, ArithmeticError) as error:
            raise InputError(f"{goal.name}: {' '.join(str(error).split())}") from error
        if not _are_finite([found.constant, *found.linear.values(), *(found.quadratic or {}).values()]):
            raise InputError(f"{goal.name} has a coefficient that is not a finite number")


def _are_finite(numbers: list[Any]) -> bool:
    # What Pyomo could not work out is an object of its own, and no float.
    return all(isinstance(number, int | float | np.number) for number in numbers) and bool(np.isfinite(numbers).all())


def _reach(variable: Any) -> float:
    """Return how large a variable may be."""
    if variable.fixed:
        fixed = value(variable, exception=False)
        return REACH if fixed is None else abs(float(fixed))
    return float(max(REACH if side is None else abs(side) for side in variable.bounds))
