"""Exact inversion: one mixed-integer program over the whole network."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pyomo.environ import ConcreteModel

from pyomo_relu.bounds import FORWARD, Budget, Region, deviation_caps, lp_region, observed_region
from pyomo_relu.box import Box
from pyomo_relu.certificate import certify
from pyomo_relu.errors import InputError
from pyomo_relu.formulations import ENCODINGS
from pyomo_relu.formulations.residual import NEEDS
from pyomo_relu.inversion.incumbent import Incumbent, find_incumbent
from pyomo_relu.inversion.polish import polish
from pyomo_relu.inversion.program import build_program, read_code
from pyomo_relu.network import Network
from pyomo_relu.norms import Norm, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.solvers import ABS_GAP, REL_GAP, Capability, Outcome, Solver, solve
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray

QUICK = 10.0
"""Seconds after which bounds by LPs pay more than a longer search."""

MOST_SECONDS_OF_LPS = 120.0

BIG_M_WARNING = 1e4
BIG_M_ERROR = 1e6


class BigMWarning(UserWarning):
    """Bounds so wide that a solver's integrality tolerance lets the network leak."""


@dataclass(frozen=True)
class Exact:
    """Minimise ``||A G(z) - x||_p``, with a proof by a MILP solver.

    First an incumbent is sought (linear solves, layer-wise LPs, L-BFGS, polish); its
    residual U bounds the outputs, and through them the hidden layers and the code; what
    is left to decide is a MILP over the neurons whose sign is still open. Where the
    incumbent meets a lower bound already, no MILP is solved.

    Parameters
    ----------
    norm : "inf", 1 or 2
        p = inf and 1 are MILPs; p = 2 is a MIQP (SCIP, Gurobi, CPLEX, Xpress, MOSEK).
    encoding : str
        How an open neuron is written: ``"big-m"``, ``"sos1"`` or ``"indicator"``.
    bounds : str
        ``"observed"``: from the incumbent's residual backwards. ``"interval"`` or ``"crown"``:
        from the box forwards only, without an incumbent; the plain program.
    starts : int
        Starts of L-BFGS in the search for an incumbent.
    seed : int
        Of those starts.

    Raises
    ------
    InputError
        If the norm, encoding or bounds are unknown, or the encoding is only a relaxation.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> result = pr.invert(net, [-0.5], pr.Exact(norm="inf"), box=(-3, 3))
    >>> result.status.value, round(result.residual, 6), result.realizable
    ('optimal', 0.5, False)
    """

    norm: Norm = "inf"
    encoding: str = "big-m"
    bounds: str = "observed"
    starts: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "norm", as_norm(self.norm))
        if self.encoding not in ENCODINGS:
            raise InputError(f"unknown encoding {self.encoding!r}; known: {', '.join(ENCODINGS)}")
        if not ENCODINGS[self.encoding].exact:
            exact = [name for name, encoding in ENCODINGS.items() if encoding.exact]
            raise InputError(f"encoding {self.encoding!r} is only a relaxation; exact: {', '.join(exact)}")
        if self.bounds not in ("observed", *FORWARD):
            raise InputError(f"unknown bounds {self.bounds!r}; known: observed, {', '.join(FORWARD)}")
        if self.starts < 0:
            raise InputError(f"starts must be at least 0, got {self.starts}")

    @property
    def needs(self) -> frozenset[Capability]:
        """What the model needs of a solver."""
        return ENCODINGS[self.encoding].needs | NEEDS[self.norm]

    def model(self, net: Network, x: Any, *, operator: Any = None, mask: Any = None, box: Any = None) -> ConcreteModel:
        """Return the whole program as a plain Pyomo model, yours to extend.

        Its parts: ``z`` the code; ``layer[i]`` with ``output``, ``positive``, ``negative`` and, for
        big-M, ``on``; ``deviation`` (p = 2: ``difference``) and ``objective``.

        With a box, the model holds every code in it: its bounds come from the box alone, so that
        constraints may be added. Without one, it holds the codes that are at least as near as the
        best one found, which is what bounds it.
        Parameters as in :func:`pyomo_relu.invert`.
        """
        problem = Problem.of(net, x, operator=operator, mask=mask, box=box)
        incumbent = None if problem.box is not None else self._incumbent(problem)
        return build_program(problem, self._region(problem, incumbent), ENCODINGS[self.encoding], self.norm, incumbent)

    def run(self, problem: Problem, solver: Solver) -> Result:
        """Invert; see :func:`pyomo_relu.invert`.

        A time limit holds for the whole, with at least a second for the MILP. A MILP that is
        not done within `QUICK` seconds is given up for bounds by LPs, and then tried again.
        """
        started = time.perf_counter()
        solver.backend(self.needs)
        if self.bounds != "observed":
            outcome, best = self._solve(problem, self._region(problem, None), None, solver)
            return self._result(problem, outcome, best, started)
        incumbent = self._incumbent(problem)
        if incumbent.is_optimal(solver.rel_gap or REL_GAP, ABS_GAP):
            outcome = Outcome(Status.OPTIMAL, True, None, None, 0.0, incumbent.solver)
            return self._result(problem, outcome, incumbent, started)
        region = self._region(problem, incumbent)
        left = _left(solver, started)
        outcome, best = self._solve(problem, region, incumbent, replace(solver, time_limit=min(QUICK, left)))
        left = _left(solver, started)
        if outcome.status is Status.TIME_LIMIT and best is not None and left > 1.0:
            region = lp_region(
                problem.network,
                self._region(problem, best),
                self._budget(problem, best),
                seconds=min(left / 2.0, MOST_SECONDS_OF_LPS),
            )
            left = _left(solver, started)
            outcome, best = self._solve(
                problem, region, best, replace(solver, time_limit=left if math.isfinite(left) else None)
            )
        return self._result(problem, outcome, best, started)

    def _solve(
        self, problem: Problem, region: Region, incumbent: Incumbent | None, solver: Solver
    ) -> tuple[Outcome, Incumbent | None]:
        """Solve the program of a region; return what the solver said, and the best code and bound known then."""
        _check_big_m(region)
        model = build_program(problem, region, ENCODINGS[self.encoding], self.norm, incumbent)
        outcome = solve(model, solver, self.needs, lean=incumbent is not None)
        best = incumbent
        if incumbent is not None and outcome.status in (Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED):
            said = f"{outcome.solver} calls a model infeasible in which a known code lies"
            return replace(outcome, status=Status.SOLVER_ERROR, bound=None, message=said), best
        if outcome.has_solution:
            code = read_code(model, region.code)
            if self._misses(problem, code, outcome):
                code = polish(problem, code, self.norm)
            best = Incumbent.better(best, code, problem.residual(code, self.norm), outcome.solver)
        bound = self._root(outcome.bound)
        if best is not None and bound is not None and bound > best.bound:
            best = replace(best, bound=bound, bound_by=outcome.solver)
        return outcome, best

    def _budget(self, problem: Problem, incumbent: Incumbent) -> Budget | None:
        if self.norm == "inf":
            return None
        most = incumbent.cutoff(problem.scale)
        caps = deviation_caps(problem.network[-1], problem.x, most, self.norm)
        centre = np.abs(problem.network(incumbent.code) - problem.x)
        return Budget(problem.x, most, self.norm, caps, centre)

    def _incumbent(self, problem: Problem) -> Incumbent:
        return find_incumbent(problem, self.norm, Solver("highs"), starts=self.starts, seed=self.seed)

    def _region(self, problem: Problem, incumbent: Incumbent | None) -> Region:
        if incumbent is None:
            if problem.box is None:
                raise InputError(f"bounds={self.bounds!r} needs a bounded box of codes: give box=(lower, upper)")
            forward = FORWARD["crown" if self.bounds == "observed" else self.bounds]
            return Region(problem.box, forward(problem.network, problem.box))
        box = Box.everything(problem.network.n_in) if problem.box is None else problem.box
        cutoff = incumbent.cutoff(problem.scale)
        region = observed_region(problem.network, problem.x, box, cutoff, self.norm)
        if not region.is_bounded:
            raise InputError("the observation does not bound the code: give box=(lower, upper), such as box=(-3, 3)")
        return region

    def _misses(self, problem: Problem, z: FloatArray, outcome: Outcome) -> bool:
        """Whether z misses what the solver promised: binaries at 1e-7 for 0 let it report more than its code can do."""
        promised = self._root(outcome.objective)
        return promised is None or problem.residual(z, self.norm) > promised + 1e-9 * problem.scale

    def _root(self, value: float | None) -> float | None:
        if value is None or self.norm != 2:
            return value
        return math.sqrt(max(0.0, value))

    def _result(self, problem: Problem, outcome: Outcome, best: Incumbent | None, started: float) -> Result:
        scope = "every code" if problem.box is None else "every code in the box"
        code = None if best is None else best.code
        bound = (self._root(outcome.bound), outcome.solver) if best is None else (best.bound, best.bound_by)
        verdict = certify(problem, code, self.norm, *bound, scope)
        return Result(
            z=code,
            status=outcome.status,
            norm=self.norm,
            residual=verdict.residual,
            objective=outcome.objective,
            dual_bound=verdict.dual_bound,
            realizable=verdict.realizable,
            certificate=verdict.certificate,
            seconds=time.perf_counter() - started,
            solver=outcome.solver,
            message=outcome.message,
        )


def _left(solver: Solver, started: float) -> float:
    """Return the seconds that a time limit leaves, at least one."""
    if solver.time_limit is None:
        return math.inf
    return max(1.0, solver.time_limit - (time.perf_counter() - started))


def _check_big_m(region: Region) -> None:
    largest = max(float(np.max(np.maximum(-bound.lower, bound.upper))) for bound in region.pre_activations)
    if largest > BIG_M_ERROR:
        raise InputError(
            f"pre-activations reach {largest:.3g} in this box: above {BIG_M_ERROR:g} no MILP solver's answer "
            "can be trusted; give a smaller box"
        )
    if largest > BIG_M_WARNING:
        warnings.warn(
            f"pre-activations reach {largest:.3g} in this box; a smaller box is safer", BigMWarning, stacklevel=4
        )
