"""`LinearForm`: a Pyomo model as arrays, for interfaces that take a whole model at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyomo.environ import (
    Block,
    ConcreteModel,
    Constraint,
    Expression,
    Objective,
    Param,
    RangeSet,
    Set,
    Suffix,
    Var,
    maximize,
    value,
)
from pyomo.repn.linear import LinearRepnVisitor
from pyomo.repn.quadratic import QuadraticRepnVisitor
from pyomo.repn.util import categorize_valid_components
from scipy.sparse import csr_matrix

from pyomo_relu.errors import InputError
from pyomo_relu.solvers.matrix_rows import MatrixRows, constraints
from pyomo_relu.validation import FloatArray

_KNOWN = {Block, Constraint, Expression, Objective, Param, RangeSet, Set, Suffix, Var}


@dataclass(frozen=True)
class LinearForm:
    """``min or max 1/2 v'Qv + cost . v + offset`` over ``row_lower <= A v <= row_upper``, ``lower <= v <= upper``.

    Parameters
    ----------
    columns : list of n Pyomo variables
        Those of the rows and the objective; a fixed one, where it is a column, has equal bounds.
    rows : list of m Pyomo constraints
        None for a row of a `MatrixRows` that is not active; its sides are infinite.
    matrix : scipy.sparse.csr_matrix, shape (m, n)
    row_lower, row_upper : array, shape (m,)
    lower, upper : array, shape (n,)
    integer : array of bool, shape (n,)
    cost : array, shape (n,)
    offset : float
    hessian : scipy.sparse.csr_matrix, shape (n, n), or None
        The upper triangle of Q by rows.
    maximise : bool
    """

    columns: list[Any]
    rows: list[Any]
    matrix: csr_matrix
    row_lower: FloatArray
    row_upper: FloatArray
    lower: FloatArray
    upper: FloatArray
    integer: NDArray[np.bool_]
    cost: FloatArray
    offset: float
    hessian: csr_matrix | None
    maximise: bool

    def starts(self, other: LinearForm) -> bool:
        """Whether a basis of this LP is one of the other's: both have the same variables, and as many rows."""
        return (
            self.matrix.shape == other.matrix.shape
            and all(mine is its for mine, its in zip(self.columns, other.columns, strict=True))
            and not any(form.integer.any() or form.hessian is not None for form in (self, other))
        )

    def same_matrix(self, other: LinearForm) -> bool:
        """Whether both have the same coefficients in their rows, entry by entry."""
        return (
            np.array_equal(self.matrix.indptr, other.matrix.indptr)
            and np.array_equal(self.matrix.indices, other.matrix.indices)
            and np.array_equal(self.matrix.data, other.matrix.data)
        )


def linear_form(model: ConcreteModel) -> LinearForm:
    """Compile a model with linear rows and a linear or quadratic objective.

    Raises
    ------
    InputError
        If something in the model is active that has no place in such a form, or a coefficient is not a finite number.

    Examples
    --------
    >>> model = ConcreteModel()
    >>> model.x = Var(range(2), bounds=(0, 1))
    >>> model.row = Constraint(expr=model.x[0] + 2 * model.x[1] >= 1)
    >>> model.objective = Objective(expr=model.x[1])
    >>> form = linear_form(model)
    >>> form.matrix.toarray().tolist(), form.row_lower.tolist(), form.cost.tolist()
    ([[1.0, 2.0]], [1.0], [0.0, 1.0])
    """
    _refuse_what_has_no_place(model)
    columns = _Columns()
    rows = _Rows(columns)
    for component, others in constraints(model):
        if component is not None:
            rows.take(component)
        for row in others:
            rows.write(row)
    goal = _goal(model, columns)
    n = len(columns.var_map)
    lower, upper = columns.bounds()
    matrix, cost = rows.matrix(n), _dense(goal.linear, columns, n)
    if not all(np.isfinite(part).all() for part in (matrix.data, cost, goal.constant)):
        raise InputError("the model has a coefficient that is not a finite number")
    return LinearForm(
        columns=list(columns.var_map.values()),
        rows=rows.rows,
        matrix=matrix,
        row_lower=np.concatenate(rows.lower),
        row_upper=np.concatenate(rows.upper),
        lower=lower,
        upper=upper,
        integer=np.array([not v.is_continuous() and not v.fixed for v in columns.var_map.values()], dtype=bool),
        cost=cost,
        offset=float(goal.constant),
        hessian=_hessian(goal.quadratic, columns, n),
        maximise=goal.maximise,
    )


def _refuse_what_has_no_place(model: ConcreteModel) -> None:
    _, strangers = categorize_valid_components(model, active=True, sort=False, valid=_KNOWN)
    for kind, found in strangers.items():
        raise InputError(f"{found[0].name} is a {kind.__name__}: only linear rows and one objective have a place here")


