"""A linear program without a row that has a variable is answered here: not every solver's interface can.

There is nothing to search: each variable goes to the end of its range that its cost prefers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pyomo.environ import ConcreteModel, SortComponents, Suffix
from pyomo.repn.linear import LinearRepnVisitor
from pyomo.repn.util import VarRecorder

from pyomo_relu.errors import InputError
from pyomo_relu.solvers.linear_form import linear_form
from pyomo_relu.solvers.matrix_rows import MatrixRows, constraints
from pyomo_relu.solvers.outcome import Outcome
from pyomo_relu.status import Status


def rowless_outcome(model: ConcreteModel, slack: float) -> Outcome | None:
    """Answer a model in whose rows nothing can change, in place; None where a solver has to be asked.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
    slack : float
        By how much a row may be missed, and a variable's range be empty, as it may be by solvers.

    Examples
    --------
    >>> from pyomo.environ import Constraint, Objective, Var, maximize
    >>> model = ConcreteModel()
    >>> model.x = Var(bounds=(0, 3))
    >>> model.cost = Objective(expr=2 * model.x, sense=maximize)
    >>> rowless_outcome(model, 1e-6).objective
    6.0
    >>> model.row = Constraint(expr=model.x <= 1)
    >>> rowless_outcome(model, 1e-6) is None
    True
    """
    if _has_a_row(model) or any(s.import_enabled() for s in model.component_objects(Suffix, active=True)):
        return None
    try:
        form = linear_form(model)
    except InputError:
        return None  # it has more than rows, or says so to the solver
    if form.hessian is not None:
        return None
    lower = np.where(form.integer, np.ceil(form.lower - slack), form.lower)
    upper = np.where(form.integer, np.floor(form.upper + slack), form.upper)
    activity = form.matrix @ np.where(np.isfinite(lower), lower, 0.0)  # all that counts in it is fixed
    missed = (activity < form.row_lower - slack) | (activity > form.row_upper + slack)
    if missed.any() or (lower > upper + slack).any():
        return Outcome.without_point(Status.INFEASIBLE)
    cost = -form.cost if form.maximise else form.cost
    point = np.where(cost > 0.0, lower, np.where(cost < 0.0, upper, np.clip(0.0, lower, upper)))
    if not np.isfinite(point).all():
        return Outcome.without_point(Status.UNBOUNDED)
    objective = float(form.cost @ point + form.offset)
    for variable, number in zip(form.columns, point.tolist(), strict=True):
        if not variable.fixed:
            variable.set_value(number, skip_validation=True)
    has_solution = bool(np.isfinite(objective))
    return Outcome(Status.OPTIMAL, has_solution, objective if has_solution else None, objective)


def _has_a_row(model: ConcreteModel) -> bool:
    variables: dict[int, Any] = {}
    linear = LinearRepnVisitor({}, var_recorder=VarRecorder(variables, SortComponents.UNSORTED))
    for component, rows in constraints(model):
        if component is not None and _has_a_matrix_row(component):
            return True
        for row in rows:
            found = linear.walk_expression(row.body)
            if found.nonlinear is not None or any(found.linear.values()):
                return True
    return False


def _has_a_matrix_row(component: MatrixRows) -> bool:
    matrix = component.matrix
    free = np.array([not variable.fixed for variable in component.variables], dtype=bool)
    live = np.array([row is not None for row in component.live_rows()], dtype=bool)
    counts = np.repeat(live, np.diff(matrix.indptr))
    return bool((counts & free[matrix.indices] & (matrix.data != 0.0)).any())
