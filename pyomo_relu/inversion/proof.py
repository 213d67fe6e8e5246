"""Proof: from an incumbent to an optimum, by bounds from the observation and a MILP."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from pyomo_relu.bounds import Budget, Region, lagrangian_region, lp_region, observed_region
from pyomo_relu.box import Box
from pyomo_relu.certificate import BY_BOUNDS
from pyomo_relu.enclosure import enclose
from pyomo_relu.errors import InputError
from pyomo_relu.formulations import Encoding
from pyomo_relu.formulations.residual import NEEDS
from pyomo_relu.inversion.incumbent import Incumbent, with_room
from pyomo_relu.inversion.polish import polish
from pyomo_relu.inversion.program import build_program, read_code
from pyomo_relu.inversion.tangents import solve_by_tangents
from pyomo_relu.inversion.tube import last_within
from pyomo_relu.norms import Norm
from pyomo_relu.problem import Problem
from pyomo_relu.rounding import down
from pyomo_relu.solvers import ABS_GAP, BACKENDS, REL_GAP, Capability, Outcome, Solver, solve
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray

FIRST_SECONDS: dict[Norm, float] = {"inf": 20.0, 1: 2.0, 2: 2.0}
"""Seconds of the first search. Then bounds by LPs get twice as long, and the next search `GROWTH` times.

For p = inf, a search without the bounds of LPs has nearly always ended sooner than one with them."""

GROWTH = 4.0

MOST_SECONDS_OF_LPS = 60.0
"""For the first bounds by LPs, where p is 1 or 2 and most neurons are open; at most half of the time limit."""

MOST_SECONDS_OF_FITS = 60.0
"""For the bounds by fits that come before them."""

WORTHWHILE = 0.97
"""Bounds by LPs have gained something where they leave at most this share of the widths."""

SQUARES_RESOLVED = 1e-7
"""Ten times what a solver of squares lets pass: a bound on their sum that is nearer to zero says nothing."""

BIG_M_WARNING = 1e4
BIG_M_ERROR = 1e6


class BigMWarning(UserWarning):
    """Bounds so wide that a solver's integrality tolerance lets the network leak."""


