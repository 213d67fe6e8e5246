"""Run one of Pyomo's new (``pyomo.contrib.solver``) interfaces."""

from __future__ import annotations

from typing import Any

from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.contrib.solver.common.results import SolutionStatus, TerminationCondition
from pyomo.environ import ConcreteModel

from pyomo_relu.solvers.answer import Answer
from pyomo_relu.solvers.backend import Backend
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


def run(model: ConcreteModel, backend: Backend, keywords: dict[str, Any], options: dict[str, Any], log: bool) -> Answer:
    """Solve `model` and load the solution where there is one."""
    # A fresh interface each time: Pyomo's HiGHS keeps options from call to call.
    results = SolverFactory(backend.interface).solve(
        model,
        tee=log,
        load_solutions=False,
        raise_exception_on_nonoptimal_result=False,
        solver_options=options,
        **keywords,
    )
    status = _STATUS.get(results.termination_condition, Status.SOLVER_ERROR)
    has_solution = results.solution_status in (SolutionStatus.optimal, SolutionStatus.feasible)
    if has_solution:
        results.solution_loader.load_solution()
    message = "" if status is not Status.SOLVER_ERROR else f"ended with {results.termination_condition.name}"
    return Answer(
        status, has_solution, results.incumbent_objective if has_solution else None, results.objective_bound, message
    )
