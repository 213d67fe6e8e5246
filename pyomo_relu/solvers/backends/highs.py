"""HiGHS: the embedded default for LPs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyomo.contrib.solver.common.factory import SolverFactory

from pyomo_relu import pyomo_names
from pyomo_relu.solvers.adapter import Contrib
from pyomo_relu.solvers.backend import Backend, Capability, package_version, refusal
from pyomo_relu.solvers.outcome import Outcome
from pyomo_relu.solvers.quiet_highs import QuietHighs
from pyomo_relu.status import Status


def check_option(name: str, value: Any) -> str | None:
    """Ask HiGHS itself."""
    import highspy

    scratch = QuietHighs()
    if scratch.getOptionType(name)[0] == highspy.HighsStatus.kError:
        return "no such option"
    try:
        taken = scratch.setOptionValue(name, value)
    except TypeError:
        return f"value {value!r} is refused"
    if taken == highspy.HighsStatus.kError:
        return f"value {value!r} is refused"
    return refusal(value, scratch.getOptionValue(name)[1])


def cancel(interface: Any) -> None:
    """Ask HiGHS to stop; a KeyboardInterrupt inside it would take the incumbent along.

    Before it has begun, there is none.
    """
    if not interface.begun:
        raise KeyboardInterrupt
    interface._solver_model.cancelSolve()


def corrected(interface: Any, read: Outcome) -> Outcome:
    """Name the ending for which Pyomo has no word."""
    from highspy import HighsModelStatus

    ran_out = interface._solver_model.getModelStatus() == HighsModelStatus.kMemoryLimit
    return replace(read, status=Status.LIMIT) if ran_out else read


HIGHS = Backend(
    name="highs",
    title="HiGHS",
    adapter=lambda: Contrib(SolverFactory(pyomo_names.HIGHS), corrected=corrected, cancel=cancel, persistent=True),
    supports=frozenset({Capability.LP, Capability.MILP}),
    install="pip install highspy",
    version=lambda: package_version("highspy"),
    settings={
        "time_limit": "time_limit",
        "rel_gap": "mip_rel_gap",
        "abs_gap": "mip_abs_gap",
        "nodes": "mip_max_nodes",
        "threads": "threads",
        "seed": "random_seed",
        "feasibility_tol": "primal_feasibility_tolerance",
        "mip_feasibility_tol": "mip_feasibility_tolerance",
        "dropped": "small_matrix_value",
    },
    check_option=check_option,
    keeps_proofs=True,
)