@dataclass(frozen=True)
class Task:
    """What is to be proved: ``min ||G(z) - x||_p``, under an encoding, perhaps in a tube.

    Parameters
    ----------
    problem : Problem
    norm : "inf", 1 or 2
    encoding : Encoding
    tube : float
        The most that any single output may miss the observation by.
    """

    problem: Problem
    norm: Norm
    encoding: Encoding
    tube: float = math.inf

    def region(self, code: FloatArray, most: float, seconds: float = math.inf) -> Region | None:
        """Bound the codes with at most a residual; None proves that there are none.

        Parameters
        ----------
        code : array, shape (k,)
            A near code, where relaxations are to be tight.
        most : float
        seconds : float
            Most to spend, beyond the first bounds.

        Raises
        ------
        InputError
            Where the observation does not bound the code, and there is no box that does.
        """
        problem = self.problem
        box = Box.everything(problem.network.n_in) if problem.box is None else problem.box
        region = observed_region(problem.network, problem.x, box, most, self.norm, tube=self.tube)
        if region is None:
            return None
        if not region.is_bounded:
            raise InputError("the observation does not bound the code: give box=(lower, upper), such as box=(-3, 3)")
        budget = self._budget(code, most)
        return lagrangian_region(problem.network, region, budget, seconds=min(seconds, MOST_SECONDS_OF_FITS))

    def tightened(self, region: Region, code: FloatArray, most: float, seconds: float) -> Region | None:
        """Bound them by LPs; None proves that there are none."""
        return lp_region(self.problem.network, region, self._budget(code, most), seconds=seconds)

    def holding(self, code: FloatArray, most: float, seconds: float = 0.0, patience: float = math.inf) -> Region:
        """Bound the codes with at most a residual, by LPs too where there are seconds for it; `code` is one of them.

        It is one also where rounding hides what it misses. `patience` is the most to spend on what comes before LPs.
        """
        most = max(most, enclose(self.problem, code, self.norm).high)
        tube = self.tube if math.isinf(self.tube) else max(self.tube, enclose(self.problem, code, "inf").high)
        region = replace(self, tube=tube).region(code, most, patience)
        if region is not None and seconds > 0.0:
            region = self.tightened(region, code, most, seconds)
        assert region is not None, "a code lies in it"
        return region

    def _budget(self, code: FloatArray, most: float) -> Budget | None:
        """Return what the deviations may add up to, for p = 1 and 2."""
        if self.norm == "inf":
            return None
        problem = self.problem
        return Budget(problem.x, most, self.norm, np.abs(problem.network(code) - problem.x))

    def attempt(
        self,
        region: Region,
        incumbent: Incumbent | None,
        solver: Solver,
        most: float = math.inf,
        *,
        relaxed: bool = False,
    ) -> tuple[Outcome, Incumbent | None]:
        """Solve the program of a region; return what the solver said, and the best code and bound known then.

        Parameters
        ----------
        region : Region
            Of all codes with at most the residual `most`.
        incumbent : Incumbent or None
            In the tube, where there is one.
        solver : Solver
        most : float
            Where no code has at most this residual, the incumbent is the optimum.
        relaxed : bool
            Whether the program may be the relaxed one of :func:`~pyomo_relu.inversion.program.build_program`.
        """
        check_big_m(region)
        problem, best = self.problem, incumbent
        bound = 0.0 if best is None else best.bound
        right: Literal["relaxed", "in optima"] = "relaxed" if relaxed else "in optima"
        model = build_program(
            problem, region, self.encoding, self.norm, most, bound, tube=self.tube, outputs_right=right
        )
        needs = needs_of(self.encoding, self.norm, solver)
        lean = best is not None
        if self.norm == 2 and Capability.MIQP not in needs:
            code = (region.code.lower + region.code.upper) / 2.0 if best is None else best.code
            outcome = solve_by_tangents(model, problem.residual(code, 2), solver, needs, lean=lean)
        else:
            outcome = solve(model, solver, needs, lean=lean)
        if outcome.objective is not None and self.norm == "inf":
            # The model says what codes cost beyond the bound, and need not say it of those that meet it.
            outcome = replace(outcome, objective=max(outcome.objective, bound))
        # Only for p = inf is the known bound part of the program.
        by = outcome.solver if best is None or self.norm != "inf" else best.along_with(outcome.solver)
        room = SQUARES_RESOLVED * problem.scale**2 if Capability.MIQP in needs else 0.0
        if outcome.status in (Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED):
            if best is None or best.residual <= most:
                # Without an incumbent, it holds every code of a box, and there is no tube.
                said = f"{outcome.solver} calls a model infeasible in which a known code lies"
                return replace(outcome, status=Status.SOLVER_ERROR, bound=None, message=said), best
            least = most if room == 0.0 else math.sqrt(max(0.0, most**2 - room))
            said = f"no code is nearer than {down(least)}"
            return replace(outcome, status=Status.OPTIMAL, message=said), best.raised(least, by)
        if outcome.has_solution:
            code = read_code(model, region.code)
            if self._misses(code, outcome) or not self._in_tube(code):
                code = polish(problem, code, self.norm, tube=self.tube)
            if best is not None:
                # A solver's code may miss the tube by its tolerance.
                code = last_within(self._in_tube, best.code, code)
            best = Incumbent.better(best, code, problem.residual(code, self.norm), outcome.solver)
        proved = None if outcome.bound is None else root(outcome.bound - room, self.norm)
        if best is not None and proved is not None:
            # What the model does not hold is no nearer than `most`.
            best = best.raised(min(most, proved), by)
        return outcome, best

    def _in_tube(self, z: FloatArray) -> bool:
        return math.isinf(self.tube) or self.problem.residual(z, "inf") <= self.tube

    def _misses(self, z: FloatArray, outcome: Outcome) -> bool:
        """Whether z misses what the solver promised: binaries at 1e-7 for 0 let it report more than its code can do."""
        promised = root(outcome.objective, self.norm)
        return promised is None or self.problem.residual(z, self.norm) > promised + 1e-9 * self.problem.scale


def needs_of(encoding: Encoding, norm: Norm, solver: Solver) -> frozenset[Capability]:
    """Return what a program needs of its solver; squares become tangents where the solver takes none."""
    needs = encoding.needs | NEEDS[norm]
    takes_squares = solver.name is None or Capability.MIQP in BACKENDS[solver.name].supports
    return needs if takes_squares else needs - {Capability.MIQP}


