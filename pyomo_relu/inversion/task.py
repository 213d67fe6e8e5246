"""`Task`: what is to be minimised; bounds of the codes that matter, and one search among them by a MILP."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from pyomo_relu.bounds import IN_TURNS, Region, Sought, sought_region
from pyomo_relu.bounds.affine_form import affine_flops
from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.enclosure import enclose, is_within, raised_to
from pyomo_relu.errors import InputError
from pyomo_relu.formulations import Encoding
from pyomo_relu.formulations.residual import needs_of_norm
from pyomo_relu.inversion.incumbent import Incumbent
from pyomo_relu.inversion.polishing import met, polish
from pyomo_relu.inversion.program import build_program, read_code
from pyomo_relu.inversion.tangents import solve_by_tangents
from pyomo_relu.inversion.tube_search import last_within
from pyomo_relu.norms import Norm, NormName, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.rank import svd_flops
from pyomo_relu.rounding import down
from pyomo_relu.scaling import in_unit, output_unit
from pyomo_relu.solvers import Capability, Outcome, Solver, solve
from pyomo_relu.status import Status
from pyomo_relu.tube import NO_TUBE, Tube
from pyomo_relu.validation import FloatArray

SQUARES_RESOLVED = 1e-7
"""Ten times what a solver of squares lets pass: a bound on their sum that is nearer to zero is none."""

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
    norm : Norm
    encoding : Encoding
    tube : Tube
        The most that single outputs may miss the observation by, and which of them count.
    """

    problem: Problem
    norm: Norm
    encoding: Encoding
    tube: Tube = NO_TUBE

    def __post_init__(self) -> None:
        object.__setattr__(self, "norm", as_norm(self.norm))

    def region(self, code: FloatArray, most: float, deadline: Deadline = NO_LIMIT) -> Region | None:
        """Bound the codes with at most a residual; None proves that there are none.

        Parameters
        ----------
        code : array, shape (k,)
            A near code, where relaxations are to be tight.
        most : float
        deadline : Deadline
            Bounds that would not be done before it are left out; the region need not be bounded then.

        Raises
        ------
        InputError
            Where the observation does not bound the code, and there is no box that does.
        """
        problem = self.problem
        sought = self._sought(code, most)
        region = sought_region("inversion", problem.network, problem.box, sought, deadline)
        affordable = deadline.affords(max(svd_flops(*layer.weight.shape) for layer in problem.network))
        if region is not None and not region.is_bounded and affordable:
            raise InputError("must be given, and bounded: the observation does not bound the code", parameter="box")
        return region

    def tightened(
        self, region: Region, code: FloatArray, most: float, work: float, deadline: Deadline
    ) -> Region | None:
        """Bound them by LPs; None proves that there are none."""
        return IN_TURNS(self.problem.network, region, self._sought(code, most), deadline, work=work)

    def holding(self, code: FloatArray, most: float, work: float = 0.0, deadline: Deadline = NO_LIMIT) -> Region:
        """Bound the codes with at most a residual, by LPs too where there is work for them; `code` is one of them.

        It is one also where rounding hides what it misses.
        """
        most = max(most, enclose(self.problem, code, self.norm).high)
        region = replace(self, tube=raised_to(self.problem, code, self.tube)).region(code, most, deadline)
        if region is not None and region.is_bounded and work > 0.0:
            region = self.tightened(region, code, most, work, deadline)
        assert region is not None, "a code lies in it"
        return region

    def _sought(self, code: FloatArray, most: float) -> Sought:
        problem = self.problem
        near = np.abs(problem.network(code) - problem.x)
        return Sought(problem.x, self.norm, most, self.tube, problem.weights, near)

    def in_program(self, region: Region) -> Region:
        """Return a region as the program has it: its outputs weighed, and of size one."""
        return region.in_unit(output_unit(self.problem) / self.problem.weights)

    def attempt(
        self,
        region: Region,
        incumbent: Incumbent | None,
        solver: Solver,
        most: float = math.inf,
        *,
        relaxed: bool = False,
        work: float = math.inf,
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
        work : float
            Nodes, each times the rows and columns of the program, after which the search ends with `LIMIT`.
        """
        problem, best, deadline = self.problem, incumbent, Deadline.after(solver.time_limit)
        # A solver's tolerances are absolute: the program's outputs are of size one.
        unit, there = output_unit(problem), self.in_program(region)
        said = wide_bounds(there)
        if said or not deadline.affords(affine_flops(problem.network, region)):
            status = Status.WIDE_BOUNDS if said else Status.TIME_LIMIT
            return Outcome(status, False, None, None, 0.0, "none" if best is None else best.solver, said), best
        bound = 0.0 if best is None else best.bound
        right: Literal["relaxed", "in optima"] = "relaxed" if relaxed else "in optima"
        model = build_program(
            in_unit(problem.scaled, unit),
            there,
            self.encoding,
            self.norm.in_unit(unit),
            most / unit,
            bound / unit,
            tube=self.tube.in_unit(unit),
            outputs_right=right,
        )
        needs = needs_of(self.encoding, self.norm, solver)
        lean, solver = best is not None, solver.until(deadline)
        nodes = None if math.isinf(work) else max(1, int(work / (model.nconstraints() * model.nvariables())))
        takes_objective = needs_of_norm(self.norm) <= needs
        if not takes_objective:
            code = (region.code.lower + region.code.upper) / 2.0 if best is None else best.code
            near = problem.residual(code, self.norm) / unit
            outcome = solve_by_tangents(model, near, solver, needs, lean=lean, nodes=nodes)
        else:
            outcome = solve(model, solver, needs, lean=lean, nodes=nodes)
        outcome = outcome.times(self.norm.objective_of(unit))
        if outcome.objective is not None and self.norm.shared:
            # The model says what codes cost beyond the bound, and need not say it of those that meet it.
            outcome = replace(outcome, objective=max(outcome.objective, bound))
        # Only for p = inf is the known bound part of the program.
        by = outcome.solver if best is None or not self.norm.shared else best.along_with(outcome.solver)
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
            code = met(problem, code)
            if self._misses(code, outcome) or not self._in_tube(code):
                code = polish(problem, code, self.norm, tube=self.tube, deadline=deadline)
            if best is not None:
                # A solver's code may miss the tube by its tolerance.
                code = last_within(self._in_tube, best.code, code)
            best = Incumbent.better(best, code, problem.residual(code, self.norm), outcome.solver)
        proved = None if outcome.bound is None else self.norm.residual_of(outcome.bound - room)
        if best is not None and proved is not None:
            # What the model does not hold is no nearer than `most`.
            best = best.raised(min(most, proved), by)
        return outcome, best

    def _in_tube(self, z: FloatArray) -> bool:
        return is_within(self.problem, z, self.tube)

    def _misses(self, z: FloatArray, outcome: Outcome) -> bool:
        """Whether z misses what the solver promised: binaries at 1e-7 for 0 let it report more than its code can do."""
        if outcome.objective is None:
            return True
        promised = self.norm.residual_of(outcome.objective)
        return self.problem.residual(z, self.norm) > promised + 1e-9 * self.problem.scale


def needs_of(encoding: Encoding, norm: Norm | NormName, solver: Solver) -> frozenset[Capability]:
    """Return what a program needs of its solver; squares become tangents where the solver takes none."""
    needs = encoding.needs | needs_of_norm(norm)
    return needs if solver.takes(Capability.MIQP) else needs - {Capability.MIQP}


def wide_bounds(region: Region, *, stacklevel: int = 6) -> str:
    """Return what is wrong with bounds above `BIG_M_ERROR`, else nothing; warn of those above `BIG_M_WARNING`.

    Parameters
    ----------
    region : Region
        Bounded.
    stacklevel : int
        As in ``warnings.warn``.

    Examples
    --------
    >>> from pyomo_relu.box import Box
    >>> wide_bounds(Region(Box.of((-1, 1), 1), (Box.of((-1, 1), 2),)))
    ''
    """
    largest = max(
        float(np.max(np.where((bound.lower < 0.0) & (bound.upper > 0.0), np.maximum(-bound.lower, bound.upper), 0.0)))
        for bound in region.pre_activations
    )
    if largest > BIG_M_ERROR:
        return (
            f"pre-activations reach {largest:.3g} in this box: above {BIG_M_ERROR:g} no MILP solver's answer "
            "can be trusted, and none was asked; give a smaller box"
        )
    if largest > BIG_M_WARNING:
        warnings.warn(
            f"pre-activations reach {largest:.3g} in this box; a smaller box is safer",
            BigMWarning,
            stacklevel=stacklevel,
        )
    return ""
