"""Least squares for solvers that take no squares: outer approximation by tangents.

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
from dataclasses import replace

from pyomo.environ import ConcreteModel, ConstraintList, NonNegativeReals, Objective, Var, value

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


def solve_by_tangents(
    model: ConcreteModel,
    most: float,
    solver: Solver,
    needs: frozenset[Capability],
    *,
    lean: bool,
    nodes: int | None = None,
) -> Outcome:
    """Minimise the sum of squares of a model of p = 2 by a solver of mixed-integer linear programs.

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
    terms = [*model.difference.values(), *(model.square.values() if hasattr(model, "square") else ())]
    constant = float(value(model.rest)) if hasattr(model, "rest") else 0.0
    unit = RANGE / max(most, FINEST)
    model.objective.deactivate()
    model.least = Var(range(len(terms)), domain=NonNegativeReals)
    model.tangent = ConstraintList()
    model.linear_objective = Objective(expr=sum(model.least.values()))

    def touch(i: int, at: float) -> None:
        model.tangent.add(model.least[i] >= 2.0 * at * unit * terms[i] - at**2)

    for i in range(len(terms)):
        for share in FIRST:
            touch(i, share * RANGE)
            touch(i, -share * RANGE)
    best, bound = math.inf, 0.0
    rel_gap = REL_GAP if solver.rel_gap is None else solver.rel_gap
    for number in range(ROUNDS):
        if deadline.expired and number > 0:
            break
        outcome = solve(model, solver.until(deadline), needs, lean=lean, nodes=nodes)
        bound = max(bound, 0.0 if outcome.bound is None else outcome.bound / unit**2 + constant)
        if not outcome.has_solution and number == 0:
            return replace(outcome, bound=bound)
        if not outcome.has_solution:
            break
        points = [float(value(term)) * unit for term in terms]
        best = sum(point**2 for point in points) / unit**2 + constant
        if 0.0 < best < (COARSE * most) ** 2 and most > FINEST:
            for part in (model.least, model.tangent, model.linear_objective):
                model.del_component(part)
            rest = solver.until(deadline)
            finer = solve_by_tangents(model, math.sqrt(best), rest, needs, lean=lean, nodes=nodes)
            if finer.has_solution:
                return replace(finer, bound=max(bound, finer.bound or 0.0))
            outcome = finer
            break
        if outcome.status is not Status.OPTIMAL or best - bound <= rel_gap * best:
            return replace(outcome, objective=best, bound=bound, seconds=time.perf_counter() - started)
        for i, point in enumerate(points):
            if point**2 - float(value(model.least[i])) > 1e-9:
                touch(i, point)
    seconds = time.perf_counter() - started
    # Whatever ended the last program, and be it called infeasible, there is the solution of the one before.
    stopped = outcome.status in (Status.TIME_LIMIT, Status.INTERRUPTED)
    status = outcome.status if stopped else Status.TIME_LIMIT if deadline.expired else Status.LIMIT
    return replace(outcome, status=status, has_solution=True, objective=best, bound=bound, seconds=seconds)
