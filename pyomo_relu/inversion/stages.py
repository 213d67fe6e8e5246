"""The stages of an exact inversion: a search for a near code, the proof, and what may be said then."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace

from pyomo_relu.bounds import Region
from pyomo_relu.certificate import Verdict, certify
from pyomo_relu.deadline import Deadline
from pyomo_relu.inversion.incumbent import Incumbent, find_incumbent
from pyomo_relu.inversion.proof import prove
from pyomo_relu.inversion.task import Task
from pyomo_relu.norms import Norm, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.solvers import ABS_GAP, REL_GAP, Outcome, Solver
from pyomo_relu.status import Status
from pyomo_relu.tolerance import MET
from pyomo_relu.tube import Tube

FOR_INCUMBENTS = 0.5
"""The part of what a time limit leaves that a search for an incumbent may take."""

CLOSED = 1e-3
"""A verified gap above this, relative to the residual, is not an optimum, whatever rel_gap the solver was given."""


@dataclass(frozen=True)
class Stages:
    """One exact inversion: its task, the solver of its proof, and when it has to end.

    Parameters
    ----------
    task : Task
    solver : Solver
        Of the proof.
    deadline : Deadline
    starts, seed : int
        Of L-BFGS in the search.
    started : float
        When the inversion began, by ``time.perf_counter``.
    """

    task: Task
    solver: Solver
    deadline: Deadline
    starts: int
    seed: int
    started: float = field(default_factory=time.perf_counter)

    def for_norm(self, norm: Norm, *, tube: Tube) -> Stages:
        """Return the same inversion for another norm, in another tube."""
        return replace(self, task=replace(self.task, norm=norm, tube=tube))

    @property
    def outside(self) -> Stages:
        """The inversion whose optimum of p = inf tells whether there is a code in the tube.

        It has the tube of the outputs that must be met, and where that is the whole tube, it is about these alone.
        """
        task = self.task
        hard = task.problem.of_hard if math.isinf(task.tube.most) else None
        if hard is not None:
            task = replace(task, problem=hard)
        return replace(self, task=replace(task, norm=as_norm("inf"), tube=task.problem.tube()))

    @property
    def reach(self) -> float:
        """The optimum of :attr:`outside` up to which there is a code in the tube."""
        tube = self.task.tube
        return tube.held / self.task.problem.hard_unit if math.isinf(tube.most) else tube.most

    def search(self) -> Incumbent:
        """Find a near code."""
        task, deadline = self.task, self.deadline.share(FOR_INCUMBENTS)
        return find_incumbent(
            task.problem, task.norm, for_search(self.solver), deadline, starts=self.starts, seed=self.seed
        )

    def proved(self, incumbent: Incumbent) -> Result:
        """Prove that the incumbent is optimal, or find what is better."""
        return self._concluded(*prove(self.task, incumbent, self.solver, self.deadline))

    def searched(self, region: Region) -> Result:
        """Solve the program of a region that holds every code of the box, without an incumbent."""
        return self._concluded(*self.task.attempt(region, None, self.solver.until(self.deadline)))

    def _concluded(self, outcome: Outcome, best: Incumbent | None) -> Result:
        """Say what is verified, and what is trusted."""
        task = self.task
        code = None if best is None else best.code
        bound, by = (outcome.bound, outcome.solver) if best is None else (best.bound, best.bound_by)
        if best is None and bound is not None:
            bound = task.norm.residual_of(bound)
        scope = task.problem.scope(task.tube)
        verdict = certify(task.problem, code, task.norm, bound, by, scope, self.deadline)
        status, message = judged(outcome, verdict, task.problem)
        return Result.of(verdict, status, outcome.solver, self.started, objective=outcome.objective, message=message)


def for_search(solver: Solver) -> Solver:
    """Return the solver of the search's LPs, whoever is to prove the optimum."""
    return Solver("highs", time_limit=solver.time_limit, threads=solver.threads)


def judged(outcome: Outcome, verdict: Verdict, problem: Problem) -> tuple[Status, str]:
    """Return the status that the verified residual and the bound below it allow.

    A gap that is closed is an optimum, also where a limit came first; one that is open is none,
    whatever the solver said; a bound that a forward pass refutes is the solver's error.
    """
    if verdict.refuted is not None:
        return Status.SOLVER_ERROR, said_of_refuted(verdict)
    if verdict.residual is not None and verdict.dual_bound is None and outcome.status is Status.OPTIMAL:
        return Status.SOLVED, "rounding of the network's outputs hides more than solvers let pass: no bound is believed"
    if verdict.residual is None or verdict.dual_bound is None:
        return outcome.status, outcome.message
    gap, norm = verdict.residual - verdict.dual_bound, as_norm(verdict.norm)
    closed = max(norm.of_one(ABS_GAP), REL_GAP * verdict.residual)
    if outcome.status in (Status.TIME_LIMIT, Status.LIMIT) and gap <= closed:
        return Status.OPTIMAL, ""
    room = norm.of_one(10.0 * MET * problem.scale)
    if outcome.status is Status.OPTIMAL and gap > max(room, CLOSED * verdict.residual):
        return Status.SOLVED, "the solver calls it optimal, but the code that it gave leaves a gap"
    return outcome.status, outcome.message


def said_of_refuted(verdict: Verdict) -> str:
    """Return what is wrong with a bound that a code refutes."""
    return f"the bound {verdict.refuted:.9g} is above a verified residual"
