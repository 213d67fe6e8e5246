"""HiGHS: the embedded default for LPs."""

from __future__ import annotations

from typing import Any

from pyomo_relu.solvers.backend import Backend, Capability, package_version


def check_option(name: str, value: Any) -> str | None:
    """Ask HiGHS itself: Pyomo's interface ignores what HiGHS refuses."""
    import highspy

    scratch = highspy.Highs()
    scratch.setOptionValue("output_flag", False)
    if scratch.getOptionType(name)[0] == highspy.HighsStatus.kError:
        return "no such option"
    if scratch.setOptionValue(name, value) == highspy.HighsStatus.kError:
        return f"value {value!r} is refused"
    return None


HIGHS = Backend(
    name="highs",
    title="HiGHS",
    interface="highs",
    legacy=False,
    supports=frozenset({Capability.LP, Capability.MILP}),
    install="pip install highspy",
    version=lambda: package_version("highspy"),
    settings={
        "seed": "random_seed",
        "feasibility_tol": "primal_feasibility_tolerance",
        "mip_feasibility_tol": "mip_feasibility_tolerance",
    },
    check_option=check_option,
)
