"""FICO Xpress; the community licence takes 5,000 rows plus columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyomo.environ import SolverFactory

from pyomo_relu.solvers.adapter import Legacy
from pyomo_relu.solvers.backend import Backend, Capability, package_version, refusal
from pyomo_relu.solvers.outcome import Outcome
from pyomo_relu.status import Status


def check_option(name: str, value: Any) -> str | None:
    """Ask Xpress itself."""
    import xpress

    scratch = xpress.problem()
    try:
        getattr(scratch.controls, name.lower())
    except (xpress.InterfaceError, AttributeError):
        return "no such control"
    try:
        scratch.setControl(name, value)
    except (xpress.SolverError, xpress.ModelError, xpress.InterfaceError, TypeError, ValueError) as error:
        return f"value {value!r} is refused ({error})"
    return refusal(value, getattr(scratch.controls, name.lower()))


def corrected(interface: Any, read: Outcome) -> Outcome:
    """Read Xpress's own status and bound: Pyomo has no word for its limits."""
    from xpress import SolStatus, StopType

    ended = interface._solver_model.attributes
    words = {
        SolStatus.OPTIMAL: Status.OPTIMAL,
        SolStatus.INFEASIBLE: Status.INFEASIBLE,
        SolStatus.UNBOUNDED: Status.UNBOUNDED,
    }
    stops = {
        StopType.TIMELIMIT: Status.TIME_LIMIT,
        StopType.NODELIMIT: Status.LIMIT,
        StopType.ITERLIMIT: Status.LIMIT,
        StopType.SOLLIMIT: Status.LIMIT,
        StopType.MEMORYERROR: Status.LIMIT,
        StopType.CTRLC: Status.INTERRUPTED,
        StopType.USER: Status.INTERRUPTED,
    }
    return replace(
        read,
        status=words.get(ended.solstatus) or stops.get(ended.stopstatus) or read.status,
        has_solution=ended.solstatus in (SolStatus.OPTIMAL, SolStatus.FEASIBLE),
        bound=ended.bestbound,
    )


XPRESS = Backend(
    name="xpress",
    title="Xpress",
    adapter=lambda: Legacy(SolverFactory("xpress_direct"), corrected=corrected),
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
        "mip_feasibility_tol": "feastol",
        "dropped": "matrixtol",
    },
    # Nodes within 1e-5 of the incumbent are cut off where not told otherwise, whatever the gap.
    defaults={"mipaddcutoff": -1e-7},
    check_option=check_option,
    failures={"?120 ": Status.SIZE_LIMIT, "icense": Status.NO_LICENSE},
)
