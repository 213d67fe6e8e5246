"""CBC: COIN-OR's branch and cut, run as a program."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from pyomo_relu.solvers.backend import Backend, Capability, package_version


@cache
def executable() -> str | None:
    """Return the path of ``cbc``: from the PATH, else from the ``cbcbox`` package."""
    found = shutil.which("cbc")
    if found is None and package_version("cbcbox") is not None:
        import cbcbox

        program = Path(cbcbox.cbc_bin_path())
        found = str(program) if program.is_file() else None
    return found


@cache
def version() -> str | None:
    """Return what ``cbc`` says of its own version."""
    program = executable()
    if program is None:
        return None
    said = subprocess.run([program, "-stop"], capture_output=True, text=True, timeout=30, check=False).stdout
    found = re.search(r"Version:\s*(\S+)", said)
    return found.group(1) if found else "unknown"


@cache
def known_parameters() -> tuple[tuple[str, str], ...]:
    """Return CBC's parameters as (shortest accepted prefix, whole name), from its own list."""
    program = executable()
    if program is None:
        return ()
    said = subprocess.run([program, "-?"], capture_output=True, text=True, timeout=30, check=False).stdout
    body = said.split("Commands are:")[-1]
    listed = [line for line in body.splitlines() if line.startswith(" ")]
    words = re.findall(r"([A-Za-z0-9]+)(?:\(([A-Za-z0-9]+)\))?", " ".join(listed))
    return tuple((head.lower(), (head + rest).lower()) for head, rest in words)


def check_option(name: str, value: Any) -> str | None:
    """Look the name up in CBC's list: on the command line it only prints "No match" and goes on."""
    asked = name.lower()
    known = any(whole.startswith(asked) and asked.startswith(head) for head, whole in known_parameters())
    return None if known else "no such parameter"


CBC = Backend(
    name="cbc",
    title="CBC",
    interface="cbc",
    legacy=True,
    supports=frozenset({Capability.LP, Capability.MILP}),
    install="pip install cbcbox (or: apt install coinor-cbc)",
    version=version,
    settings={
        "time_limit": "seconds",
        "rel_gap": "ratioGap",
        "abs_gap": "allowableGap",
        "threads": "threads",
        "seed": "randomCbcSeed",
        "feasibility_tol": "primalTolerance",
    },
    check_option=check_option,
    executable=executable,
    log_failures=("No match for", "is illegal for"),
)
