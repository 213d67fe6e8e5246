"""MOSEK; it needs a licence file, without which it is installed but does not run."""

from __future__ import annotations

from typing import Any

from pyomo_relu.solvers.backend import Backend, Capability, package_version


def check_option(name: str, value: Any) -> str | None:
    """Look the name up among MOSEK's parameters: ``dparam.mio_tol_rel_gap``."""
    import mosek

    family, _, parameter = name.partition(".")
    known = family in ("dparam", "iparam", "sparam") and hasattr(getattr(mosek, family), parameter)
    return None if known else "no such parameter (write dparam.NAME, iparam.NAME or sparam.NAME)"


MOSEK = Backend(
    name="mosek",
    title="MOSEK",
    interface="mosek_direct",
    legacy=True,
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
)
