"""The objective of exact inversion: the p-norm of ``y - x``, for p in {inf, 1, 2}."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pyomo.environ import Constraint, Objective, Var

from pyomo_relu.formulations.rows import dense_rows, linear
from pyomo_relu.norms import Norm
from pyomo_relu.solvers import Capability
from pyomo_relu.validation import FloatArray


def add_residual_norm(
    model: Any,
    outputs: Sequence[Any],
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
    outputs : sequence of variable or None, length n
        The network's outputs y; None is zero.
    x : array, shape (n,)
    norm : "inf", 1 or 2
    least, most : array, shape (n,), optional
        Bounds of the single deviations ``|y_j - x_j|``.
    budget : float, optional
        Bound of the norm.
    squares : expression, optional
        For p = 2: what outputs that are not listed add to the sum.
    """
    terms = [((), ()) if y is None else ((1.0,), (y,)) for y in outputs]
    low = np.zeros(len(x)) if least is None else least
    high = np.full(len(x), np.inf) if most is None else most
    _WRITERS[norm](model, terms, x, low, high, budget)
    if squares is not None:
        model.objective.expr = model.objective.expr + squares


Terms = Sequence[tuple[Sequence[float], Sequence[Any]]]


def _with(terms: Terms, coefficient: float, variables: Sequence[Any]) -> Terms:
    return [((*c, coefficient), (*v, extra)) for (c, v), extra in zip(terms, variables, strict=True)]


def _band(model: Any, terms: Terms, deviations: Sequence[Any], x: FloatArray) -> None:
    """``|y_j - x_j| <= e_j``, two rows."""
    rows, none = range(len(x)), np.zeros((len(x), 0))
    model.above = dense_rows(rows, none, [], extra=_with(terms, -1.0, deviations), upper=x)
    model.below = dense_rows(rows, none, [], extra=_with(terms, 1.0, deviations), lower=x)


def _limit(value: float) -> float | None:
    return None if value == np.inf else float(value)


def _inf(model: Any, terms: Terms, x: FloatArray, low: FloatArray, high: FloatArray, budget: float | None) -> None:
    model.deviation = Var(bounds=(float(low.max()), budget))
    _band(model, terms, [model.deviation] * len(x), x)
    model.objective = Objective(expr=model.deviation)


def _one(model: Any, terms: Terms, x: FloatArray, low: FloatArray, high: FloatArray, budget: float | None) -> None:
    model.deviation = Var(range(len(x)), bounds=lambda _, j: (float(low[j]), _limit(float(high[j]))))
    own = list(model.deviation.values())
    _band(model, terms, own, x)
    total = linear([1.0] * len(x), own)
    if budget is not None:
        model.budget = Constraint(expr=(None, total, budget))
    model.objective = Objective(expr=linear([1.0] * len(x), own))


def _two(model: Any, terms: Terms, x: FloatArray, low: FloatArray, high: FloatArray, budget: float | None) -> None:
    model.difference = Var(
        range(len(x)), bounds=lambda _, j: (None if high[j] == np.inf else -float(high[j]), _limit(float(high[j])))
    )
    own = list(model.difference.values())
    none = np.zeros((len(x), 0))
    model.definition = dense_rows(range(len(x)), none, [], extra=_with(terms, -1.0, own), lower=x, upper=x)
    model.objective = Objective(expr=sum((r * r for r in own), 0.0))


_WRITERS: dict[Norm, Callable[[Any, Terms, FloatArray, FloatArray, FloatArray, float | None], None]] = {
    "inf": _inf,
    1: _one,
    2: _two,
}

NEEDS: dict[Norm, frozenset[Capability]] = {"inf": frozenset(), 1: frozenset(), 2: frozenset({Capability.MIQP})}
"""What each norm's objective needs of a solver, besides what the encoding needs."""
