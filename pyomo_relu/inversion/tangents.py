"""Sums of squares for solvers that take none, as an objective or as a limit: outer approximation by tangents.

``sum t_i^2`` becomes ``sum q_i`` with ``q_i >= 2 c t_i - c^2`` at more and more points c: first a few over
the range, then those of each solution. Every program is a relaxation, so that its bound holds; the squares are
separate, and each gets its own tangents, so that few rounds suffice.

References
----------
Duran, Grossmann, "An outer-approximation algorithm for a class of mixed-integer nonlinear programs" (1986).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pyomo.environ import ConcreteModel, ConstraintList, NonNegativeReals, Objective, Var, value
from pyomo.repn import generate_standard_repn

from pyomo_relu.deadline import Deadline
from pyomo_relu.solvers import REL_GAP, Capability, Outcome, Solver, solve
from pyomo_relu.status import Status

ROUNDS = 100

FIRST = (0.05, 0.2, 0.5, 1.0)
"""Shares of the range, on both sides of zero, with a tangent from the beginning."""

COARSE = 0.1
"""Where the root of the sum falls below this share of the range, the range was too coarse: begin again."""

RANGE = 10.0
"""The range that squares are scaled to: a solver's feasibility tolerance is absolute."""

FINEST = 1e-6
"""Residuals are resolved down to this: below it, rows are met by chance."""

RESOLVED = 1e-6
"""What a solver lets pass in a row: a tangent that is missed by less is not missed."""


class Tangents:
    """The squares of an objective, each from below by a variable of its own and tangents, in units of `RANGE`.

    Parameters
    ----------
    model : ConcreteModel
        Of :func:`pyomo_relu.inversion.program.build_program`; it gets ``least`` and ``tangent``.
    objective : expression
        A sum of squares of variables, and what is linear.
    most : float
        A root of the objective that some code reaches; it sets the unit.

    Attributes
    ----------
    centre : sequence of float or None
        The :meth:`points` of a solution in the middle of those that are sought, where one is known.
    """

    centre: Sequence[float] | None = None

    def __init__(self, model: ConcreteModel, objective: Any, most: float) -> None:
        self._model, parts = model, generate_standard_repn(objective)
        self._terms = [variable for variable, _ in parts.quadratic_vars]
        self._linear, self._rest = list(zip(parts.linear_vars, parts.linear_coefs, strict=True)), float(parts.constant)
        self._unit = RANGE / max(most, FINEST)
        model.least = Var(range(len(self._terms)), domain=NonNegativeReals)
        model.tangent = ConstraintList()
        for i in range(len(self._terms)):
            for share in FIRST:
                self._touch(i, share * RANGE)
                self._touch(i, -share * RANGE)

    @property
    def least(self) -> Any:
        """The expression that lies below the objective, in the unit of the model."""
        linear = [self._unit**2 * cost * variable for variable, cost in self._linear]
        return sum([*self._model.least.values(), *linear])

    def to_unit(self, squares: float) -> float:
        """Return a sum of all squares, in the unit of the model and without what is constant."""
        return (squares - self._rest) * self._unit**2

    def value(self, points: Sequence[float]) -> float:
        """Return the objective where the solution lies, in the unit of the model and without what is constant."""
        linear = sum(float(cost) * float(value(variable)) for variable, cost in self._linear)
        return float(sum(point**2 for point in points) + self._unit**2 * linear)

    def from_unit(self, least: float) -> float:
        """Return what a sum in the unit of the model stands for."""
        return least / self._unit**2 + self._rest

    def points(self) -> list[float]:
        """Return where the solution lies, in the unit of the model."""
        return [float(value(term)) * self._unit for term in self._terms]

    def refine(self, points: Sequence[float], missed: float) -> bool:
        """Add the tangents at the points that lie above theirs by more than that; return whether there are any.

        Where there is a centre, also at points on the way there, each in the middle of what is left of it: that is
        how solutions draw near to it, and the next rounds would add them one by one.
        """
        above = [i for i, point in enumerate(points) if point**2 - float(value(self._model.least[i])) > missed]
        for i in above:
            middle = points[i] if self.centre is None else self.centre[i]
            step = points[i] - middle
            self._touch(i, points[i])
            while step**2 > missed:
                step /= 2.0
                self._touch(i, middle + step)
        return bool(above)

    def remove(self) -> None:
        """Take them out of the model."""
        for part in (self._model.least, self._model.tangent):
            self._model.del_component(part)

    def _touch(self, i: int, at: float) -> None:
        self._model.tangent.add(self._model.least[i] >= 2.0 * at * self._unit * self._terms[i] - at**2)


