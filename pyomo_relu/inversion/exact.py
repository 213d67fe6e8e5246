"""Exact inversion: one mixed-integer program over the whole network."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass, replace
from typing import Any

from pyomo.environ import ConcreteModel

from pyomo_relu.bounds import FORWARD, Region
from pyomo_relu.bounds.crown import crown_flops
from pyomo_relu.certificate import Certificate, Claim, Standing, Verdict, certify
from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.enclosure import is_within
from pyomo_relu.errors import InputError
from pyomo_relu.formulations import ENCODINGS
from pyomo_relu.inversion.in_tube import incumbent_in_tube
from pyomo_relu.inversion.incumbent import Incumbent, find_incumbent, with_room
from pyomo_relu.inversion.program import build_program
from pyomo_relu.inversion.proof import BigMWarning, Task, needs_of, prove, wide_bounds
from pyomo_relu.network import Network
from pyomo_relu.norms import NormName, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.rounding import down
from pyomo_relu.scaling import rescaled
from pyomo_relu.solvers import ABS_GAP, REL_GAP, Capability, Outcome, Solver
from pyomo_relu.solvers.calls import LP, Call
from pyomo_relu.status import Status
from pyomo_relu.tolerance import MET, REFUTED
from pyomo_relu.validation import as_count, as_number

FOR_INCUMBENTS = 0.5
"""The part of what a time limit leaves that the search for an incumbent may take."""

CLOSED = 1e-3
"""A verified gap above this, relative to the residual, is not an optimum, whatever rel_gap the solver was given."""


@dataclass(frozen=True)
class Exact:
    """Minimise ``||A G(z) - x||_p`` (M2), with a proof by a MILP solver.

    First an incumbent is sought (linear solves, layer-wise LPs, L-BFGS, polish); its
    residual U bounds the outputs, and through them the hidden layers and the code; what
    is left to decide is a MILP over the neurons whose sign is still open. Where the
    incumbent meets a lower bound already, no MILP is solved.

    Parameters
    ----------
    norm : "inf", 1, 2 or "huber"
        p = inf and 1 are MILPs; p = 2 is a MIQP (SCIP, Gurobi, CPLEX, Xpress, MOSEK), and for solvers
        that take no squares a sequence of MILPs. So is :class:`pyomo_relu.Huber`, also written ``"huber:0.5"``.
    encoding : str
        How an open neuron is written: ``"big-m"``, ``"sos1"`` or ``"indicator"``.
    bounds : str
        ``"observed"``: from the incumbent's residual backwards. ``"interval"`` or ``"crown"``:
        from the box forwards only, without an incumbent; the plain program.
    tube : float, optional
        For sums (p = 1, 2, Huber): no single output may miss the observation by more than this (M12). The right
        estimator for noise that is bounded, and the bound makes the program small.
    then : 1, 2 or "huber", optional
        For p = inf: of all codes that reach the optimum, return the one that is nearest in this
        norm. The set of optimal codes is large, and least squares recovers the code better.
    starts : int
        Starts of L-BFGS in the search for an incumbent.
    seed : int
        Of those starts.

    Raises
    ------
    InputError
        If the norm, encoding or bounds are unknown, the encoding is only a relaxation, or a number is out of range.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> result = pr.invert(net, [-0.5], pr.Exact(norm="inf"), box=(-3, 3))
    >>> result.status.value, round(result.residual, 6), result.realizable
    ('optimal', 0.5, False)
    """

    norm: NormName = "inf"
    encoding: str = "big-m"
    bounds: str = "observed"
    tube: float | None = None
    then: NormName | None = None
    starts: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "norm", as_norm(self.norm).name)
        exact = ", ".join(name for name, encoding in ENCODINGS.items() if encoding.exact)
        if self.encoding not in ENCODINGS:
            raise InputError(f"unknown encoding {self.encoding!r}; known: {exact}")
        if not ENCODINGS[self.encoding].exact:
            raise InputError(f"encoding {self.encoding!r} is only a relaxation; exact: {exact}")
        if self.bounds not in ("observed", *FORWARD):
            raise InputError(f"unknown bounds {self.bounds!r}; known: observed, {', '.join(FORWARD)}")
        if self.tube is not None:
            if self.norm == "inf" or self.bounds != "observed":
                raise InputError(
                    "goes with norm 1, 2 or huber and observed bounds: for norm inf it is the norm itself",
                    parameter="tube",
                )
            as_number(self.tube, "tube", positive=True)
        if self.then is not None:
            object.__setattr__(self, "then", as_norm(self.then, "then").name)
            if self.norm != "inf" or self.then == "inf" or self.bounds != "observed":
                raise InputError("must be 1, 2 or huber, and goes with norm inf and observed bounds", parameter="then")
        object.__setattr__(self, "starts", as_count(self.starts, "starts", 0))
        object.__setattr__(self, "seed", as_count(self.seed, "seed", 0))

    def _needs(self, solver: Solver) -> frozenset[Capability]:
        return needs_of(ENCODINGS[self.encoding], self.norm if self.then is None else self.then, solver)

    def solver_calls(self, solver: Solver) -> tuple[Call, ...]:
        """Return what it hands to solvers; see :func:`pyomo_relu.solvers.solver_calls`."""
        proof = Call(solver, self._needs(solver))
        return (Call(_searching(solver), LP), proof) if self.bounds == "observed" else (proof,)

    def model(
        self,
        net: Network,
        x: Any,
        *,
        operator: Any = None,
        mask: Any = None,
        weights: Any = None,
        box: Any = None,
    ) -> ConcreteModel:
        """Return the whole program as a plain Pyomo model, yours to extend.

        Its parts: ``z`` the code; ``layer[i]``, i from 1; ``deviation`` (p = 2: ``difference``; Huber: also
        ``excess``) and ``objective``.
        In a layer, ``positive`` and ``negative`` are those of the neurons that can have both signs (M10), with a
        binary ``on`` for big-M. What a neuron passes on is ``output``; for a ReLU that can have both signs it is
        ``positive``, and one that is always off has no variable. Names of your own must be new ones: a part
        that has the name of another is refused. (Inside ``layer[i]`` Pyomo replaces it, with a warning.)

        With a box, the model holds every code in it: its bounds come from the box alone, so that
        constraints may be added. Without one, it holds the codes that are at least as near as the
        best one found (with a tube: in it), which is what bounds it.

        `tube` limits every deviation; `then` is a second program, after the optimum of the first, and is refused.

        Parameters
        ----------
        net, x, operator, mask, weights, box
            As for :func:`pyomo_relu.invert`.

        Returns
        -------
        pyomo.environ.ConcreteModel

        Raises
        ------
        InputError, ShapeError
            As :func:`pyomo_relu.invert`; if there is a `then`, or there is no box, and no code is found in the tube.

        Examples
        --------
        >>> import pyomo_relu as pr
        >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
        >>> model = pr.Exact(norm=1).model(net, [2.0], box=(-3, 3))
        >>> [part.name for part in model.component_objects(descend_into=False)]
        ['z', 'layer', 'deviation', 'above', 'below', 'objective']
        """
        if self.then is not None:
            raise InputError(
                f"then={self.then} has no model: take Exact(norm={self.then!r}, tube=r) with the optimum r of p = inf"
            )
        problem = Problem.of(net, x, operator=operator, mask=mask, weights=weights, box=box)
        task = self._task(problem)
        if not problem.box.is_everything:
            region, most, bound = self._forward(problem), math.inf, 0.0
        else:
            incumbent = (
                self._incumbent(problem, Solver(), NO_LIMIT) if self.tube is None else self._found_in_tube(problem)
            )
            most, bound = with_room(incumbent.residual, problem.scale), incumbent.bound
            region = task.holding(incumbent.code, most)
        region = region.in_unit(1.0 / problem.weights)
        wide = wide_bounds(region, stacklevel=3)
        if wide:
            warnings.warn(wide, BigMWarning, stacklevel=2)
        return build_program(
            problem.scaled, region, task.encoding, self.norm, most, bound, tube=task.tube, outputs_right="always"
        )

    def run(self, problem: Problem, solver: Solver) -> Result:
        """Invert; see :func:`pyomo_relu.invert`.

        The search for an incumbent gets at most half of a time limit, and the proof the rest.
        """
        started, deadline = time.perf_counter(), Deadline.after(solver.time_limit)
        solver.backend(self._needs(solver))
        problem = rescaled(problem)
        if self.then is not None:
            return self._run_then(problem, solver, deadline, started)
        if self.tube is not None:
            return self._run_in_tube(problem, solver, deadline, started)
        if self.bounds != "observed":
            outcome, best = self._task(problem).attempt(self._forward(problem, deadline), None, solver.until(deadline))
        else:
            incumbent = self._incumbent(problem, solver, deadline.share(FOR_INCUMBENTS))
            outcome, best = prove(self._task(problem), incumbent, solver, deadline)
        return self._result(problem, outcome, best, started, deadline)

    def _run_in_tube(
        self, problem: Problem, solver: Solver, deadline: Deadline, started: float, inside: Incumbent | None = None
    ) -> Result:
        """Minimise the p-norm over the tube; first a code inside is sought, or the proof that there is none."""
        assert self.tube is not None
        plain = replace(self, norm="inf", tube=None)
        if inside is None:
            inside = plain._incumbent(problem, solver, deadline.share(FOR_INCUMBENTS))
        if not is_within(problem, inside.code, self.tube):
            nearest = plain._result(problem, *prove(plain._task(problem), inside, solver, deadline), started, deadline)
            if nearest.z is None or nearest.residual is None or not is_within(problem, nearest.z, self.tube):
                room = REFUTED * problem.scale
                empty = nearest.dual_bound is not None and nearest.dual_bound > self.tube + room
                # An optimum of p = inf is one up to a gap, and the tube may lie in it.
                undecided = Status.LIMIT if nearest.status.ok else nearest.status
                verdict = certify(problem, None, "inf", nearest.dual_bound, nearest.bound_by, problem.scope())
                least = "" if nearest.dual_bound is None else f": {problem.said}_inf is at least {nearest.dual_bound}"
                return replace(
                    nearest,
                    z=None,
                    status=Status.INFEASIBLE if empty else undecided,
                    norm=self.norm,
                    residual=None,
                    objective=None,
                    dual_bound=None,
                    bound_by="",
                    realizable=verdict.realizable,
                    certificate=verdict.certificate,
                    message=f"no code was found in the tube{least}",
                )
            inside = replace(inside, code=nearest.z, residual=nearest.residual)
        start = self._led_into_tube(problem, inside, deadline.share(FOR_INCUMBENTS))
        outcome, best = prove(self._task(problem), start, solver, deadline)
        return self._result(problem, outcome, best, started, deadline)

    def _found_near(self, problem: Problem) -> Incumbent:
        """Return a near code, by a search without a MILP."""
        return self._incumbent(problem, Solver(), NO_LIMIT)

    def _found_in_tube(self, problem: Problem) -> Incumbent:
        """Return a near code of the tube, by a search without a MILP."""
        assert self.tube is not None
        inside = replace(self, norm="inf", tube=None)._found_near(problem)
        if not is_within(problem, inside.code, self.tube):
            raise InputError(f"is needed: no code was found in the tube of {self.tube:g}", parameter="box")
        return self._led_into_tube(problem, inside, NO_LIMIT)

    def _led_into_tube(self, problem: Problem, inside: Incumbent, deadline: Deadline) -> Incumbent:
        assert self.tube is not None
        return incumbent_in_tube(problem, inside, self.tube, self.norm, deadline, starts=self.starts, seed=self.seed)

    def _run_then(self, problem: Problem, solver: Solver, deadline: Deadline, started: float) -> Result:
        """Among the codes that reach the optimum of p = inf, find the nearest in the second norm."""
        assert self.then is not None
        first = replace(self, then=None).run(problem, solver.until(deadline))
        if first.z is None or first.residual is None or not first.status.ok:
            return first
        tube = first.residual * (1.0 + 1e-6) + 1e-9 * problem.scale
        inside = Incumbent(first.z, first.residual, 0.0, "", first.solver)
        in_tube = replace(self, norm=self.then, then=None, tube=tube)
        second = in_tube._run_in_tube(problem, solver, deadline, started, inside)
        if second.z is None or second.residual is None or second.status is Status.SOLVER_ERROR:
            return replace(first, message=f"the second norm was not settled: {second.message or second.status}")
        verdict = certify(problem, second.z, "inf", first.dual_bound, first.bound_by, problem.scope(), deadline)
        if verdict.refuted is not None:
            return replace(first, status=Status.SOLVER_ERROR, message=_refuted(verdict))
        least = "" if second.dual_bound is None else f", at least {down(second.dual_bound)}"
        chosen = Claim(
            f"among the codes within {tube:.9g}, {problem.said}_{self.then} = {second.residual:.9g}{least}",
            Standing.TRUSTED,
            f"{second.solver}, status {second.status}",
            second.residual,
        )
        verdict = replace(verdict, certificate=Certificate((*verdict.certificate.claims, chosen)))
        return Result.of(
            verdict, second.status, second.solver, started, objective=second.objective, message=second.message
        )

    def _task(self, problem: Problem) -> Task:
        return Task(problem, as_norm(self.norm), ENCODINGS[self.encoding], math.inf if self.tube is None else self.tube)

    def _incumbent(self, problem: Problem, solver: Solver, deadline: Deadline) -> Incumbent:
        return find_incumbent(problem, self.norm, _searching(solver), deadline, starts=self.starts, seed=self.seed)

    def _forward(self, problem: Problem, deadline: Deadline = NO_LIMIT) -> Region:
        if not problem.box.is_bounded:
            raise InputError(f"must be given, and bounded, for {self.bounds} bounds", parameter="box")
        name = "crown" if self.bounds == "observed" else self.bounds
        if not deadline.affords(crown_flops(problem.network)):
            name = "interval"
        return Region(problem.box, FORWARD[name](problem.network, problem.box))

    def _result(
        self, problem: Problem, outcome: Outcome, best: Incumbent | None, started: float, deadline: Deadline
    ) -> Result:
        code = None if best is None else best.code
        bound, by = (outcome.bound, outcome.solver) if best is None else (best.bound, best.bound_by)
        if best is None and bound is not None:
            bound = as_norm(self.norm).residual_of(bound)
        verdict = certify(problem, code, self.norm, bound, by, problem.scope(self.tube), deadline)
        status, message = judged(outcome, verdict, problem)
        return Result.of(verdict, status, outcome.solver, started, objective=outcome.objective, message=message)


def _searching(solver: Solver) -> Solver:
    """Return the solver of the search's LPs, whoever is to prove the optimum."""
    return Solver("highs", time_limit=solver.time_limit, threads=solver.threads)


