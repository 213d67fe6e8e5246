"""CPLEX; the community edition takes 1,000 rows and columns."""

from __future__ import annotations

from typing import Any

from pyomo_relu.solvers.backend import Backend, Capability, package_version


def check_option(name: str, value: Any) -> str | None:
    """Walk CPLEX's tree of parameters as Pyomo does: ``mip_tolerances_mipgap``."""
    import cplex

    with cplex.Cplex() as scratch:
        node = scratch.parameters
        for part in name.split("_"):
            node = getattr(node, part, None)
            if node is None:
                return "no such parameter"
        try:
            node.set(value)
        except (cplex.exceptions.CplexError, TypeError, ValueError, AttributeError) as error:
            return f"value {value!r} is refused ({error})"
    return None


CPLEX = Backend(
    name="cplex",
    title="CPLEX",
    interface="cplex_direct",
    legacy=True,
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
        "mip_feasibility_tol": "mip_tolerances_integrality",
    },
    check_option=check_option,
)
