"""The objective of exact inversion: the p-norm of ``y - x``, for p in {inf, 1, 2}."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyomo.environ import Constraint, Objective, Var

from pyomo_relu.formulations.rows import dense_rows, linear
from pyomo_relu.norms import Norm
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
        Outputs that may be less than they are written: for p = inf and 1 nothing then says that they are missed
        from below.
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

    def rows(self, index: NDArray[np.intp], sign: float, others: Sequence[Any], **sides: FloatArray) -> MatrixRows:
        """Return ``lower <= y_j + sign * other_j <= upper`` for j in `index`; sides and others have all n entries."""
        terms = [
            ((sign,), (others[j],)) if self.encoded[j] is None else ((1.0, sign), (self.encoded[j], others[j]))
            for j in index
        ]
        own = {side: (value - self.shift)[index] for side, value in sides.items()}
        return dense_rows(index.tolist(), self.matrix[index], self.inputs, extra=terms, **own)


def add_residual_norm(
    model: Any,
    outputs: Outputs,
    x: FloatArray,
    norm: Norm,
    *,
    least: FloatArray | None = None,
    most: FloatArray | None = None,
    budget: float | None = None,
    squares: Any = None,
) -> None:
    """Minimise ``||y - x||`` in `model`; for p = 2, its square.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
    outputs : Outputs
        The network's outputs y.
    x : array, shape (n,)
    norm : "inf", 1 or 2
    least, most : array, shape (n,), optional
        Bounds of the single deviations ``|y_j - x_j|``.
    budget : float, optional
        Bound of the norm for p = inf and 1. For p = 2 it is not written, which would be a row of squares: there
        `most` is what bounds the deviations.
    squares : expression, optional
        For p = 2: what outputs that are not listed add to the sum.
    """
    low = np.zeros(len(x)) if least is None else least
    high = np.full(len(x), np.inf) if most is None else most
    _WRITERS[norm](model, outputs, x, low, high, budget)
    if squares is not None:
        model.objective.expr = model.objective.expr + squares


def _band(model: Any, outputs: Outputs, deviations: Sequence[Any], x: FloatArray) -> None:
    """``|y_j - x_j| <= e_j``: two rows, or the one above."""
    model.above = outputs.rows(np.arange(len(x)), -1.0, deviations, upper=x)
    model.below = outputs.rows(np.flatnonzero(~outputs.from_above), 1.0, deviations, lower=x)


def _limit(value: float) -> float | None:
    return None if value == np.inf else float(value)


def _inf(model: Any, outputs: Outputs, x: FloatArray, low: FloatArray, high: FloatArray, budget: float | None) -> None:
    model.deviation = Var(bounds=(float(low.max()), budget))
    _band(model, outputs, [model.deviation] * len(x), x)
    model.objective = Objective(expr=model.deviation)


def _one(model: Any, outputs: Outputs, x: FloatArray, low: FloatArray, high: FloatArray, budget: float | None) -> None:
    model.deviation = Var(range(len(x)), bounds=lambda _, j: (float(low[j]), _limit(float(high[j]))))
    own = list(model.deviation.values())
    _band(model, outputs, own, x)
    total = linear([1.0] * len(x), own)
    if budget is not None:
        model.budget = Constraint(expr=(None, total, budget))
    model.objective = Objective(expr=total)


def _two(model: Any, outputs: Outputs, x: FloatArray, low: FloatArray, high: FloatArray, budget: float | None) -> None:
    model.difference = Var(
        range(len(x)), bounds=lambda _, j: (None if high[j] == np.inf else -float(high[j]), _limit(float(high[j])))
    )
    own = list(model.difference.values())
    model.definition = outputs.rows(np.arange(len(x)), -1.0, own, lower=x, upper=x)
    model.objective = Objective(expr=sum((r * r for r in own), 0.0))


_WRITERS: dict[Norm, Callable[[Any, Outputs, FloatArray, FloatArray, FloatArray, float | None], None]] = {
    "inf": _inf,
    1: _one,
    2: _two,
}

NEEDS: dict[Norm, frozenset[Capability]] = {"inf": frozenset(), 1: frozenset(), 2: frozenset({Capability.MIQP})}
"""What each norm's objective needs of a solver, besides what the encoding needs."""
