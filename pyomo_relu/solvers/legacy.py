"""Run one of Pyomo's older (``pyomo.environ.SolverFactory``) interfaces, with the same answer as the new ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from tempfile import TemporaryDirectory
from typing import Any

from pyomo.common.tempfiles import TempfileManager
from pyomo.core.expr.visitor import identify_variables
from pyomo.environ import Block, ConcreteModel, Constraint, Objective, SolverFactory
from pyomo.opt import SolverStatus, TerminationCondition

from pyomo_relu.solvers.backend import Backend
from pyomo_relu.solvers.config import Solver
from pyomo_relu.solvers.matrix_rows import MatrixRows
from pyomo_relu.solvers.program_interface import WatchedProgram
from pyomo_relu.solvers.reply import Reply
from pyomo_relu.status import Status

_STATUS = {
    TerminationCondition.optimal: Status.OPTIMAL,
    TerminationCondition.globallyOptimal: Status.OPTIMAL,
    TerminationCondition.maxTimeLimit: Status.TIME_LIMIT,
    TerminationCondition.maxIterations: Status.LIMIT,
    TerminationCondition.maxEvaluations: Status.LIMIT,
    TerminationCondition.resourceInterrupt: Status.LIMIT,
    TerminationCondition.infeasible: Status.INFEASIBLE,
    TerminationCondition.unbounded: Status.UNBOUNDED,
    TerminationCondition.infeasibleOrUnbounded: Status.INFEASIBLE_OR_UNBOUNDED,
    TerminationCondition.userInterrupt: Status.INTERRUPTED,
    TerminationCondition.licensingProblems: Status.NO_LICENSE,
}


def create(backend: Backend) -> Any:
    """Return a fresh interface."""
    return SolverFactory(backend.interface, **({"executable": backend.executable()} if backend.executable else {}))


def call(interface: Any, model: ConcreteModel, options: Mapping[str, Any], solver: Solver) -> Any:
    """Solve `model`, and return Pyomo's results; its files go with it, as they would not after an interrupt."""
    if isinstance(interface, WatchedProgram):
        interface.limit(solver.time_limit)
    usual = TempfileManager.tempdir
    # The manager too: after trouble Pyomo leaves its notes of files in there.
    with (
        TemporaryDirectory(prefix="pyomo-relu-", dir=usual, ignore_cleanup_errors=True) as folder,
        TempfileManager,
    ):
        TempfileManager.tempdir = folder
        try:
            return interface.solve(model, tee=solver.log, load_solutions=False, options=options)
        finally:
            TempfileManager.tempdir = usual


def read(backend: Backend, interface: Any, model: ConcreteModel, results: Any) -> Reply:
    """Read the solver's own report, and Pyomo's results where it has none.

    The bounds in Pyomo's results are left alone: they are rounded, or of the wrong sign, or no bounds.
    """
    report = backend.report(interface)
    status = report.status or _STATUS.get(results.solver.termination_condition, Status.SOLVER_ERROR)

    def load() -> None:
        results.solver.status = SolverStatus.ok  # Pyomo loads nothing where it has no word for the status
        model.solutions.load_from(results)
        _give_the_rest_a_value(model)

    # A solution without values is none: Pyomo reads past those of CBC where CBC has dropped all rows.
    found = len(results.solution) > 0 and len(results.solution(0).variable) > 0
    message = report.message or f"ended with {results.solver.termination_condition}"
    return Reply(
        status, found if report.has_solution is None else report.has_solution, load, None, report.bound, message
    )


def _give_the_rest_a_value(model: ConcreteModel) -> None:
    """Put into its range what has coefficients of zero only: files, and so their answers, do not mention it."""
    for variable in _mentioned(model):
        if variable.stale and not variable.fixed:
            low, high = (0.0 if side is None else side for side in variable.bounds)
            nearest = low if low > 0.0 else min(0.0, high)
            if variable.is_integer():
                nearest = math.ceil(nearest) if low > 0.0 else math.floor(nearest)
            variable.set_value(nearest, skip_validation=True)


def _mentioned(model: ConcreteModel) -> Iterator[Any]:
    for component in model.component_objects(Constraint, active=True, descend_into=Block):
        rows = component.values()
        if isinstance(component, MatrixRows):
            yield from component.variables
            rows = component.rewritten_rows()
        for row in rows:
            if row.active:
                yield from identify_variables(row.body)
    for goal in model.component_data_objects(Objective, active=True):
        yield from identify_variables(goal.expr)
