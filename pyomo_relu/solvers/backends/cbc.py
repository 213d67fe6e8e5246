"""CBC: COIN-OR's branch and cut, run as a program."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyomo.solvers.plugins.solvers.CBCplugin import CBCSHELL

from pyomo_relu.solvers.backend import Backend, Capability, package_version, refusal
from pyomo_relu.solvers.outcome import Outcome
from pyomo_relu.solvers.program import ProgramError, answer
from pyomo_relu.solvers.shell import Shell, WatchedProgram, printed_bound
from pyomo_relu.status import Status

# Seconds are of processor time where not told otherwise, and points closer than 1e-5 are not told apart.
DEFAULTS = {"timeMode": "elapsed", "increment": 1e-9}
SETTINGS = {
    "time_limit": "seconds",
    "rel_gap": "ratioGap",
    "abs_gap": "allowableGap",
    "threads": "threads",
    "seed": "randomCbcSeed",
    "feasibility_tol": "primalTolerance",
}
_REFUSED = re.compile(r"no match for|multiple matches|unrecognized|illegal|possible options|valid range|unable to open")


def executable() -> str | None:
    """Return the path of ``cbc``: from the PATH, else from the ``cbcbox`` package."""
    found = shutil.which("cbc")
    if found is None and package_version("cbcbox") is not None:
        import cbcbox

        program = Path(cbcbox.cbc_bin_path())
        found = str(program) if program.is_file() else None
    return found


def version() -> str | None:
    """Return what ``cbc`` says of its own version."""
    program = executable()
    if program is None:
        return None
    ended = answer(program, "-stop")
    found = re.search(r"Version:\s*(\S+)|CBC (devel \(\S+\))", ended.said)
    if found is None:
        raise ProgramError(f"{program} does not answer as CBC does: exit code {ended.code}, {ended.first_line!r}")
    return found.group(1) or found.group(2)


def check_option(name: str, value: Any) -> str | None:
    """Ask CBC itself: in the middle of a run it would complain and go on without the option."""
    for full in (*SETTINGS.values(), *DEFAULTS):
        if full.lower().startswith(name.lower()) and full.lower() != name.lower():
            return f"is short for {full}: write it out"
    words = (f"-{name}", str(value)) if str(value).strip() else (f"-{name}",)
    said = answer(executable() or "cbc", *words, "-stop").said
    for line in said.splitlines():
        if _REFUSED.search(line.lower()):
            return line.strip()
    held = re.search(r"was changed from \S+ to (-?\d\S*)", said)
    if held and not math.isclose(float(held.group(1)), float(value), rel_tol=1e-4):
        return refusal(value, float(held.group(1)))
    return None


class WatchedCbc(WatchedProgram, CBCSHELL):  # type: ignore[misc]
    """Pyomo's CBC, with a limit that holds."""

    limit_option, whole_seconds, asked = "seconds", False, ("-stop",)


def corrected(interface: Any, read: Outcome) -> Outcome:
    """Read the end of CBC's log: Pyomo takes the relaxation of a stopped MILP for a solution.

    The development build in ``cbcbox`` holds LPs to 1e-6 whatever it is told, so that its optima
    and bounds may be off by more than the gap: it gets no bound.
    """
    log = interface._log
    if "infeasibility proved" in log:
        return replace(read, status=Status.INFEASIBLE)
    read = replace(read, bound=math.nan) if log.startswith("CBC devel") else read
    stopped = re.search(r"^Result - (?:Stopped on (\w+)|User ctrl-c)", log, re.MULTILINE)
    if stopped is None:
        return read
    status = {"time": Status.TIME_LIMIT, "difficulties": Status.SOLVER_ERROR, None: Status.INTERRUPTED}
    is_relaxed = not re.search(r"^Objective value:", log, re.MULTILINE) or "No feasible solution found" in log
    bound = re.search(r"^(Lower|Upper) bound:\s+(-?\d\S*)", log, re.MULTILINE)
    if bound is not None and read.bound is None:
        read = replace(read, bound=printed_bound(bound.group(2), below=bound.group(1) == "Lower"))
    return replace(
        read,
        status=status.get(stopped.group(1), Status.LIMIT),
        has_solution=read.has_solution and not is_relaxed,
        message=stopped.group(0),
    )


CBC = Backend(
    name="cbc",
    title="CBC",
    adapter=lambda: Shell(WatchedCbc(executable=executable()), corrected=corrected),
    supports=frozenset({Capability.LP, Capability.MILP}),
    install="pip install cbcbox (or: apt install coinor-cbc)",
    version=version,
    settings=SETTINGS,
    defaults=DEFAULTS,
    check_option=check_option,
    drops=0.0,
    harmless=frozenset({"maxNodes", "presolve", "preprocess"}),
)