class _Columns:
    """The variables in the order in which they are met; what Pyomo's visitors call a recorder."""

    def __init__(self) -> None:
        self.var_map: dict[int, Any] = {}
        self.var_order: dict[int, int] = {}

    def add(self, variable: Any) -> None:
        self.var_order[id(variable)] = len(self.var_order)
        self.var_map[id(variable)] = variable

    def positions(self, variables: list[Any]) -> NDArray[np.int32]:
        for variable in variables:
            if id(variable) not in self.var_map:
                self.add(variable)
        return np.array([self.var_order[id(v)] for v in variables], dtype=np.int32)

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        pairs = [(value(v), value(v)) if v.fixed else v.bounds for v in self.var_map.values()]
        lower = [-np.inf if low is None else low for low, _ in pairs]
        upper = [np.inf if high is None else high for _, high in pairs]
        return np.array(lower, dtype=np.float64), np.array(upper, dtype=np.float64)


class _Rows:
    """The rows met so far, in parts: arrays of a `MatrixRows`, or of one row of another constraint."""

    def __init__(self, columns: _Columns) -> None:
        self.columns, self.visitor = columns, LinearRepnVisitor({}, var_recorder=columns)
        self.rows: list[Any] = []
        self.data: list[Any] = [np.zeros(0)]
        self.indices: list[Any] = [np.zeros(0, dtype=np.int32)]
        self.lengths: list[Any] = [np.zeros(0, dtype=np.int32)]
        self.lower: list[Any] = [np.zeros(0)]
        self.upper: list[Any] = [np.zeros(0)]

    def take(self, component: MatrixRows) -> None:
        matrix, positions = component.matrix, self.columns.positions(component.variables)
        live = component.live_rows()
        held = np.array([row is not None for row in live], dtype=bool)
        self.rows += live
        self.data.append(matrix.data)
        self.indices.append(positions[matrix.indices])
        self.lengths.append(np.diff(matrix.indptr))
        self.lower.append(np.where(held, component.row_lower, -np.inf))
        self.upper.append(np.where(held, component.row_upper, np.inf))

    def write(self, row: Any) -> None:
        low, body, high = row.to_bounded_expression(evaluate_bounds=True)
        found = self.visitor.walk_expression(body)
        if found.nonlinear is not None:
            raise InputError(f"{row.name} is not linear")
        order = self.columns.var_order
        self.rows.append(row)
        self.data.append(list(found.linear.values()))
        self.indices.append([order[variable] for variable in found.linear])
        self.lengths.append([len(found.linear)])
        self.lower.append([-np.inf if low is None else low - found.constant])
        self.upper.append([np.inf if high is None else high - found.constant])

    def matrix(self, n_columns: int) -> csr_matrix:
        starts = np.concatenate([np.zeros(1, dtype=np.int32), np.cumsum(np.concatenate(self.lengths))])
        indices = np.concatenate(self.indices).astype(np.int32, copy=False)
        data = np.concatenate(self.data).astype(np.float64, copy=False)
        return csr_matrix((data, indices, starts), shape=(len(self.rows), n_columns))


@dataclass(frozen=True)
class _Goal:
    linear: dict[int, float]
    quadratic: dict[tuple[int, int], float]
    constant: float
    maximise: bool


def _goal(model: ConcreteModel, columns: _Columns) -> _Goal:
    goals = list(model.component_data_objects(Objective, active=True))
    if len(goals) > 1:
        raise InputError(f"the model has {len(goals)} active objectives, expected 1: {goals[0]}, {goals[1]}")
    if not goals:
        return _Goal({}, {}, 0.0, False)
    found = QuadraticRepnVisitor({}, var_recorder=columns).walk_expression(goals[0].expr)
    if found.nonlinear is not None:
        raise InputError(f"{goals[0].name} is neither linear nor quadratic")
    return _Goal(found.linear, found.quadratic or {}, found.constant, goals[0].sense == maximize)


def _dense(terms: dict[int, float], columns: _Columns, n_columns: int) -> FloatArray:
    array = np.zeros(n_columns)
    for variable, coefficient in terms.items():
        array[columns.var_order[variable]] = coefficient
    return array


def _hessian(terms: dict[tuple[int, int], float], columns: _Columns, n_columns: int) -> csr_matrix | None:
    if not terms:
        return None
    order = columns.var_order
    pairs = np.array([sorted((order[one], order[other])) for one, other in terms], dtype=np.int32)
    twice = np.array(list(terms.values())) * np.where(pairs[:, 0] == pairs[:, 1], 2.0, 1.0)
    return csr_matrix((twice, (pairs[:, 0], pairs[:, 1])), shape=(n_columns, n_columns))
