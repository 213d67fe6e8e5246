"""Incumbents: the nearest code that can be found quickly, and what bounds it from below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.certificate import sign_bound
from pyomo_relu.formulations import LayerLinf, LinearSolve
from pyomo_relu.inversion.descent import Descent
from pyomo_relu.inversion.layerwise import Layerwise
from pyomo_relu.inversion.polish import polish
from pyomo_relu.norms import Norm
from pyomo_relu.problem import Problem
from pyomo_relu.solvers import Solver
from pyomo_relu.validation import FloatArray

TO_POLISH = 3
"""How many of the starts are polished: the rest have hardly ever won."""


@dataclass(frozen=True, eq=False)
class Incumbent:
    """A code, its residual, and a lower bound on every code's residual with who is trusted for it."""

    code: FloatArray
    residual: float
    bound: float
    bound_by: str

    def cutoff(self, scale: float) -> float:
        """Return the residual by which the model is limited.

        Ten times a solver's feasibility tolerance above the incumbent's: a thinner margin was
        cut off in presolve where the incumbent lay in a corner of the box.
        """
        return self.residual * (1.0 + 1e-5) + 1e-5 * scale

    def is_optimal(self, rel_gap: float, abs_gap: float) -> bool:
        """Whether the bound meets the residual."""
        return self.residual <= self.bound + max(abs_gap, rel_gap * self.residual)


def find_incumbent(problem: Problem, norm: Norm, solver: Solver, *, starts: int, seed: int) -> Incumbent:
    """Search by linear solves, layer-wise LPs and descent, polish, and stop where the lower bound is met.

    Parameters
    ----------
    problem : Problem
    norm : "inf", 1 or 2
    solver : Solver
        For the LPs.
    starts : int
        Starts of L-BFGS.
    seed : int
    """
    sure = sign_bound(problem, norm)
    bound, bound_by = (0.0, "a norm is never negative") if sure is None else (sure, "a ReLU output is never negative")
    box = Box.everything(problem.network.n_in) if problem.box is None else problem.box
    best = box.clip(np.zeros(problem.network.n_in))
    value = problem.residual(best, norm)
    enough = bound + 1e-9 * problem.scale

    def consider(code: FloatArray | None) -> None:
        nonlocal best, value
        if code is not None:
            code = box.clip(code)
            reached = problem.residual(code, norm)
            if reached < value:
                best, value = code, reached

    unboxed = Problem(problem.network, problem.x, None)
    consider(Layerwise(LinearSolve()).run(unboxed, solver).z)
    if value > enough:
        layerwise = Layerwise(LayerLinf()).run(problem, solver)
        consider(layerwise.z)
        if norm == "inf" and layerwise.dual_bound is not None and layerwise.dual_bound > bound:
            bound, bound_by = layerwise.dual_bound, f"{layerwise.solver}, the LP of the last layer"
            enough = bound + 1e-9 * problem.scale
    if value > enough:
        consider(polish(problem, best, norm, enough=enough))
    if value > enough and starts > 0:
        for code in Descent(starts=starts, seed=seed).codes(problem)[:TO_POLISH]:
            consider(polish(problem, code, norm, enough=enough))
            if value <= enough:
                break
    return Incumbent(best, value, bound, bound_by)
