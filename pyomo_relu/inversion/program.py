"""The mixed-integer program of exact inversion, from its parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyomo.common.gc_manager import PauseGC
from pyomo.environ import ConcreteModel, Var

from pyomo_relu.bounds import Region, deviation_caps, layer_interval
from pyomo_relu.box import Box
from pyomo_relu.formulations import Encoding
from pyomo_relu.formulations.encoding import encode_layer, new_layer_blocks
from pyomo_relu.formulations.residual import add_residual_norm
from pyomo_relu.inversion.incumbent import Incumbent
from pyomo_relu.norms import Norm
from pyomo_relu.problem import Problem
from pyomo_relu.validation import FloatArray


def build_program(
    problem: Problem,
    region: Region,
    encoding: Encoding,
    norm: Norm,
    incumbent: Incumbent | None = None,
    *,
    tube: float = np.inf,
    extendable: bool = False,
) -> ConcreteModel:
    """Return ``min ||G(z) - x||`` over a region of codes, as a plain Pyomo model.

    Parameters
    ----------
    problem : Problem
    region : Region
        Bounds of the code and of the pre-activations.
    encoding : Encoding
        How "p or n is zero" is written.
    norm : "inf", 1 or 2
    incumbent : Incumbent, optional
        Its residual limits the deviations in the model, and the lower bound known with it
        tells which outputs can only be missed from above.
    tube : float
        The most that any single output may deviate.
    extendable : bool
        Whether every output is to be right in every feasible point, not only in optimal ones, so
        that constraints on outputs may be added.
    """
    least = least_deviations(problem, norm, incumbent)
    lower, upper = region.code.lower.tolist(), region.code.upper.tolist()
    model = ConcreteModel()
    with PauseGC():
        model.z = Var(range(problem.network.n_in), bounds=lambda _, i: (lower[i], upper[i]))
        new_layer_blocks(model, len(problem.network))
        outputs: list[Any] = list(model.z.values())
        inputs = region.code
        for i, layer in enumerate(problem.network):
            bounds = region.pre_activations[i]
            # The lower side |y - x| >= x - y says nothing where x is below what y misses it by anyway.
            last = i == len(problem.network) - 1
            one_sided = problem.x <= least if last and not extendable else None
            outputs = encode_layer(
                model.layer[i + 1],
                layer,
                outputs,
                bounds,
                encoding,
                implied=layer_interval(layer, inputs),
                one_sided=one_sided,
            )
            inputs = Box(layer.activate(bounds.lower), layer.activate(bounds.upper))
        budget = None if incumbent is None else incumbent.cutoff(problem.scale)
        caps = deviation_caps(problem.network[-1], problem.x, np.inf if budget is None else budget, norm, tube)
        if norm == "inf" and np.isfinite(caps).all():
            budget = float(caps.max())
        add_residual_norm(model, outputs, problem.x, norm, least=least, most=caps, budget=budget)
    return model


def least_deviations(problem: Problem, norm: Norm, incumbent: Incumbent | None) -> FloatArray:
    """Return what each output misses `x` by at least, shape (n,); for p = inf, what the norm is at least."""
    least = np.zeros(problem.x.size)
    if problem.network[-1].slope == 0.0:
        least = np.maximum(-problem.x, 0.0)
    if norm == "inf":
        bound = 0.0 if incumbent is None else incumbent.bound
        least = np.full(problem.x.size, max(float(least.max()), bound))
    return least


def read_code(model: ConcreteModel, box: Box) -> FloatArray:
    """Read the code from a solved model, moved into the box where the solver's tolerance left it."""
    values = [0.0 if variable.value is None else float(variable.value) for variable in model.z.values()]
    return box.clip(np.array(values))
