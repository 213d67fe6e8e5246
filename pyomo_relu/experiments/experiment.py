"""What every experiment has in common: tasks, rows, a table, findings and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

Task = tuple[Any, ...]
"""What one job of a worker is told: strings and numbers that JSON gives back as they were."""

Row = dict[str, Any]
"""What one method did in one run: plain JSON types, None for what is not known."""

# Journals hold these words: with others, --resume would do all again.
CHEAP, DEAR = "cheap", "dear"
"""Parts of a run: the methods of every run, and those that cost so much that they are left out of most runs."""


def parts(runs: int, every: int) -> list[tuple[str, int]]:
    """Return part and number of each run; more runs only append.

    Parameters
    ----------
    runs : int
    every : int
        Dear methods run in every such run, from the first one on.

    Examples
    --------
    >>> parts(3, 2)
    [('cheap', 0), ('dear', 0), ('cheap', 1), ('cheap', 2), ('dear', 2)]
    """
    return [(part, run) for run in range(runs) for part in (CHEAP, DEAR) if part == CHEAP or run % every == 0]


@dataclass(frozen=True)
class Finding:
    """A statement of the paper, beside what was measured.

    Parameters
    ----------
    paper : str
        What the paper says.
    measured : str
        What was seen here.
    agrees : bool or None
        None where the runs do not decide it, or the paper says nothing.

    Examples
    --------
    >>> Finding("descent fails for k >= 60", "all codes recovered up to k = 70", False).verdict
    'DISAGREES'
    """

    paper: str
    measured: str
    agrees: bool | None

    @property
    def verdict(self) -> str:
        """The answer in a word or two."""
        return {True: "agrees", False: "DISAGREES", None: "open"}[self.agrees]


@dataclass(frozen=True)
class Summary:
    """A table: headings, and rows of as many texts.

    Parameters
    ----------
    headings : sequence of str
    rows : sequence of sequence of str

    Examples
    --------
    >>> Summary(("k", "recovered"), [("10", "100 %"), ("125", "51 %")]).rows[1]
    ('125', '51 %')
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


class Experiment(Protocol):
    """One figure of the paper, or its theory; a new one is a file beside this and a line in ``EXPERIMENTS``.

    Examples
    --------
    >>> from pyomo_relu.experiments import EXPERIMENTS
    >>> fig2 = EXPERIMENTS["fig2"]
    >>> fig2.name, len(fig2.tasks(200, 200)) < len(fig2.tasks(200, 1))     # expensive methods in one run, or in all
    ('fig2', True)
    """

    name: ClassVar[str]
    title: ClassVar[str]
    default_runs: ClassVar[int]
    default_every: ClassVar[int]
    size: ClassVar[tuple[float, float]]

    @property
    def setting(self) -> str:
        """What is drawn and solved, in sentences."""
        ...

    def tasks(self, runs: int, every: int) -> list[Task]:
        """Return the jobs of all `parts`, those of run 0 first: a broken-off experiment is a smaller one."""
        ...

    def perform(self, task: Task, seed: int) -> list[Row]:
        """Do one job; what is drawn depends on the seed and the task alone."""
        ...

    def summary(self, rows: Sequence[Row]) -> Summary:
        """Return the table of the report."""
        ...

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        """Compare with the paper."""
        ...

    def draw(self, rows: Sequence[Row], figure: Any) -> None:
        """Draw on an empty Matplotlib figure of `size` inches."""
        ...
