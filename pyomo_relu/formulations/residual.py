"""The objective of exact inversion, ``||y - x||``, as a norm writes it into a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyomo.environ import Constraint, Objective, Var

from pyomo_relu.formulations.rows import dense_rows
from pyomo_relu.formulations.rows import linear as linear_expression
from pyomo_relu.norms import Norm, NormName, as_norm
from pyomo_relu.solvers import Capability, MatrixRows
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False)
class Outputs:
    """The outputs y of a network, as the objective sees them: ``encoded + matrix @ inputs + shift``.

    Parameters
    ----------
    encoded : sequence of variable or None, length n
        None is zero.
    inputs : sequence of variable, length N
    matrix : array, shape (n, N)
    shift : array, shape (n,)
    from_above : array of bool, shape (n,)
        Outputs that may be less than they are written: where only their deviations are held, nothing then says that
        they are missed from below.
    """

    encoded: Sequence[Any]
    inputs: Sequence[Any]
    matrix: FloatArray
    shift: FloatArray
    from_above: NDArray[np.bool_]

    @classmethod
    def of(cls, encoded: Sequence[Any]) -> Outputs:
        """Return outputs of which each is a variable of its own, or None for zero."""
        n = len(encoded)
        return cls(encoded, [], np.zeros((n, 0)), np.zeros(n), np.zeros(n, dtype=bool))

    @classmethod
    def linear(cls, matrix: FloatArray, inputs: Sequence[Any], shift: FloatArray) -> Outputs:
        """Return outputs that are rows of their inputs."""
        return cls([None] * len(shift), inputs, matrix, shift, np.zeros(len(shift), dtype=bool))

    def rows(self, index: NDArray[np.intp], sign: float, *parts: Sequence[Any], **sides: FloatArray) -> MatrixRows:
        """Return ``lower <= y_j + sign * (sum of parts_j) <= upper`` for j in `index`; all have n entries."""
        count = (sign,) * len(parts)
        terms = []
        for j in index:
            others, own = tuple(part[j] for part in parts), self.encoded[j]
            terms.append((count, others) if own is None else ((1.0, *count), (own, *others)))
        held = {side: (value - self.shift)[index] for side, value in sides.items()}
        return dense_rows(index.tolist(), self.matrix[index], self.inputs, extra=terms, **held)


def add_residual(
    model: Any,
    outputs: Outputs,
    x: FloatArray,
    norm: Norm,
    *,
    least: FloatArray,
    most: FloatArray,
    budget: float | None = None,
    squares: Any = None,
) -> None:
    """Minimise the objective of ``||y - x||`` in `model`: the residual, or its square.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
    outputs : Outputs
        The network's outputs y.
    x : array, shape (n,)
    norm : Norm
    least, most : array, shape (n,)
        Bounds of the single deviations ``|y_j - x_j|``.
    budget : float, optional
        Bound of the residual.
    squares : expression, optional
        What outputs that are not listed add to a sum of squares.
    """
    norm.write(_Objective(model, outputs, x), least, most, budget)
    if squares is not None:
        model.objective.expr = model.objective.expr + squares


@dataclass(frozen=True, eq=False)
class _Objective:
    """What a norm asks of the model; see :class:`pyomo_relu.norms.Writer`."""

    model: Any
    outputs: Outputs
    x: FloatArray

    def variables(self, name: str, lower: FloatArray, upper: FloatArray) -> Sequence[Any]:
        ends = [[_limit(value) for value in side.tolist()] for side in (lower, upper)]
        self.model.add_component(name, Var(range(self.x.size), bounds=lambda _, j: (ends[0][j], ends[1][j])))
        return list(self.model.component(name).values())

    def shared(self, name: str, lower: float, upper: float) -> Sequence[Any]:
        self.model.add_component(name, Var(bounds=(_limit(lower), _limit(upper))))
        return [self.model.component(name)] * self.x.size

    def hold(self, *parts: Sequence[Any]) -> None:
        """``|y_j - x_j| <= e_j``: two rows, or the one above."""
        below = np.flatnonzero(~self.outputs.from_above)
        self.model.above = self.outputs.rows(np.arange(self.x.size), -1.0, *parts, upper=self.x)
        self.model.below = self.outputs.rows(below, 1.0, *parts, lower=self.x)

    def define(self, differences: Sequence[Any]) -> None:
        every = np.arange(self.x.size)
        self.model.definition = self.outputs.rows(every, -1.0, differences, lower=self.x, upper=self.x)

    def minimise(
        self, linear: Sequence[Any] = (), squares: Sequence[Any] = (), *, cost: float = 1.0, most: float | None = None
    ) -> None:
        total = linear_expression([cost] * len(linear), linear) if linear else 0.0
        if most is not None:
            self.model.budget = Constraint(expr=(None, total, most))
        self.model.objective = Objective(expr=total if not squares else sum((r * r for r in squares), total))


def _limit(value: float) -> float | None:
    return None if np.isinf(value) else value


def needs_of_norm(norm: Norm | NormName) -> frozenset[Capability]:
    """Return what a norm's objective needs of a solver, besides what the encoding needs.

    Parameters
    ----------
    norm : Norm, "inf", 1, 2 or "huber"

    Examples
    --------
    >>> needs_of_norm(1), [str(need) for need in needs_of_norm("huber")]
    (frozenset(), ['MIQP'])
    """
    return frozenset(map(Capability, as_norm(norm).needs))
