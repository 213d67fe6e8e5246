"""`MatrixRows`: an indexed Pyomo constraint that keeps its coefficients as a matrix."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

import numpy as np
from pyomo.core.base.constraint import ConstraintData, IndexedConstraint
from pyomo.core.expr import LinearExpression
from pyomo.core.expr.relational_expr import EqualityExpression, InequalityExpression, RangedExpression
from pyomo.environ import Block, ConcreteModel, Constraint
from scipy.sparse import csr_matrix

from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.validation import FloatArray


class MatrixRow(ConstraintData):  # type: ignore[misc]
    """One row: its expression is written where somebody asks for it, unless a value of its own was set."""

    __slots__ = ()

    def __init__(self, component: MatrixRows, label: Any) -> None:
        super().__init__(component=component)
        self._index = label  # type: ignore[misc]  # a slot of the base class

    def to_bounded_expression(self, evaluate_bounds: bool = False) -> Any:
        """Return ``(lower, body, upper)``; a side that is open is None."""
        if self._expr is not None:
            return super().to_bounded_expression(evaluate_bounds)
        low, coefficients, variables, high = self.numbers()
        return low, LinearExpression(linear_coefs=coefficients, linear_vars=variables), high

    def numbers(self) -> tuple[float | None, list[float], list[Any], float | None]:
        """Return the row as ``(lower, coefficients, variables, upper)``; a side that is open is None."""
        rows = self.parent_component()
        position = rows.position[self._index]
        start, end = rows.matrix.indptr[position : position + 2]
        coefficients = rows.matrix.data[start:end].tolist()
        variables = [rows.variables[column] for column in rows.matrix.indices[start:end].tolist()]
        low, high = float(rows.row_lower[position]), float(rows.row_upper[position])
        return None if low == -math.inf else low, coefficients, variables, None if high == math.inf else high

    @property
    def has_own_expression(self) -> bool:
        """Whether the row was given an expression in place of its row of the matrix."""
        return self._expr is not None

    @property
    def expr(self) -> Any:
        """The relational expression of the row."""
        if self._expr is not None:
            return self._expr
        low, body, high = self.to_bounded_expression()
        if low is None:
            return InequalityExpression((body, math.inf if high is None else high), False)
        if high is None:
            return InequalityExpression((low, body), False)
        return EqualityExpression((body, high)) if low == high else RangedExpression((low, body, high), False)


class MatrixRows(IndexedConstraint):  # type: ignore[misc]
    """The rows ``row_lower <= matrix @ variables <= row_upper``; to Pyomo a constraint like any other.

    A row's expression is built when it is asked for, and not kept: a million nonzeros take 12 MB instead of
    150, and an interface that knows of the matrix (``solvers/linear_form.py``) writes none at all.
    Rows may be deactivated, deleted or given another expression as those of any constraint.

    Parameters
    ----------
    index : iterable of m labels
    matrix : sparse matrix, shape (m, n)
        Kept by rows (CSR), entries of one place added up; not copied where it is so already.
    variables : sequence of n Pyomo variables
    row_lower, row_upper : array, shape (m,)
        ``-inf`` and ``inf`` where a side is open. A row that is open on both sides is not active.

    Raises
    ------
    ShapeError
        If the sizes do not fit together.
    InputError
        If a variable is listed twice, or a coefficient or a side is not a number.

    Examples
    --------
    >>> from pyomo.environ import ConcreteModel, Var
    >>> model = ConcreteModel()
    >>> model.x = Var(range(2))
    >>> model.rows = MatrixRows([7], csr_matrix([[1.0, 2.0]]), list(model.x.values()), np.zeros(1), np.ones(1))
    >>> print(model.rows[7].expr)
    0.0  <=  x[0] + 2.0*x[1]  <=  1.0
    """

    _constructed: bool

    def __init__(
        self,
        index: Iterable[Any],
        matrix: Any,
        variables: Sequence[Any],
        row_lower: FloatArray,
        row_upper: FloatArray,
    ) -> None:
        labels = list(index)
        if matrix.shape != (len(labels), len(variables)):
            raise ShapeError(f"matrix is {matrix.shape}, but there are {len(labels)} rows, {len(variables)} variables")
        if len({id(variable) for variable in variables}) < len(variables):
            raise InputError("a variable has two columns of the matrix, expected one each")
        self.matrix, self.variables = _by_rows(matrix), list(variables)
        self.position = {label: position for position, label in enumerate(labels)}
        self.row_lower, self.row_upper = _side("row_lower", row_lower, labels), _side("row_upper", row_upper, labels)
        super().__init__(labels)

    def construct(self, data: Any = None) -> None:
        """Make the rows; Pyomo calls this when the component joins a model."""
        if self._constructed:
            return
        self._constructed = True
        for members in self._anonymous_sets or ():
            members.construct()
        self._data = {label: MatrixRow(self, label) for label in self.position}
        self._opened = np.zeros(len(self.position), dtype=bool)
        self.update()

    def update(
        self,
        *,
        matrix: Any = None,
        row_lower: FloatArray | None = None,
        row_upper: FloatArray | None = None,
    ) -> None:
        """Give the rows other coefficients or sides; one that opens on both sides is deactivated until one closes.

        Rows that you deactivated, or gave an expression of their own, stay as they are.

        Raises
        ------
        ShapeError
            If the shape is not that of what is replaced.
        InputError
            If a coefficient or a side is not a number. Then, too, all is as it was.
        """
        if matrix is not None and matrix.shape != self.matrix.shape:
            raise ShapeError(f"matrix has shape {matrix.shape}, expected {self.matrix.shape}")
        new_matrix = self.matrix if matrix is None else _by_rows(matrix)
        lower = self.row_lower if row_lower is None else _side("row_lower", row_lower, self.position)
        upper = self.row_upper if row_upper is None else _side("row_upper", row_upper, self.position)
        self.matrix, self.row_lower, self.row_upper = new_matrix, lower, upper
        closed = (lower > -np.inf) | (upper < np.inf)
        labels = list(self.position)
        for position in np.flatnonzero(closed == self._opened).tolist():
            row = self._data.get(labels[position])
            if row is None or row._expr is not None:
                continue
            if closed[position]:
                row.activate()
            elif row._active:
                row.deactivate()
            else:
                continue
            self._opened[position] = not closed[position]

    def live_rows(self) -> list[MatrixRow | None]:
        """Return the rows in the order of the matrix: None for what is deleted, not active, or written otherwise."""
        found = map(self._data.get, self.position)
        return [None if r is None or not r._active or r._expr is not None else r for r in found]

    def rewritten_rows(self) -> list[MatrixRow]:
        """Return the rows that were given an expression of their own."""
        return [row for row in self._data.values() if row._expr is not None]


def constraints(model: ConcreteModel) -> Iterator[tuple[MatrixRows | None, list[Any]]]:
    """Yield the active constraints of a model: a `MatrixRows` and its rewritten rows, or None and the rows of another.

    Examples
    --------
    >>> from pyomo.environ import Var
    >>> model = ConcreteModel()
    >>> model.x = Var()
    >>> model.row = Constraint(expr=model.x >= 1)
    >>> [(matrix, [row.name for row in rows]) for matrix, rows in constraints(model)]
    [(None, ['row'])]
    """
    for component in model.component_objects(Constraint, active=True, descend_into=Block):
        matrix = component if isinstance(component, MatrixRows) else None
        rows = component.values() if matrix is None else matrix.rewritten_rows()
        yield matrix, [row for row in rows if row.active]


def _by_rows(matrix: Any) -> csr_matrix:
    rows = csr_matrix(matrix)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    if not np.isfinite(rows.data).all():
        raise InputError("matrix has an entry that is not a finite number")
    return rows


def _side(name: str, side: FloatArray, labels: Sized) -> FloatArray:
    if side.shape != (len(labels),):
        raise ShapeError(f"{name} has shape {side.shape}, expected ({len(labels)},)")
    never = np.inf if name == "row_lower" else -np.inf
    wrong = np.isnan(side) | (side == never)
    if wrong.any():
        raise InputError(
            f"{name} is {side[wrong][0]} at {int(np.flatnonzero(wrong)[0])}, expected a number, or {-never}"
        )
    return side
