"""Extremes: the least and the greatest value of d.z over a level set, two programs a direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyomo.environ import ConcreteModel, Objective

from pyomo_relu.box import Box
from pyomo_relu.deadline import Deadline
from pyomo_relu.enclosure import is_resolved
from pyomo_relu.formulations.rows import linear
from pyomo_relu.inversion.program import read_code
from pyomo_relu.inversion.sublevel_set import SublevelSet
from pyomo_relu.inversion.tangents import Tangents, solve_within_tangents
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.rounding import gamma
from pyomo_relu.solvers import Solver, solve
from pyomo_relu.status import Status
from pyomo_relu.tolerance import REFUTED
from pyomo_relu.validation import FloatArray


@dataclass
class Extremes:
    """What is known of them so far; the two ends of a direction stand in columns.

    Parameters
    ----------
    rows : array, shape (m, k)
    box : Box
        Around all codes of the set, verified.
    said : array, shape (m, 2)
        The bounds of the programs; infinite where there is none.
    attained : array, shape (m, 2)
    codes : array, shape (m, 2, k)
    statuses : list of Status, length m
    solver : str
    resolved : bool
        Whether rounding of the outputs hides so little that the bounds of solvers mean something.
    """

    rows: FloatArray
    box: Box
    said: FloatArray
    attained: FloatArray
    codes: FloatArray
    statuses: list[Status]
    solver: str
    resolved: bool = True

    @staticmethod
    def of(rows: FloatArray, problem: Problem, known: Result) -> Extremes:
        """Return what is known before anything is solved."""
        m, k = rows.shape
        return Extremes(
            rows,
            problem.box,
            np.tile([-np.inf, np.inf], (m, 1)),
            np.full((m, 2), np.nan),
            np.full((m, 2, k), np.nan),
            [Status.INTERRUPTED if known.status.ok else known.status] * m,
            known.solver,
        )

    def run(self, near: SublevelSet, solver: Solver, deadline: Deadline) -> None:
        """Solve two programs a direction; Ctrl-C ends it, and what was not reached stays interrupted."""
        self.statuses = [Status.INTERRUPTED] * len(self.rows)
        self.take(near.inside)
        try:
            model, self.box, tangents = near.program(deadline)
            self.resolved = _is_resolved(near, self.box)
            if isinstance(model, Status):
                self.statuses = [model] * len(self.rows)
                return
            for i in range(len(self.rows)):
                ended = []
                for side in (0, 1):
                    if deadline.expired:
                        ended.append(Status.TIME_LIMIT)
                        continue
                    share = deadline.share(1.0 / (2 * (len(self.rows) - i) - side))
                    ended.append(self.solve(model, tangents, near, i, side, solver.until(share)))
                    if ended[-1] is Status.INTERRUPTED:
                        return
                self.statuses[i] = next((status for status in ended if status is not Status.OPTIMAL), Status.OPTIMAL)
        except KeyboardInterrupt:
            return

    def solve(
        self,
        model: ConcreteModel,
        tangents: Tangents | None,
        near: SublevelSet,
        i: int,
        side: int,
        solver: Solver,
    ) -> Status:
        """Find one end of one direction: the least of d.z, or of -d.z."""
        sign = 1.0 - 2.0 * side
        model.del_component("along")
        model.along = Objective(expr=linear((sign * self.rows[i]).tolist(), model.z.values()))
        if tangents is None:
            outcome = solve(model, solver, near.needs, lean=True)
        else:
            if tangents.centre is None:
                tangents.centre = _points_inside(model, tangents, near, solver)
            outcome = solve_within_tangents(model, tangents, solver, near.needs, lean=True)
        self.solver = outcome.solver
        if outcome.status in (Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED):
            return Status.SOLVER_ERROR  # a code of the set is known
        if outcome.has_solution:
            self.take(near.last_before(read_code(model, self.box)))
        if outcome.bound is not None:
            self.said[i, side] = sign * outcome.bound
        return outcome.status

    def take(self, code: FloatArray) -> None:
        """Take a code of the set: along any direction it may be the farthest."""
        values = self.rows @ code
        for side, farther in enumerate((np.less, np.greater)):
            better = farther(values, self.attained[:, side]) | np.isnan(self.attained[:, side])
            self.attained[better, side] = values[better]
            self.codes[better, side] = code

    def settle(self) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return the outer bounds, shape (m, 2), and which of them rest on a solver.

        A bound that a code refutes by more than a solver's tolerance is dropped, and is the solver's error.
        """
        outward = np.array([-1.0, 1.0])
        beyond = outward * (self.attained - self.said)
        refuted = beyond > REFUTED * np.maximum(1.0, np.abs(self.attained))
        for i in np.flatnonzero(refuted.any(axis=1)):
            self.statuses[i] = Status.SOLVER_ERROR
        said = np.where(refuted | (not self.resolved), outward * np.inf, self.said)
        sure = np.array([_range_over(row, self.box) for row in self.rows])
        trusted = outward * said < outward * sure
        bounds = np.where(trusted, said, sure)
        return np.where(outward * bounds < outward * self.attained, self.attained, bounds), trusted


def _points_inside(
    model: ConcreteModel, tangents: Tangents, near: SublevelSet, solver: Solver
) -> Sequence[float] | None:
    """Return where the squares lie at the code inside, by the model itself."""
    for variable, entry in zip(model.z.values(), near.inside.tolist(), strict=True):
        variable.fix(entry)
    outcome = solve(model, solver, near.needs, lean=True)
    for variable in model.z.values():
        variable.unfix()
    return tangents.points() if outcome.has_solution else None


def _is_resolved(near: SublevelSet, box: Box) -> bool:
    """Whether rounding hides nothing that a solver says: at the code inside, and at corners of the box of all."""
    problem, codes = near.problem, (near.inside, box.lower, box.upper)
    return all(is_resolved(problem, code, "inf") for code in codes)


def _range_over(row: FloatArray, box: Box) -> tuple[float, float]:
    """Return bounds of ``row . z`` over a box, rounded outwards."""
    used = row != 0.0
    ends = row[used] * np.array([box.lower[used], box.upper[used]])
    low, high = float(ends.min(axis=0).sum()), float(ends.max(axis=0).sum())
    if np.count_nonzero(used) == 1 and abs(row[used][0]) == 1.0:
        return low, high
    error = gamma(int(used.sum())) * float(np.abs(ends).max(axis=0).sum())
    return low - error, high + error
