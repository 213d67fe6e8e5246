"""Hybrid: layer by layer, then polish, then descent: the search for an incumbent, as a method of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pyomo_relu.certificate import certify
from pyomo_relu.deadline import Deadline
from pyomo_relu.inversion.incumbent import find_incumbent
from pyomo_relu.norms import NormName, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.scaling import rescaled
from pyomo_relu.solvers import ABS_GAP, REL_GAP, Solver
from pyomo_relu.solvers.calls import LP, Call
from pyomo_relu.status import Status
from pyomo_relu.validation import as_count


@dataclass(frozen=True)
class Hybrid:
    """Seek a near code by linear solves, layer-wise LPs, L-BFGS and polish; a proof only where a simple bound is met.

    It is how :class:`Exact` begins, and costs seconds where the proof may cost minutes.

    Parameters
    ----------
    norm : "inf", 1, 2 or "huber:<delta>"
        Of the residual.
    starts : int
        Starts of L-BFGS.
    seed : int
        Of those starts.

    Raises
    ------
    InputError
        If the norm is none of these, or `starts` or `seed` is not an integer of at least 0.

    References
    ----------
    The paper names the combination of both ways as future work; this form is the project's own.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.random((2, 10, 30), seed=0)
    >>> pr.invert(net, net([0.5, -1.0]), pr.Hybrid()).realizable
    True
    """

    norm: NormName = 2
    starts: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "norm", as_norm(self.norm).name)
        object.__setattr__(self, "starts", as_count(self.starts, "starts", 0))
        object.__setattr__(self, "seed", as_count(self.seed, "seed", 0))

    def solver_calls(self, solver: Solver) -> tuple[Call, ...]:
        """Return what it hands to solvers; see :func:`pyomo_relu.solvers.solver_calls`."""
        return (Call(solver, LP),)

    def run(self, problem: Problem, solver: Solver) -> Result:
        """Invert; see :func:`pyomo_relu.invert`."""
        started, deadline = time.perf_counter(), Deadline.after(solver.time_limit)
        problem = rescaled(problem)
        best = find_incumbent(problem, self.norm, solver, deadline, starts=self.starts, seed=self.seed)
        verdict = certify(problem, best.code, self.norm, best.bound, best.bound_by, problem.scope(), deadline)
        gap = REL_GAP if solver.rel_gap is None else solver.rel_gap
        ended = Status.TIME_LIMIT if deadline.expired else Status.SOLVED
        ended = Status.OPTIMAL if verdict.closes(gap, ABS_GAP) else ended
        status = Status.INTERRUPTED if best.interrupted else ended
        return Result.of(verdict, status, best.solver, started, objective=verdict.objective)
