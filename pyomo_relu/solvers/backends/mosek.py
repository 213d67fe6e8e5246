"""MOSEK; it needs a licence file, without which it is installed but does not run."""

from __future__ import annotations

from typing import Any

from pyomo.environ import SolverFactory

from pyomo_relu.solvers.adapter import Legacy
from pyomo_relu.solvers.backend import Backend, Capability, package_version
from pyomo_relu.status import Status


def check_option(name: str, value: Any) -> str | None:
    """Ask MOSEK itself for ``dparam.mio_tol_rel_gap``; names of values, as ``onoffkey.on``, are left to Pyomo."""
    import mosek

    family, _, parameter = name.partition(".")
    if family not in ("dparam", "iparam", "sparam") or not hasattr(getattr(mosek, family), parameter):
        return "no such parameter (write dparam.NAME, iparam.NAME or sparam.NAME)"
    if family == "iparam" and isinstance(value, str):
        return None
    with mosek.Task() as scratch:
        put = {"dparam": scratch.putdouparam, "iparam": scratch.putintparam, "sparam": scratch.putstrparam}[family]
        try:
            put(getattr(getattr(mosek, family), parameter), value)
        except (mosek.Error, TypeError, ValueError, OverflowError) as error:
            return f"value {value!r} is refused ({error})"
    return None


MOSEK = Backend(
    name="mosek",
    title="MOSEK",
    adapter=lambda: Legacy(SolverFactory("mosek_direct")),
    supports=frozenset({Capability.LP, Capability.MILP, Capability.MIQP}),
    install="pip install mosek (and a licence file)",
    version=lambda: package_version("mosek"),
    settings={
        "time_limit": "dparam.optimizer_max_time",
        "rel_gap": "dparam.mio_tol_rel_gap",
        "abs_gap": "dparam.mio_tol_abs_gap",
        "threads": "iparam.num_threads",
        "seed": "iparam.mio_seed",
        "feasibility_tol": "dparam.intpnt_tol_pfeas",
        "mip_feasibility_tol": "dparam.mio_tol_feas",
    },
    check_option=check_option,
    failures={"size_license": Status.SIZE_LIMIT, "license": Status.NO_LICENSE},
)
