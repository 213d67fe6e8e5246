"""FICO Xpress; the community licence takes 5,000 rows plus columns."""

from __future__ import annotations

from typing import Any

from pyomo_relu.solvers.backend import Backend, Capability, package_version


def check_option(name: str, value: Any) -> str | None:
    """Ask Xpress itself."""
    import xpress

    scratch = xpress.problem()
    if not hasattr(scratch.controls, name.lower()):
        return "no such control"
    try:
        scratch.setControl(name, value)
    except (xpress.SolverError, xpress.ModelError, TypeError, ValueError) as error:
        return f"value {value!r} is refused ({error})"
    return None


XPRESS = Backend(
    name="xpress",
    title="Xpress",
    interface="xpress_direct",
    legacy=True,
    supports=frozenset({Capability.LP, Capability.MILP, Capability.SOS1, Capability.MIQP}),
    install="pip install xpress (community size; else a licence)",
    version=lambda: package_version("xpress"),
    settings={
        "time_limit": "timelimit",
        "rel_gap": "miprelstop",
        "abs_gap": "mipabsstop",
        "threads": "threads",
        "seed": "randomseed",
        "feasibility_tol": "feastol",
        "mip_feasibility_tol": "miptol",
    },
    check_option=check_option,
)
