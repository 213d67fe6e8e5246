"""Gurobi, through gurobipy; without a licence it takes 2,000 rows and 2,000 columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyomo.contrib.solver.common.factory import SolverFactory

from pyomo_relu.solvers.adapter import Contrib
from pyomo_relu.solvers.backend import Backend, Capability, package_version, refusal
from pyomo_relu.solvers.outcome import Outcome
from pyomo_relu.status import Status


def check_option(name: str, value: Any) -> str | None:
    """Ask Gurobi itself; where it has no licence to answer with, the solve will say so."""
    import gurobipy

    try:
        with gurobipy.Env(params={"OutputFlag": 0}) as env, gurobipy.Model(env=env) as scratch:
            if scratch.getParamInfo(name) is None:
                return "no such parameter"
            scratch.setParam(name, value)
            return refusal(value, scratch.getParamInfo(name)[2])
    except gurobipy.GurobiError as error:
        return None if error.errno == gurobipy.GRB.Error.NO_LICENSE else str(error)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        return f"value {value!r} is refused ({error})"


def corrected(interface: Any, read: Outcome) -> Outcome:
    """Name the endings for which Pyomo has no word."""
    from gurobipy import GRB

    words = {
        GRB.SOLUTION_LIMIT: Status.LIMIT,
        GRB.WORK_LIMIT: Status.LIMIT,
        GRB.MEM_LIMIT: Status.LIMIT,
    }
    return replace(read, status=words.get(interface._solver_model.Status, read.status))


GUROBI = Backend(
    name="gurobi",
    title="Gurobi",
    adapter=lambda: Contrib(SolverFactory("gurobi_persistent"), corrected=corrected),
    supports=frozenset(Capability),
    install="pip install gurobipy (free for 2,000 rows and columns; else a licence)",
    version=lambda: package_version("gurobipy"),
    settings={
        "time_limit": "TimeLimit",
        "nodes": "NodeLimit",
        "rel_gap": "MIPGap",
        "abs_gap": "MIPGapAbs",
        "threads": "Threads",
        "seed": "Seed",
        "feasibility_tol": "FeasibilityTol",
        "mip_feasibility_tol": "FeasibilityTol",
    },
    check_option=check_option,
    keeps_proofs=True,
    failures={"10010": Status.SIZE_LIMIT, "10009": Status.NO_LICENSE},
)
