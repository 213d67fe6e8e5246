"""GLPK, run as the program ``glpsol``."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import replace
from typing import Any

from pyomo.solvers.plugins.solvers.GLPK import GLPKSHELL

from pyomo_relu.solvers.backend import Backend, Capability
from pyomo_relu.solvers.outcome import Outcome
from pyomo_relu.solvers.program import Ended, ProgramError, answer
from pyomo_relu.solvers.shell import Shell, WatchedProgram, printed_bound
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


class WatchedGlpk(WatchedProgram, GLPKSHELL):  # type: ignore[misc]
    """Pyomo's GLPK, with a limit that holds; ``glpsol`` takes whole seconds."""

    limit_option, whole_seconds, asked = "tmlim", True, ("--version",)


def corrected(interface: Any, read: Outcome) -> Outcome:
    """Read the end of GLPK's log: Pyomo has no words for most of its endings."""
    status, bound, message = read.status, None, read.message
    for line in interface._log.splitlines():
        status = next((ending for words, ending in _ENDINGS.items() if words in line), status)
        if line.startswith("+"):
            bound = re.search(r"([<>])=\s+(-?\d\S*)", line)
        elif line.startswith("glp_"):
            message = line
    printed = None if bound is None else printed_bound(bound.group(2), below=bound.group(1) == ">")
    return replace(read, status=status, bound=printed, message=message)


GLPK = Backend(
    name="glpk",
    title="GLPK",
    adapter=lambda: Shell(WatchedGlpk(executable=executable()), corrected=corrected),
    supports=frozenset({Capability.LP, Capability.MILP}),
    install="apt install glpk-utils",
    version=version,
    settings={"time_limit": "tmlim", "rel_gap": "mipgap"},
    convert={"time_limit": math.ceil},
    check_option=check_option,
    drops=0.0,
    harmless=frozenset({"nopresol"}),
)
