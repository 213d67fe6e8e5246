"""Run one of Pyomo's new (``pyomo.contrib.solver``) interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.contrib.solver.common.results import SolutionStatus, TerminationCondition
from pyomo.environ import ConcreteModel

from pyomo_relu.solvers.backend import Backend
from pyomo_relu.solvers.config import Solver
from pyomo_relu.solvers.duals import clear_duals
from pyomo_relu.solvers.reply import Reply
from pyomo_relu.status import Status

_STATUS = {
    TerminationCondition.convergenceCriteriaSatisfied: Status.OPTIMAL,
    TerminationCondition.maxTimeLimit: Status.TIME_LIMIT,
    TerminationCondition.iterationLimit: Status.LIMIT,
    TerminationCondition.objectiveLimit: Status.LIMIT,
    TerminationCondition.unbounded: Status.UNBOUNDED,
    TerminationCondition.provenInfeasible: Status.INFEASIBLE,
    TerminationCondition.infeasibleOrUnbounded: Status.INFEASIBLE_OR_UNBOUNDED,
    TerminationCondition.interrupted: Status.INTERRUPTED,
    TerminationCondition.licensingProblems: Status.NO_LICENSE,
}


def create(backend: Backend) -> Any:
    """Return a fresh interface."""
    return SolverFactory(backend.interface)


def call(interface: Any, model: ConcreteModel, options: Mapping[str, Any], solver: Solver) -> Any:
    """Solve `model`, and return Pyomo's results."""
    clear_duals(model)
    return interface.solve(
        model,
        tee=solver.log,
        load_solutions=False,
        raise_exception_on_nonoptimal_result=False,
        solver_options=options,
    )


def read(backend: Backend, interface: Any, model: ConcreteModel, results: Any) -> Reply:
    """Read Pyomo's results, and the solver's own report where Pyomo has no word for it."""
    report = backend.report(interface)
    status = report.status or _STATUS.get(results.termination_condition, Status.SOLVER_ERROR)
    found = results.solution_status in (SolutionStatus.optimal, SolutionStatus.feasible)

    def load() -> None:
        if found:
            results.solution_loader.load_vars()
        if found and status is Status.OPTIMAL:  # what an incumbent has are no duals
            results.solution_loader.load_import_suffixes()

    return Reply(
        status,
        found if report.has_solution is None else report.has_solution,
        load,
        results.incumbent_objective,
        results.objective_bound,
        report.message or f"ended with {results.termination_condition.name}",
    )
