"""Methods of inversion that fail as the tests of batches need it, in a file that workers can import."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from pyomo_relu.errors import SolverUnavailableError
from pyomo_relu.formulations import LinearSolve
from pyomo_relu.inversion import Layerwise
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.solvers import Solver
from pyomo_relu.status import Status

MARK = 1e6
"""A first output above this asks a method to fail."""


def invert(problem: Problem, solver: Solver) -> Result:
    return Layerwise(LinearSolve()).run(problem, solver)


@dataclass(frozen=True)
class Raising:
    def run(self, problem: Problem, solver: Solver) -> Result:
        if problem.x[0] > MARK:
            raise ZeroDivisionError("of the\nmethod")
        return invert(problem, solver)


@dataclass(frozen=True)
class Unavailable:
    def run(self, problem: Problem, solver: Solver) -> Result:
        raise SolverUnavailableError("not here")


@dataclass(frozen=True)
class Killing:
    """Kill the worker at marked observations: always, or where `flag` is a path only until that is a file."""

    flag: str | None = None
    seconds: float = 0.0

    def run(self, problem: Problem, solver: Solver) -> Result:
        time.sleep(self.seconds)
        if problem.x[0] > MARK and not (self.flag is not None and Path(self.flag).exists()):
            if self.flag is not None:
                Path(self.flag).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return invert(problem, solver)


@dataclass(frozen=True)
class Counting:
    """Leave a line in a file for every observation, after some time."""

    path: str
    seconds: float = 0.0

    def run(self, problem: Problem, solver: Solver) -> Result:
        with Path(self.path).open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(self.seconds)
        return invert(problem, solver)


@dataclass(frozen=True)
class Refusing(Counting):
    """Refuse the whole batch at a marked observation, as soon as another one is under way."""

    def run(self, problem: Problem, solver: Solver) -> Result:
        if problem.x[0] > MARK:
            while not Path(self.path).exists():
                time.sleep(0.01)
            raise SolverUnavailableError("not here")
        return super().run(problem, solver)


@dataclass(frozen=True)
class Ending:
    """End as a solver might."""

    status: Status

    def run(self, problem: Problem, solver: Solver) -> Result:
        result = invert(problem, solver)
        return Result(**{**vars(result), "status": self.status, "message": "it said so"})


@dataclass(frozen=True)
class Unsendable:
    def run(self, problem: Problem, solver: Solver) -> Result:
        return invert(problem, solver)

    def __reduce__(self) -> str:
        raise TypeError("not to be pickled")
