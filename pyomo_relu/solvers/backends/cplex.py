"""CPLEX; the community edition takes 1,000 rows and columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyomo.environ import SolverFactory

from pyomo_relu.solvers.adapter import Legacy
from pyomo_relu.solvers.backend import Backend, Capability, package_version, refusal
from pyomo_relu.solvers.outcome import Outcome
from pyomo_relu.status import Status


def check_option(name: str, value: Any) -> str | None:
    """Walk CPLEX's tree of parameters as Pyomo does: ``mip_tolerances_mipgap``."""
    import cplex

    with cplex.Cplex() as scratch:
        node = scratch.parameters
        for part in name.split("_"):
            node = getattr(node, part, None)
        if not hasattr(node, "set"):
            return "no such parameter"
        try:
            node.set(value)
        except (cplex.exceptions.CplexError, TypeError, ValueError, OverflowError) as error:
            return f"value {value!r} is refused ({error})"
        return refusal(value, node.get())


def corrected(interface: Any, read: Outcome) -> Outcome:
    """Read CPLEX's own status and bound: Pyomo calls most of its limits errors."""
    solved = interface._solver_model
    code = solved.solution.status
    words = {
        code.MIP_time_limit_feasible: Status.TIME_LIMIT,
        code.MIP_time_limit_infeasible: Status.TIME_LIMIT,
        code.abort_time_limit: Status.TIME_LIMIT,
        code.abort_iteration_limit: Status.LIMIT,
        code.solution_limit: Status.LIMIT,
        code.node_limit_feasible: Status.LIMIT,
        code.node_limit_infeasible: Status.LIMIT,
        code.mem_limit_feasible: Status.LIMIT,
        code.mem_limit_infeasible: Status.LIMIT,
        code.abort_user: Status.INTERRUPTED,
        code.MIP_abort_feasible: Status.INTERRUPTED,
        code.MIP_abort_infeasible: Status.INTERRUPTED,
    }
    is_mip = solved.get_problem_type() in (
        solved.problem_type.MILP,
        solved.problem_type.MIQP,
        solved.problem_type.MIQCP,
    )
    ended = solved.solution
    return replace(
        read,
        status=words.get(ended.get_status(), read.status),
        has_solution=ended.is_primal_feasible(),
        bound=ended.MIP.get_best_objective() if is_mip else None,
        message=ended.get_status_string() or read.message,
    )


CPLEX = Backend(
    name="cplex",
    title="CPLEX",
    adapter=lambda: Legacy(SolverFactory("cplex_direct"), corrected=corrected),
    supports=frozenset({Capability.LP, Capability.MILP, Capability.SOS1, Capability.MIQP}),
    install="pip install cplex (community size; else a licence)",
    version=lambda: package_version("cplex"),
    settings={
        "time_limit": "timelimit",
        "rel_gap": "mip_tolerances_mipgap",
        "abs_gap": "mip_tolerances_absmipgap",
        "threads": "threads",
        "seed": "randomseed",
        "feasibility_tol": "simplex_tolerances_feasibility",
        "mip_feasibility_tol": "simplex_tolerances_feasibility",
    },
    check_option=check_option,
    failures={"CPLEX Error  1016": Status.SIZE_LIMIT, "CPLEX Error  32": Status.NO_LICENSE},
)