def prove(task: Task, incumbent: Incumbent, solver: Solver, started: float) -> tuple[Outcome, Incumbent]:
    """Close the gap between an incumbent and its bound.

    A search that does not end soon is given up for bounds by LPs, and then tried again, for longer each time:
    which of the two is the better use of time is not known before.

    Parameters
    ----------
    task : Task
    incumbent : Incumbent
    solver : Solver
        Its time limit counts from `started`.
    started : float
        Of ``time.perf_counter``.
    """
    if incumbent.interrupted:
        return _interrupted(incumbent), incumbent
    rel_gap = REL_GAP if solver.rel_gap is None else solver.rel_gap
    if incumbent.is_optimal(rel_gap, ABS_GAP):
        return _without_search(incumbent, "no MILP was needed: the code meets the bound"), incumbent
    best, seconds = incumbent, FIRST_SECONDS[task.norm]
    # For p = inf, few outputs have to be on in a code that beats the incumbent: often there is none for their sake.
    relaxed = task.norm == "inf" and task.problem.network[-1].slope == 0.0
    try:
        most = best.to_beat(rel_gap, ABS_GAP)
        region = task.region(best.code, most, seconds_left(solver, started))
        # Where p is 1 or 2 and most neurons are open, no search ends soon.
        bounds_first, gains = task.norm != "inf" and region is not None and region.is_wide(task.problem.network), True
        while region is not None:
            left = seconds_left(solver, started)
            if bounds_first:
                bounds_first, patience = False, MOST_SECONDS_OF_LPS
            else:
                last = not gains or left <= seconds
                limit = left if last else seconds
                limited = replace(solver, time_limit=limit if math.isfinite(limit) else None)
                outcome, found = task.attempt(region, best, limited, most, relaxed=relaxed)
                assert found is not None
                nearer, best = found.residual < best.residual, found
                if outcome.status is Status.TIME_LIMIT and best.is_optimal(rel_gap, ABS_GAP):
                    return replace(outcome, status=Status.OPTIMAL, message=""), best
                left = seconds_left(solver, started)
                if outcome.status is Status.SOLVER_ERROR and most < best.residual and left > 1.0:
                    # The margin is below a solver's tolerance, and some contradict themselves there: once more, with
                    # the incumbent in the program.
                    most, relaxed = with_room(best.residual, task.problem.scale), False
                    region = task.holding(best.code, most, patience=left)
                    continue
                met = outcome.status is not Status.OPTIMAL or best.is_optimal(rel_gap, ABS_GAP)
                again = relaxed and not met and left > 1.0
                if not again and (last or outcome.status is not Status.TIME_LIMIT or left <= 1.0):
                    return outcome, best
                if nearer:
                    most = best.to_beat(rel_gap, ABS_GAP)
                    fresh = task.region(best.code, most, left)
                    region = None if fresh is None else region.meet(fresh)
                    if region is None:
                        break
                if again:
                    relaxed = False
                    continue
                patience, seconds = 2.0 * seconds, GROWTH * seconds
            tighter = task.tightened(region, best.code, most, min(patience, left / 2.0))
            gains = tighter is not None and tighter.width < WORTHWHILE * region.width
            region = tighter
        return _without_search(best, f"no code is nearer than {down(most)}: bounds cross"), best.raised(most, BY_BOUNDS)
    except KeyboardInterrupt:
        return _interrupted(best), best


def _without_search(best: Incumbent, said: str) -> Outcome:
    return Outcome(Status.OPTIMAL, True, None, None, 0.0, best.solver, said)


def _interrupted(best: Incumbent) -> Outcome:
    return Outcome(Status.INTERRUPTED, True, None, None, 0.0, best.solver, "interrupted")


def root(value: float | None, norm: Norm) -> float | None:
    """Return the norm that a solver's objective stands for: for p = 2 it is the square."""
    return value if value is None or norm != 2 else math.sqrt(max(0.0, value))


def seconds_left(solver: Solver, started: float) -> float:
    """Return the seconds that a time limit leaves, at least one."""
    if solver.time_limit is None:
        return math.inf
    return max(1.0, solver.time_limit - (time.perf_counter() - started))


def check_big_m(region: Region, *, refuse: bool = True, stacklevel: int = 6) -> None:
    """Warn of bounds above `BIG_M_WARNING`, refuse those above `BIG_M_ERROR`; `stacklevel` as in ``warnings.warn``."""
    largest = max(
        float(np.max(np.where((bound.lower < 0.0) & (bound.upper > 0.0), np.maximum(-bound.lower, bound.upper), 0.0)))
        for bound in region.pre_activations
    )
    if refuse and largest > BIG_M_ERROR:
        raise InputError(
            f"pre-activations reach {largest:.3g} in this box: above {BIG_M_ERROR:g} no MILP solver's answer "
            "can be trusted; give a smaller box"
        )
    if largest > BIG_M_WARNING:
        warnings.warn(
            f"pre-activations reach {largest:.3g} in this box; a smaller box is safer",
            BigMWarning,
            stacklevel=stacklevel,
        )
