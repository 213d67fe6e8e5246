"""Experiments of milliseconds, which worker processes can import."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from command_line import NARROW, result

from pyomo_relu.experiments import Finding, Row, Summary, Task
from pyomo_relu.experiments.instances import solved
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.solvers import Solver
from pyomo_relu.status import Status


@dataclass(frozen=True)
class Tiny:
    """Draw a number a task."""

    name: ClassVar[str] = "tiny"
    title: ClassVar[str] = "Tiny"
    setting: ClassVar[str] = "Numbers."
    default_runs: ClassVar[int] = 3
    default_every: ClassVar[int] = 1
    size: ClassVar[tuple[float, float]] = (3.0, 2.0)

    def tasks(self, runs: int, every: int = 1) -> list[Task]:
        return [("cell", 0.1, run) for run in range(runs)]

    def perform(self, task: Task, seed: int) -> list[Row]:
        return [{"run": task[2], "error": float(np.random.default_rng([seed, task[2]]).random())}]

    def summary(self, rows: Sequence[Row]) -> Summary:
        return Summary(("a", "b", "runs"), [("x|y", "z", str(len(rows)))])

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        return [Finding("said", "seen", False), Finding("else", "seen", None)]

    def draw(self, rows: Sequence[Row], figure: Any) -> None:
        figure.subplots().plot([row["error"] for row in rows])


@dataclass(frozen=True)
class Dying(Tiny):
    """Its worker dies in run 1."""

    def perform(self, task: Task, seed: int) -> list[Row]:
        if task[2] == 1:
            os._exit(3)
        return super().perform(task, seed)


@dataclass(frozen=True)
class DyingOnce(Tiny):
    """Its worker dies in run 1, the first time."""

    mark: str

    def perform(self, task: Task, seed: int) -> list[Row]:
        if task[2] == 1 and not Path(self.mark).exists():
            Path(self.mark).touch()
            os._exit(3)
        return super().perform(task, seed)


@dataclass(frozen=True)
class Mistaken(Tiny):
    """It has a bug."""

    def perform(self, task: Task, seed: int) -> list[Row]:
        raise ZeroDivisionError


class Stopped:
    """A method that Ctrl-C ends."""

    def run(self, problem: Problem, solver: Solver) -> Result:
        return result(Status.INTERRUPTED)


@dataclass(frozen=True)
class Interrupted(Tiny):
    """Ctrl-C comes in run 1."""

    def perform(self, task: Task, seed: int) -> list[Row]:
        if task[2] == 1:
            solved(Problem.of(NARROW, [1.0] * NARROW.n_out), Stopped(), None)
        return super().perform(task, seed)


class TinyCheck:
    """A statement that a package adds."""

    name: ClassVar[str] = "lemma 7"
    setting: ClassVar[str] = "a number"
    places: ClassVar[Sequence[float]] = (0.5, 1)

    def perform(self, at: float, rng: np.random.Generator) -> list[Row]:
        return [{"drawn": float(rng.random()) * at}]

    def facts(self, at: float, rows: Sequence[Row]) -> tuple[str, str]:
        return f"{len(rows)} drawn", f"at most {at:g}"

    def finding(self, rows: Sequence[Row]) -> Finding:
        return Finding("Lemma 7", "seen", all(row["drawn"] <= row["at"] for row in rows))

    def draw(self, rows: Sequence[Row], axes: Any) -> None:
        axes.plot([row["at"] for row in rows], [row["drawn"] for row in rows], "o", label="drawn")
