"""GLPK, run as the program ``glpsol``."""

from __future__ import annotations

import math
import re
import shutil
from typing import Any

from pyomo_relu.solvers import program_interface
from pyomo_relu.solvers.backend import Backend, Capability
from pyomo_relu.solvers.program import Ended, ProgramError, answer
from pyomo_relu.solvers.reply import Report, printed_bound
from pyomo_relu.status import Status

_ENDINGS = {
    "TIME LIMIT EXCEEDED": Status.TIME_LIMIT,
    "ITERATION LIMIT EXCEEDED": Status.LIMIT,
    "ITERATIONS LIMIT EXCEEDED": Status.LIMIT,
    "RELATIVE MIP GAP TOLERANCE REACHED": Status.OPTIMAL,
    "OPTIMAL SOLUTION FOUND": Status.OPTIMAL,
    "OPTIMAL LP SOLUTION FOUND": Status.OPTIMAL,
    "HAS NO PRIMAL FEASIBLE SOLUTION": Status.INFEASIBLE,
    "HAS NO INTEGER FEASIBLE SOLUTION": Status.INFEASIBLE,
    "HAS NO FEASIBLE SOLUTION": Status.INFEASIBLE,
    "incorrect bounds": Status.INFEASIBLE,
    "HAS UNBOUNDED": Status.UNBOUNDED,
    "HAS NO DUAL FEASIBLE SOLUTION": Status.INFEASIBLE_OR_UNBOUNDED,
    "HAS NO FEASIBLE PRIMAL/DUAL SOLUTION": Status.INFEASIBLE_OR_UNBOUNDED,
    "Integer optimization begins": Status.SOLVER_ERROR,  # until a later line says how it ended
    "SEARCH TERMINATED": Status.SOLVER_ERROR,
}

_REFUSED = re.compile(r"^(Invalid .*|No .* specified.*|Only one .* allowed.*)$", re.MULTILINE)


def executable() -> str | None:
    """Return the path of ``glpsol``."""
    return shutil.which("glpsol")


def version() -> str | None:
    """Return what ``glpsol`` says of its own version."""
    program = executable()
    if program is None:
        return None
    ended = answer(program, "--version")
    found = re.match(r"GLPSOL\D*(\d+\.\d+)", ended.said)
    if found is None:
        raise _nonsense(program, ended)
    return found.group(1)


def check_option(name: str, value: Any) -> str | None:
    """Ask ``glpsol`` itself: a good option leaves it to miss the problem file only."""
    if name == "nomip":
        return "would solve another model, without the integers"
    words = (f"--{name}", str(value)) if str(value).strip() else (f"--{name}",)
    program = executable() or "glpsol"
    ended = answer(program, *words)
    if "No input problem file" in ended.said:
        return None
    if ended.code == 0:
        return f"makes glpsol answer {ended.first_line!r}, and solve nothing"
    if "Unable to open" in ended.said:
        return f'takes no value: give "", not {value!r}'
    refused = _REFUSED.search(ended.said)
    if refused is None:
        raise _nonsense(program, ended)
    return refused.group().strip()


def _nonsense(program: str, ended: Ended) -> ProgramError:
    return ProgramError(f"{program} does not answer as GLPK does: exit code {ended.code}, {ended.first_line!r}")


def report(interface: Any) -> Report:
    """Read the end of GLPK's log: Pyomo has no words for most of its endings."""
    status, bound, message = None, None, ""
    for line in interface._log.splitlines():
        status = next((ending for words, ending in _ENDINGS.items() if words in line), status)
        if line.startswith("+"):
            bound = re.search(r"([<>])=\s+(-?\d\S*)", line)
        elif line.startswith("glp_"):
            message = line
    return Report(status, None, printed_bound(bound.group(2), below=bound.group(1) == ">") if bound else None, message)


GLPK = Backend(
    name="glpk",
    title="GLPK",
    interface=program_interface.GLPK_NAME,
    legacy=True,
    supports=frozenset({Capability.LP, Capability.MILP}),
    install="apt install glpk-utils",
    version=version,
    settings={"time_limit": "tmlim", "rel_gap": "mipgap"},
    convert={"time_limit": math.ceil},
    check_option=check_option,
    executable=executable,
    cancel=program_interface.cancel,
    report=report,
    drops=0.0,
    harmless=frozenset({"nopresol"}),
)