def judged(outcome: Outcome, verdict: Verdict, problem: Problem) -> tuple[Status, str]:
    """Return the status that the verified residual and the bound below it allow.

    A gap that is closed is an optimum, also where a limit came first; one that is open is none,
    whatever the solver said; a bound that a forward pass refutes is the solver's error.
    """
    if verdict.refuted is not None:
        return Status.SOLVER_ERROR, _refuted(verdict)
    if verdict.residual is not None and verdict.dual_bound is None and outcome.status is Status.OPTIMAL:
        return Status.SOLVED, "rounding of the network's outputs hides more than solvers let pass: no bound is believed"
    if verdict.residual is None or verdict.dual_bound is None:
        return outcome.status, outcome.message
    gap = verdict.residual - verdict.dual_bound
    if outcome.status in (Status.TIME_LIMIT, Status.LIMIT) and gap <= max(ABS_GAP, REL_GAP * verdict.residual):
        return Status.OPTIMAL, ""
    if outcome.status is Status.OPTIMAL and gap > max(10.0 * MET * problem.scale, CLOSED * verdict.residual):
        return Status.SOLVED, "the solver calls it optimal, but the code that it gave leaves a gap"
    return outcome.status, outcome.message


def _refuted(verdict: Verdict) -> str:
    return f"the bound {verdict.refuted:.9g} is above a verified residual"
