"""The command line as the tests see it: what a run leaves, and results to show."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pyomo_relu.certificate import Certificate, Claim, Standing
from pyomo_relu.network import Network
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.solvers import Call, Solver
from pyomo_relu.status import Status

CODE = np.array([1.0, -1.0, 0.5])

NET = Network.random((3, 12, 30), seed=4)

NARROW = Network.random((3, 6, 8), seed=1)


@dataclass(frozen=True)
class Answering:
    """A method that answers as a test says."""

    answer: Callable[..., Result]
    norm = "inf"

    def solver_calls(self, solver: Solver) -> tuple[Call, ...]:
        return ()

    def run(self, problem: Problem, solver: Solver) -> Result:
        return self.answer(problem, solver)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


# Runs the command after it, and leaves a file where a function is called for the n-th time.
MARKING = """
import runpy, sys
from importlib import import_module
from pathlib import Path

module, name, nth, *sys.argv[1:] = sys.argv[1:]
*owners, name = name.split(".")
owner = import_module(module)
for part in owners:
    owner = getattr(owner, part)
function, calls = getattr(owner, name), []

def marked(*arguments, **named):
    calls.append(name)
    if len(calls) == int(nth):
        Path("reached").touch()
    return function(*arguments, **named)

setattr(owner, name, marked)
runpy.run_module("pyomo_relu", run_name="__main__")
"""


def pressed_ctrl_c(*command: Any, inside: tuple[str, str], nth: int = 1, after: float = 0.5) -> Ran:
    """Run a command in a process of its own, and press Ctrl-C some seconds after a function's n-th call.

    How long what comes before takes plays no part: how fast the machine is matters only for what comes after.
    """
    reached, latest = Path("reached"), time.perf_counter() + 120.0
    with subprocess.Popen(
        [sys.executable, "-c", MARKING, *inside, str(nth), *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    ) as process:
        try:
            while not reached.exists():
                assert process.poll() is None, process.communicate()
                assert time.perf_counter() < latest, f"{inside} is not called"
                time.sleep(0.01)
            time.sleep(after)
            process.send_signal(signal.SIGINT)
            started = time.perf_counter()
            out, err = process.communicate(timeout=60.0)
        finally:
            process.kill()
    assert time.perf_counter() - started < 20.0
    return Ran(process.returncode, out, err)


def refused(ran: Ran, *said: str) -> None:
    """Check that bad input was refused in one line."""
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert ran.err.endswith("\n")
    for text in said:
        assert text in ran.err


def result(status: Status, z: Any = None, realizable: bool | None = None, **fields: Any) -> Result:
    given: dict[str, Any] = {"residual": None if z is None else 0.5, "dual_bound": 0.25, **fields}
    certificate = Certificate((Claim("a claim", Standing.TRUSTED, "somebody"),))
    return Result(
        z=z, status=status, norm="inf", objective=None, realizable=realizable, certificate=certificate,
        seconds=0.1, solver="Solver 1.0", **given,
    )  # fmt: skip
