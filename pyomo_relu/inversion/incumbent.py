"""Incumbents: the nearest code that can be found quickly, and what bounds it from below."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import scipy

from pyomo_relu.box import Box
from pyomo_relu.certificate import BY_NORM, BY_SIGN, SURE, sign_bound
from pyomo_relu.deadline import Deadline
from pyomo_relu.formulations import LayerLinf, LinearSolve
from pyomo_relu.inversion.descent import Descent
from pyomo_relu.inversion.layerwise import Layerwise
from pyomo_relu.inversion.penalty import led_into
from pyomo_relu.inversion.polishing import polish
from pyomo_relu.norms import Norm, NormName, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.solvers import Solver
from pyomo_relu.status import Status
from pyomo_relu.tolerance import REFUTED
from pyomo_relu.tube import Tube
from pyomo_relu.validation import FloatArray

TO_POLISH = 3
"""How many of the starts are polished: the rest have hardly ever won."""


@dataclass(frozen=True, eq=False)
class Incumbent:
    """A code, its residual, and a lower bound on every code's residual with who is trusted for it.

    Parameters
    ----------
    code : array, shape (k,)
    residual : float
    bound : float
    bound_by : str
    solver : str
        What found the code.
    interrupted : bool
        Whether the user broke off the search for a better one.
    """

    code: FloatArray
    residual: float
    bound: float
    bound_by: str
    solver: str
    interrupted: bool = False

    @staticmethod
    def better(known: Incumbent | None, code: FloatArray, residual: float, solver: str) -> Incumbent:
        """Return `known` or the new code, whichever is nearer; the bound stays."""
        if known is None:
            return Incumbent(code, residual, 0.0, BY_NORM, solver)
        return replace(known, code=code, residual=residual, solver=solver) if residual < known.residual else known

    def raised(self, bound: float, bound_by: str) -> Incumbent:
        """Return the incumbent with the higher one of its bound and another."""
        return replace(self, bound=bound, bound_by=bound_by) if bound > self.bound else self

    def along_with(self, solver: str) -> str:
        """Return who is trusted for what a solver says of a program in which the bound was used."""
        if self.bound_by in SURE:
            return solver
        return self.bound_by if self.bound_by.startswith(solver) else f"{solver}; {self.bound_by}"

    def to_beat(self, rel_gap: float, abs_gap: float) -> float:
        """Return the residual that a code must reach to matter: where none does, the incumbent is optimal."""
        return self.residual - max(abs_gap, rel_gap * self.residual) / 2.0

    def is_optimal(self, rel_gap: float, abs_gap: float) -> bool:
        """Whether the bound meets the residual."""
        return self.residual <= self.bound + max(abs_gap, rel_gap * self.residual)


def with_room(residual: float, scale: float) -> float:
    """Return a residual up to which a model is to hold its codes.

    Ten times a solver's feasibility tolerance above it: a thinner margin was cut off in presolve where the code lay
    in a corner of the box.
    """
    return residual * (1.0 + 1e-5) + 1e-5 * scale


def find_incumbent(
    problem: Problem, norm: Norm | NormName, solver: Solver, deadline: Deadline, *, starts: int, seed: int
) -> Incumbent:
    """Search by linear solves, layer-wise LPs and descent, polish, and stop where the lower bound is met.

    A keyboard interrupt ends the search; what was found by then is returned.

    Parameters
    ----------
    problem : Problem
    norm : Norm, or its name
    solver : Solver
        For the LPs.
    deadline : Deadline
        What is found by then is returned; the code next to 0, if nothing is.
    starts : int
        Starts of L-BFGS.
    seed : int
        Of those starts.
    """
    norm = as_norm(norm)
    sure = sign_bound(problem, norm)
    bound, bound_by = (0.0, BY_NORM) if sure is None else (sure, BY_SIGN)
    box = problem.box
    origin = box.clip(np.zeros(problem.network.n_in))
    best = Incumbent(origin, problem.residual(origin, norm), bound, bound_by, "none")

    def consider(code: FloatArray | None, finder: str) -> bool:
        """Keep the code if it is nearer; return whether the bound is met."""
        nonlocal best
        if code is not None:
            code = box.clip(code)
            best = Incumbent.better(best, code, problem.residual(code, norm), finder)
        if best.residual < best.bound - REFUTED * problem.scale:
            best = replace(best, bound=bound, bound_by=bound_by)  # a code that does better refutes the LP's bound
        return best.residual <= best.bound + 1e-9 * problem.scale

    def search() -> None:
        nonlocal best
        linear = Layerwise(LinearSolve()).run(
            replace(problem, box=Box.everything(problem.network.n_in)), solver.until(deadline)
        )
        if consider(linear.z, linear.solver) or deadline.expired:
            return
        layerwise = Layerwise(LayerLinf()).run(problem, solver.until(deadline))
        if layerwise.norm == norm.name and layerwise.dual_bound is not None and layerwise.dual_bound > bound:
            best = replace(best, bound=layerwise.dual_bound, bound_by=f"{layerwise.solver}, the LP of the last layer")
        if consider(layerwise.z, layerwise.solver):
            return
        if layerwise.status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        enough = best.bound + 1e-9 * problem.scale
        polisher = f"SciPy {scipy.__version__}"
        polished = polish(problem, best.code, norm, enough=enough, deadline=deadline)
        if consider(polished, polisher) or starts == 0 or deadline.expired:
            return
        nearest = Descent(starts=starts, seed=seed, norm=norm.descends_by).codes(problem, deadline)[:TO_POLISH]
        # For p = inf, some code may meet the bound: then it lies in the tube that the bound is.
        tubes = ((code, norm.tube(best.bound)) for code in nearest)
        led = (led_into(problem, code, Tube(tube), deadline) for code, tube in tubes if tube is not None)
        for code in chain(nearest, led):
            consider(code, polisher)
            if consider(polish(problem, code, norm, enough=enough, deadline=deadline), polisher):
                return

    try:
        search()
    except KeyboardInterrupt:
        return replace(best, interrupted=True)
    return best
