"""GLPK, run as the program ``glpsol``."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from functools import cache
from typing import Any

from pyomo_relu.solvers.backend import Backend, Capability


@cache
def _said(flag: str) -> str | None:
    program = shutil.which("glpsol")
    if program is None:
        return None
    return subprocess.run([program, flag], capture_output=True, text=True, timeout=30, check=False).stdout


def version() -> str | None:
    """Return what ``glpsol`` says of its own version."""
    said = _said("--version")
    if said is None:
        return None
    found = re.search(r"(\d+\.\d+)", said)
    return found.group(1) if found else "unknown"


def check_option(name: str, value: Any) -> str | None:
    """Look the name up in ``glpsol --help``."""
    known = set(re.findall(r"--(\w+)", _said("--help") or ""))
    return None if name in known else "no such option"


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
    executable=lambda: shutil.which("glpsol"),
)
