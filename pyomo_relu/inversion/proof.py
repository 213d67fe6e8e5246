"""Proof: from an incumbent to an optimum, by bounds from the observation and MILPs in turns."""

from __future__ import annotations

import math
from dataclasses import replace

from pyomo_relu.bounds import Region
from pyomo_relu.certificate import BY_BOUNDS
from pyomo_relu.deadline import Deadline
from pyomo_relu.inversion.incumbent import Incumbent, with_room
from pyomo_relu.inversion.task import Task, needs_of, wide_bounds
from pyomo_relu.rounding import down
from pyomo_relu.solvers import ABS_GAP, REL_GAP, Outcome, Solver
from pyomo_relu.status import Status
from pyomo_relu.tolerance import LP_ROUND_LEAVES

GROWTH = 4.0
"""Work of a search, against that of the one before. Work is its nodes, each times the rows and columns of the program:
not seconds, so that the same call does the same, however busy the machine is. What the first search may take is the
norm's `first_search`; then bounds by LPs are sought, with its `first_lps`, and so on in turns."""

WIDE_LPS = 2e10
"""Work of the first bounds by LPs, where they come before any search."""


def prove(task: Task, incumbent: Incumbent, solver: Solver, deadline: Deadline) -> tuple[Outcome, Incumbent]:
    """Close the gap between an incumbent and its bound.

    A search that does not end soon is given up for bounds by LPs, and then tried again, with more work each time:
    which of the two is the better use of it is not known before. LPs come first where most neurons are open and
    deviations add up, where bounds are too wide for a program, and where a solver's nodes cannot be limited: that one
    searches once. It ends where the incumbent meets the bound, where bounds leave no better code, where a search ends,
    or with the time.

    Parameters
    ----------
    task : Task
    incumbent : Incumbent
    solver : Solver
    deadline : Deadline
    """
    if incumbent.interrupted:
        return _ended(Status.INTERRUPTED, incumbent, "interrupted"), incumbent
    rel_gap = REL_GAP if solver.rel_gap is None else solver.rel_gap
    if incumbent.is_optimal(rel_gap, ABS_GAP):
        return _ended(Status.OPTIMAL, incumbent, "no MILP was needed: the code meets the bound"), incumbent
    proof = _Proof(task, incumbent, solver, deadline, rel_gap)
    try:
        outcome = proof.run()
    except KeyboardInterrupt:
        outcome = _ended(Status.INTERRUPTED, proof.best, "interrupted")
    return outcome, proof.best


class _Proof:
    """The best code so far, and the region of the codes that would beat it; None where there are none."""

    def __init__(self, task: Task, incumbent: Incumbent, solver: Solver, deadline: Deadline, rel_gap: float) -> None:
        self.task, self.solver, self.deadline, self.rel_gap = task, solver, deadline, rel_gap
        self.best = self.beaten = incumbent
        self.most = incumbent.to_beat(rel_gap, ABS_GAP)
        # For p = inf, few outputs have to be on in a code that beats the incumbent: often there is none for their sake.
        self.relaxed = task.norm.shared and bool(task.problem.network[-1].activation.cuts.any())
        self.gains = True

    def run(self) -> Outcome:
        """Search and tighten in turns, until nothing is left or the time is out."""
        search, lps = self.task.norm.first_search, self.task.norm.first_lps
        counts = self.solver.counts_nodes(needs_of(self.task.encoding, self.task.norm, self.solver))
        self.region = self.task.region(self.best.code, self.most, self.deadline)
        first = self._first_lps(self.region, counts)
        while self.region is not None:
            if not self.region.is_bounded or self.deadline.expired:
                return _ended(Status.TIME_LIMIT, self.best, "")
            if first > 0.0:
                self.tighten(self.region, first)
                first = 0.0
                continue
            last = not (self.gains and counts)
            outcome = self.search(self.region, math.inf if last else search)
            if outcome is not None and (last or outcome.status is not Status.LIMIT):
                return outcome
            self.renew(self.region)
            if outcome is not None and self.region is not None:
                self.tighten(self.region, lps)
                search, lps = GROWTH * search, GROWTH * lps
        self.best = self.best.raised(self.most, BY_BOUNDS)
        return _ended(Status.OPTIMAL, self.best, f"no code is nearer than {down(self.most)}: bounds cross")

    def _first_lps(self, region: Region | None, counts: bool) -> float:
        """Return the work of bounds by LPs before any search."""
        if region is None or not region.is_bounded:
            return 0.0
        if not self.task.norm.shared and region.is_wide(self.task.problem.network):
            return WIDE_LPS  # no search ends soon
        # Where bounds are too wide no search is begun, and one that cannot be limited is the last.
        return self.task.norm.first_lps if wide_bounds(self.task.in_program(region)) or not counts else 0.0

    def search(self, region: Region, work: float) -> Outcome | None:
        """Search a region; None where it is to be done again, with another program."""
        solver = self.solver.until(self.deadline)
        outcome, found = self.task.attempt(region, self.best, solver, self.most, relaxed=self.relaxed, work=work)
        assert found is not None
        self.best = found
        optimal = self.best.is_optimal(self.rel_gap, ABS_GAP)
        if outcome.status in (Status.TIME_LIMIT, Status.LIMIT) and optimal:
            return replace(outcome, status=Status.OPTIMAL, message="")
        if outcome.status is Status.SOLVER_ERROR and self.most < self.best.residual and not self.deadline.expired:
            # The margin is below a solver's tolerance, and some contradict themselves there: once more, with the
            # incumbent in the program.
            self.most, self.relaxed = with_room(self.best.residual, self.task.problem.scale), False
            self.beaten = self.best
            self.region = self.task.holding(self.best.code, self.most, deadline=self.deadline)
            return None
        if self.relaxed and outcome.status is Status.OPTIMAL and not optimal:
            self.relaxed = False
            return None
        return outcome

    def renew(self, region: Region) -> None:
        """Where a better code has turned up, leave those that would beat it."""
        if self.best.residual < self.beaten.residual:
            self.beaten, self.most = self.best, self.best.to_beat(self.rel_gap, ABS_GAP)
            fresh = self.task.region(self.best.code, self.most, self.deadline)
            self.region = None if fresh is None else region.intersect(fresh)

    def tighten(self, region: Region, work: float) -> None:
        """Bound the region by LPs."""
        self.region = self.task.tightened(region, self.best.code, self.most, work, self.deadline.share(0.5))
        self.gains = self.region is not None and self.region.width < LP_ROUND_LEAVES * region.width


def _ended(status: Status, best: Incumbent, said: str) -> Outcome:
    """Return how it ended where no solver was asked."""
    return Outcome(status, True, None, None, 0.0, best.solver, said)
