"""The paper's theorems, each by a `Check`; packages may add checks of their own."""

from __future__ import annotations

import functools
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, ClassVar

import numpy as np

from pyomo_relu.errors import PyomoReluError
from pyomo_relu.experiments.check import Check
from pyomo_relu.experiments.corollary_1 import Corollary1
from pyomo_relu.experiments.error_bounds import THEOREM_3, THEOREM_4
from pyomo_relu.experiments.experiment import Finding, Row, Summary, Task
from pyomo_relu.experiments.statistics import distinct, select
from pyomo_relu.experiments.style import bare_axes
from pyomo_relu.experiments.theorem_2 import Theorem2

GROUP = "pyomo_relu.theory"
"""Entry points that name a class; its instances, made without arguments, are checks."""


@dataclass(frozen=True)
class Theory:
    """Failure probabilities, constants and error bounds against what is seen."""

    name: ClassVar[str] = "theory"
    title: ClassVar[str] = "The paper's theorems on random instances"
    default_runs: ClassVar[int] = 16
    default_every: ClassVar[int] = 1
    size: ClassVar[tuple[float, float]] = (14.0, 8.0)

    @property
    def setting(self) -> str:
        """What each check draws and solves."""
        return " ".join(f"{check.name.capitalize()}: {check.setting}." for check in checks().values())

    def tasks(self, runs: int, every: int) -> list[Task]:
        """Return check, place, and number of each run; nothing here is expensive."""
        return [(name, at, run) for run in range(runs) for name, check in checks().items() for at in check.places]

    def perform(self, task: Task, seed: int) -> list[Row]:
        """Try one statement at one place."""
        name, at, run = task
        # By its name, not its number: what else is installed does not matter.
        rng = np.random.default_rng([seed, 5, zlib.crc32(name.encode()), round(1e6 * at), run])
        return [{"check": name, "at": at, "run": run, **row} for row in checks()[name].perform(at, rng)]

    def summary(self, rows: Sequence[Row]) -> Summary:
        """Return a row a check and place."""
        table = []
        for name in distinct(rows, "check"):
            for at in distinct(select(rows, check=name), "at"):
                group = select(rows, check=name, at=at)
                table.append((name, f"{at:g}", str(len(group)), *checks()[name].facts(at, group)))
        return Summary(("check", "at", "runs", "measured", "theory"), table)

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        """Compare with sections 3 and 4."""
        return [checks()[name].finding(select(rows, check=name)) for name in distinct(rows, "check")]

    def draw(self, rows: Sequence[Row], figure: Any) -> None:
        """Give each check a picture."""
        names = distinct(rows, "check")
        grid = figure.subplots(2, math.ceil(len(names) / 2), squeeze=False)
        for axes in grid.flat[len(names) :]:
            axes.remove()
        for name, axes in zip(names, grid.flat, strict=False):
            checks()[name].draw(select(rows, check=name), axes)
            axes.legend(fontsize=7, frameon=False)
            axes.title.set_fontsize(10)
            bare_axes(axes)


@functools.cache
def checks() -> dict[str, Check]:
    """Return this module's checks by name, and those of installed packages: entry points of `GROUP`.

    Raises
    ------
    PyomoReluError
        If two have one name.

    Examples
    --------
    >>> list(checks())[:4]
    ['theorem 2', 'theorem 3', 'theorem 4', 'corollary 1']
    """
    own: list[Check] = [Theorem2(), THEOREM_3, THEOREM_4, Corollary1()]
    found: dict[str, Check] = {}
    for check in own + [point.load()() for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)]:
        if found.setdefault(check.name, check) is not check:
            raise PyomoReluError(f"two checks of the theory have the name {check.name!r}: see the entry points {GROUP}")
    return found
