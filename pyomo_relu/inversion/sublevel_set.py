"""Level sets: the codes whose residual is at most a level, as a test and as a model."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pyomo.environ import ConcreteModel, Constraint, is_potentially_variable

from pyomo_relu.bounds.affine_form import affine_flops
from pyomo_relu.box import Box
from pyomo_relu.deadline import Deadline
from pyomo_relu.enclosure import enclose, enclose_in_floats, is_within, raised_to
from pyomo_relu.formulations import ENCODINGS, Encoding
from pyomo_relu.formulations.residual import needs_of_norm
from pyomo_relu.inversion.exact import Exact
from pyomo_relu.inversion.incumbent import with_room
from pyomo_relu.inversion.polishing import met, polish
from pyomo_relu.inversion.program import build_program
from pyomo_relu.inversion.tangents import Tangents
from pyomo_relu.inversion.task import Task, needs_of, wide_bounds
from pyomo_relu.inversion.tube_search import last_within
from pyomo_relu.norms import Norm, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.solvers import Capability, Solver
from pyomo_relu.status import Status
from pyomo_relu.tube import Tube
from pyomo_relu.validation import FloatArray

LPS = 1e10
"""Work of the bounds by LPs before the first program: they pay where two programs a direction follow."""

FOR_BOUNDS = 0.25
"""The part of a time limit that these bounds may take."""


@dataclass(frozen=True, eq=False)
class SublevelSet:
    """The codes in the box within `level` in a norm, and within `tube`."""

    problem: Problem
    norm: Norm
    encoding: Encoding
    needs: frozenset[Capability]
    level: float
    tol: float
    tube: Tube
    inside: FloatArray

    @staticmethod
    def around(problem: Problem, z: FloatArray, method: Exact, tol: float | None, solver: Solver) -> SublevelSet:
        """Return the set of `method` about the code that it found."""
        norm = as_norm(method.norm if method.then is None else method.then)
        # It holds the code whatever rounding did: upper ends are mostly far below what `tol` adds.
        found, largest = enclose(problem, z, norm), enclose(problem, z, "inf")
        size = max(problem.scale, found.value)
        tol = norm.tolerance(found.value, size) if tol is None else float(tol)
        level, most = max(found.value + tol, found.high), math.inf
        if method.then is not None:
            most = largest.value + tol
        elif method.tube is not None:
            most = method.tube
        tube = raised_to(problem, z, problem.tube(most))
        encoding = ENCODINGS[method.encoding]
        return SublevelSet(problem, norm, encoding, needs_of(encoding, norm, solver), level, tol, tube, z)

    @property
    def scope(self) -> str:
        """The codes of the set, in words."""
        problem = self.problem
        where = "" if problem.box.is_everything else " in the box"
        # All of their digits: what is said of every code is not to be said of more, nor what is said of some of less.
        tube = "" if math.isinf(self.tube.most) else f" and {problem.said}_inf <= {self.tube.most!r}"
        met = problem.said_of_hard(self.tube, repr)
        return f"code{where} with {problem.said}_{self.norm.name} <= {self.level!r}{tube}{met}"

    def contains(self, code: FloatArray) -> bool:
        """Whether a code is in the set, by a forward pass and a bound on its rounding."""
        problem = self.problem
        if not problem.box.contains(code):
            return False
        if enclose_in_floats(problem, code, self.norm).high > self.level:
            return False
        return is_within(problem, code, self.tube)

    def last_before(self, goal: FloatArray) -> FloatArray:
        """Return the code of the set next to `goal` that bisection finds on the way from one inside.

        The set need not be connected, so that the way begins at the best code of the goal's own cell.
        """
        if self.contains(goal):
            return goal
        goal = met(self.problem, goal)
        start = polish(self.problem, goal, self.norm, tube=self.problem.tube(), lps=1)
        if not self.contains(start):
            start = self.inside
        return last_within(self.contains, start, goal)

    def program(self, deadline: Deadline) -> tuple[ConcreteModel | Status, Box, Tangents | None]:
        """Return a model of the set, without an objective, and a box around its codes that trusts no solver.

        Where the bounds are too wide for a model, or the time has run out, there is a status in its place. Where the
        solver takes no squares, the model holds the set that tangents leave: it comes with them.
        """
        task = Task(self.problem, self.norm, self.encoding, self.tube)
        # For p = inf, an output below its x is at most x away: where that is within the level, only the side above
        # counts. The model does so where x is at most what the residual is at least, which may thus be the level.
        most = with_room(self.level, self.problem.scale)
        region = task.holding(self.inside, most, LPS, deadline.share(FOR_BOUNDS))
        if not region.is_bounded or not deadline.affords(affine_flops(self.problem.network, region)):
            return Status.TIME_LIMIT, region.code, None
        region = region.in_unit(1.0 / self.problem.weights)
        if wide_bounds(region):
            return Status.WIDE_BOUNDS, region.code, None
        model = build_program(self.problem.scaled, region, self.encoding, self.norm, most, self.level, tube=self.tube)
        residual = model.objective.expr
        model.del_component(model.objective)
        level, tangents = self.norm.objective_of(self.level), None
        # Where no output of the region moves, the residual is a number: that of the code inside.
        if is_potentially_variable(residual):
            if not needs_of_norm(self.norm) <= self.needs:
                tangents = Tangents(model, residual, self.level)
                residual, level = tangents.least, tangents.to_unit(level)
            model.level = Constraint(expr=(None, residual, level))
        return model, region.code, tangents
