"""`MatrixRows`: an indexed Pyomo constraint that keeps its coefficients as a matrix."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pyomo.core.base.constraint import ConstraintData, IndexedConstraint
from pyomo.core.expr import LinearExpression
from pyomo.core.expr.relational_expr import EqualityExpression, InequalityExpression, RangedExpression
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
    matrix : scipy.sparse.csr_matrix, shape (m, n)
    variables : sequence of n Pyomo variables
    row_lower, row_upper : array, shape (m,)
        Infinite where a side is open. A row that is open on both sides is not active.

    Raises
    ------
    ShapeError
        If the sizes do not fit together.
    InputError
        If a variable is listed twice.

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
        matrix: csr_matrix,
        variables: Sequence[Any],
        row_lower: FloatArray,
        row_upper: FloatArray,
    ) -> None:
        labels = list(index)
        if matrix.shape != (len(labels), len(variables)):
            raise ShapeError(f"matrix is {matrix.shape}, but there are {len(labels)} rows, {len(variables)} variables")
        if len({id(variable) for variable in variables}) < len(variables):
            raise InputError("a variable has two columns of the matrix, expected one each")
        self.matrix, self.variables = matrix, list(variables)
        self.position = {label: position for position, label in enumerate(labels)}
        self.row_lower, self.row_upper = row_lower, row_upper
        super().__init__(labels)

    def construct(self, data: Any = None) -> None:
        """Make the rows; Pyomo calls this when the component joins a model."""
        if self._constructed:
            return
        self._constructed = True
        for members in self._anonymous_sets or ():
            members.construct()
        self._data = {label: MatrixRow(self, label) for label in self.position}
        self._closed = np.ones(len(self.position), dtype=bool)
        self.update()

    def update(
        self,
        *,
        matrix: csr_matrix | None = None,
        row_lower: FloatArray | None = None,
        row_upper: FloatArray | None = None,
    ) -> None:
        """Give the rows other coefficients or sides; one that opens on both sides is deactivated until one closes.

        Raises
        ------
        ShapeError
            If the shape is not that of what is replaced.
        """
        for name, new in (("matrix", matrix), ("row_lower", row_lower), ("row_upper", row_upper)):
            if new is None:
                continue
            if new.shape != getattr(self, name).shape and self._constructed:
                raise ShapeError(f"{name} has shape {new.shape}, expected {getattr(self, name).shape}")
            setattr(self, name, new)
        for name in ("row_lower", "row_upper"):
            if getattr(self, name).shape != (len(self.position),):
                raise ShapeError(f"{name} has shape {getattr(self, name).shape}, expected ({len(self.position)},)")
        closed = np.isfinite(self.row_lower) | np.isfinite(self.row_upper)
        labels = list(self.position)
        for position in np.flatnonzero(closed != self._closed).tolist():
            row = self._data.get(labels[position])
            if row is not None:
                row.activate() if closed[position] else row.deactivate()
        self._closed = closed

    def live_rows(self) -> list[MatrixRow | None]:
        """Return the rows in the order of the matrix: None for what is deleted, not active, or written otherwise."""
        found = map(self._data.get, self.position)
        return [None if r is None or not r._active or r._expr is not None else r for r in found]

    def rewritten_rows(self) -> list[MatrixRow]:
        """Return the rows that were given an expression of their own."""
        return [row for row in self._data.values() if row._expr is not None]
