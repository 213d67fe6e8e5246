"""The objective of exact inversion: the p-norm of ``A y - x``, for p in {inf, 1, 2}."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pyomo.environ import Objective, Var

from pyomo_relu.formulations.rows import dense_rows, linear
from pyomo_relu.norms import Norm
from pyomo_relu.solvers import Capability
from pyomo_relu.validation import FloatArray


def add_residual_norm(
    model: Any, outputs: Sequence[Any], x: FloatArray, matrix: FloatArray | None, norm: Norm
) -> None:
    """Minimise ``||A y - x||`` in `model`; for p = 2, its square.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
    outputs : sequence of variable or None, length n
        The network's outputs y; None is zero.
    x : array, shape (m,)
    matrix : array, shape (m, n), or None
        The operator A; None is the identity.
    norm : "inf", 1 or 2
    """
    live = [j for j, variable in enumerate(outputs) if variable is not None]
    variables = [outputs[j] for j in live]
    if matrix is None:
        sparse = [((), ()) if y is None else ((1.0,), (y,)) for y in outputs]
        _WRITERS[norm](model, sparse, np.zeros((len(x), 0)), [], x)
    else:
        _WRITERS[norm](model, [((), ())] * len(x), matrix[:, live], variables, x)


Terms = Sequence[tuple[Sequence[float], Sequence[Any]]]


def _with(terms: Terms, coefficient: float, variables: Sequence[Any]) -> Terms:
    return [((*c, coefficient), (*v, extra)) for (c, v), extra in zip(terms, variables, strict=True)]


def _inf(model: Any, terms: Terms, matrix: FloatArray, variables: list[Any], x: FloatArray) -> None:
    rows = range(len(x))
    model.deviation = Var(bounds=(0.0, None))
    shared = [model.deviation] * len(x)
    model.above = dense_rows(rows, matrix, variables, extra=_with(terms, -1.0, shared), upper=x)
    model.below = dense_rows(rows, matrix, variables, extra=_with(terms, 1.0, shared), lower=x)
    model.objective = Objective(expr=model.deviation)


def _one(model: Any, terms: Terms, matrix: FloatArray, variables: list[Any], x: FloatArray) -> None:
    rows = range(len(x))
    model.deviation = Var(rows, bounds=(0.0, None))
    own = list(model.deviation.values())
    model.above = dense_rows(rows, matrix, variables, extra=_with(terms, -1.0, own), upper=x)
    model.below = dense_rows(rows, matrix, variables, extra=_with(terms, 1.0, own), lower=x)
    model.objective = Objective(expr=linear([1.0] * len(x), own))


def _two(model: Any, terms: Terms, matrix: FloatArray, variables: list[Any], x: FloatArray) -> None:
    rows = range(len(x))
    model.difference = Var(rows)
    own = list(model.difference.values())
    model.definition = dense_rows(rows, matrix, variables, extra=_with(terms, -1.0, own), lower=x, upper=x)
    model.objective = Objective(expr=sum(r * r for r in own))


_WRITERS: dict[Norm, Callable[[Any, Terms, FloatArray, list[Any], FloatArray], None]] = {
    "inf": _inf,
    1: _one,
    2: _two,
}

NEEDS: dict[Norm, frozenset[Capability]] = {"inf": frozenset(), 1: frozenset(), 2: frozenset({Capability.MIQP})}
"""What each norm's objective needs of a solver, besides what the encoding needs."""
