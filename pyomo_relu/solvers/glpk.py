"""GLPK, run as the program ``glpsol``."""

from __future__ import annotations

import math
import re
import shutil
from typing import Any

from pyomo_relu.solvers.backend import Backend, Capability, said_by
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


def executable() -> str | None:
    """Return the path of ``glpsol``."""
    return shutil.which("glpsol")


def version() -> str | None:
    """Return what ``glpsol`` says of its own version."""
    program = executable()
    if program is None:
        return None
    found = re.search(r"(\d+\.\d+)", said_by(program, "--version"))
    return found.group(1) if found else "unknown"


def check_option(name: str, value: Any) -> str | None:
    """Ask ``glpsol`` itself: a good option leaves it to miss the problem file only."""
    if name == "nomip":
        return "would solve another model, without the integers"
    words = (f"--{name}", str(value)) if str(value).strip() else (f"--{name}",)
    said = said_by(executable() or "glpsol", *words)
    if "No input problem file" in said:
        return None
    if "Unable to open" in said:
        return f'takes no value: give "", not {value!r}'
    return said.strip().splitlines()[0] if said.strip() else "is refused"


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
    interface="glpk",
    legacy=True,
    supports=frozenset({Capability.LP, Capability.MILP}),
    install="apt install glpk-utils",
    version=version,
    settings={"time_limit": "tmlim", "rel_gap": "mipgap"},
    convert={"time_limit": math.ceil},
    check_option=check_option,
    executable=executable,
    report=report,
    drops=0.0,
    harmless=frozenset({"nopresol"}),
)
