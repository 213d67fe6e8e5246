"""Run one of Pyomo's older (``pyomo.environ.SolverFactory``) interfaces, with the same answer as the new ones."""

from __future__ import annotations

from typing import Any

from pyomo.environ import ConcreteModel, SolverFactory, minimize
from pyomo.opt import SolverStatus, TerminationCondition

from pyomo_relu.solvers.answer import Answer
from pyomo_relu.solvers.backend import Backend
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


def run(model: ConcreteModel, backend: Backend, keywords: dict[str, Any], options: dict[str, Any], log: bool) -> Answer:
    """Solve `model` and load the solution where there is one."""
    interface = SolverFactory(backend.interface, **({"executable": backend.executable()} if backend.executable else {}))
    results = interface.solve(model, tee=log, load_solutions=False, options=options, **keywords)
    status = _STATUS.get(results.solver.termination_condition, Status.SOLVER_ERROR)
    if status is Status.SOLVER_ERROR and results.solver.status == SolverStatus.aborted:
        status = Status.TIME_LIMIT if "time" in str(results.solver.message).lower() else Status.LIMIT
    has_solution = len(results.solution) > 0 and status not in (Status.INFEASIBLE, Status.UNBOUNDED)
    if has_solution:
        model.solutions.load_from(results)
    objective, bound = _values(model, results, has_solution)
    if status is Status.OPTIMAL and bound is None:
        bound = objective
    message = (
        "" if status is not Status.SOLVER_ERROR else str(results.solver.message or results.solver.termination_condition)
    )
    return Answer(status, has_solution, objective, bound, message)


def _values(model: ConcreteModel, results: Any, has_solution: bool) -> tuple[float | None, float | None]:
    from pyomo.environ import Objective, value

    objective = next(model.component_data_objects(Objective, active=True))
    incumbent = float(value(objective)) if has_solution else None
    raw = results.problem.lower_bound if objective.sense == minimize else results.problem.upper_bound
    bound = float(raw) if isinstance(raw, (int, float)) else None
    return incumbent, bound