def solve_within_tangents(
    model: ConcreteModel, tangents: Tangents, solver: Solver, needs: frozenset[Capability], *, lean: bool
) -> Outcome:
    """Minimise the objective of a model in which a row limits ``tangents.least``.

    Parameters
    ----------
    model : ConcreteModel
        It keeps the tangents that are added.
    tangents : Tangents
    solver, needs, lean
        As in :func:`solve_by_tangents`.

    Returns
    -------
    Outcome
        "Optimal" where no square lies above its tangents by more than a solver lets pass. Bounds hold in any case.
    """
    started, deadline, bound = time.perf_counter(), Deadline.after(solver.time_limit), -math.inf
    for _ in range(ROUNDS):
        spent = deadline.expired and math.isfinite(bound)
        if spent:
            break
        outcome = solve(model, solver.until(deadline), needs, lean=lean)
        bound = max(bound, -math.inf if outcome.bound is None else outcome.bound)
        ended = outcome.status is not Status.OPTIMAL or not tangents.refine(tangents.points(), RESOLVED)
        if ended:
            break
    seconds = time.perf_counter() - started
    unsettled = Status.TIME_LIMIT if spent else Status.LIMIT
    return replace(
        outcome,
        status=outcome.status if ended else unsettled,
        bound=bound if math.isfinite(bound) else None,
        seconds=seconds,
    )


def solve_by_tangents(
    model: ConcreteModel,
    most: float,
    solver: Solver,
    needs: frozenset[Capability],
    *,
    lean: bool,
    nodes: int | None = None,
) -> Outcome:
    """Minimise the objective of a model, which holds squares, by a solver of mixed-integer linear programs.

    Parameters
    ----------
    model : ConcreteModel
        Of :func:`pyomo_relu.inversion.program.build_program`; its objective is replaced.
    most : float
        A residual that some code reaches; it sets the scale.
    solver : Solver
    needs : frozenset of Capability
    lean : bool
    nodes : int, optional
        Both passed to the solver, for each program.

    Returns
    -------
    Outcome
        In squares, as the objective was.
    """
    started, deadline = time.perf_counter(), Deadline.after(solver.time_limit)
    model.objective.deactivate()
    tangents = Tangents(model, model.objective.expr, most)
    model.linear_objective = Objective(expr=tangents.least)
    best, bound = math.inf, 0.0
    rel_gap = REL_GAP if solver.rel_gap is None else solver.rel_gap
    for number in range(ROUNDS):
        if deadline.expired and number > 0:
            break
        outcome = solve(model, solver.until(deadline), needs, lean=lean, nodes=nodes)
        bound = max(bound, 0.0 if outcome.bound is None else tangents.from_unit(outcome.bound))
        if not outcome.has_solution and number == 0:
            return replace(outcome, bound=bound)
        if not outcome.has_solution:
            break
        points = tangents.points()
        best = tangents.from_unit(tangents.value(points))
        if 0.0 < best < (COARSE * most) ** 2 and most > FINEST:
            tangents.remove()
            model.del_component(model.linear_objective)
            rest = solver.until(deadline)
            finer = solve_by_tangents(model, math.sqrt(best), rest, needs, lean=lean, nodes=nodes)
            if finer.has_solution:
                return replace(finer, bound=max(bound, finer.bound or 0.0))
            outcome = finer
            break
        if outcome.status is not Status.OPTIMAL or best - bound <= rel_gap * best:
            return replace(outcome, objective=best, bound=bound, seconds=time.perf_counter() - started)
        tangents.refine(points, 1e-9)
    seconds = time.perf_counter() - started
    # Whatever ended the last program, and be it called infeasible, there is the solution of the one before.
    stopped = outcome.status in (Status.TIME_LIMIT, Status.INTERRUPTED)
    status = outcome.status if stopped else Status.TIME_LIMIT if deadline.expired else Status.LIMIT
    return replace(outcome, status=status, has_solution=True, objective=best, bound=bound, seconds=seconds)
