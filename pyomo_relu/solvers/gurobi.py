"""Gurobi, through gurobipy; without a licence it takes 2,000 rows and 2,000 columns."""

from __future__ import annotations

from typing import Any

from pyomo_relu.solvers.backend import Backend, Capability, package_version


def check_option(name: str, value: Any) -> str | None:
    """Ask Gurobi itself."""
    import gurobipy

    try:
        with gurobipy.Env(params={"OutputFlag": 0}) as env, gurobipy.Model(env=env) as scratch:
            info = scratch.getParamInfo(name)
            if info is None:
                return "no such parameter"
            scratch.setParam(name, value)
    except (gurobipy.GurobiError, TypeError, ValueError) as error:
        return f"value {value!r} is refused ({error})"
    return None


GUROBI = Backend(
    name="gurobi",
    title="Gurobi",
    interface="gurobi_persistent",
    legacy=False,
    supports=frozenset(Capability),
    install="pip install gurobipy (free for 2,000 rows and columns; else a licence)",
    version=lambda: package_version("gurobipy"),
    settings={"seed": "Seed", "feasibility_tol": "FeasibilityTol", "mip_feasibility_tol": "FeasibilityTol"},
    check_option=check_option,
)
