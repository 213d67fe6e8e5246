"""One experiment from its tasks to its files: journal, figure and report."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import pyomo_relu
from pyomo_relu.atomic import atomic_write
from pyomo_relu.batch import Processes
from pyomo_relu.batch.line_file import open_lines
from pyomo_relu.errors import InputError
from pyomo_relu.experiments.experiment import Experiment, Finding, Summary
from pyomo_relu.experiments.journal import Journal
from pyomo_relu.experiments.pool import run_tasks
from pyomo_relu.figure import new_figure, save_figure
from pyomo_relu.validation import as_count

PACKAGES = ("numpy", "scipy", "highspy", "pyscipopt", "pyomo")


@dataclass(frozen=True)
class Report:
    """What an experiment gave.

    Parameters
    ----------
    summary : Summary
    findings : sequence of Finding
    files : sequence of Path
        Journal, pictures and report.

    Examples
    --------
    >>> from pyomo_relu.experiments import Finding, Summary
    >>> report = Report(Summary(("k",), [("10",)]), [Finding("it fails", "it did", True)], [Path("fig2.md")])
    >>> [finding.verdict for finding in report.findings]
    ['agrees']
    """

    summary: Summary
    findings: Sequence[Finding]
    files: Sequence[Path]


def reproduce(
    experiment: Experiment,
    out: str | PathLike[str],
    *,
    runs: int | None = None,
    every: int | None = None,
    executor: Executor | Processes | None = None,
    seed: int = 0,
    resume: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Run an experiment, and write ``NAME.jsonl``, ``NAME.png``, ``NAME.svg`` and ``NAME.md`` to a folder.

    Parameters
    ----------
    experiment : Experiment
        One of ``EXPERIMENTS``.
    out : path
        The folder, made where it is missing.
    runs : int, optional
        Of each cell; the experiment's own default, of about two minutes on two cores, where not given.
    every : int, optional
        Methods that cost much run in every such run only: 1 for all. The experiment's own default where not given.
    executor : concurrent.futures.Executor or Processes, optional
        As for :func:`pyomo_relu.invert_many`: None works in this process, ``Client.get_executor()`` is Dask's.
    seed : int
    resume : bool
        Go on with the journal in the folder; its tasks are not done again.
    progress : callable
        Told how many tasks are done, of how many.

    Raises
    ------
    InputError
        If a number is out of range, the folder cannot be made, or it holds a journal that may not be gone on with, or
        that is in use.
    MissingDependencyError
        If Matplotlib is missing; before anything is run.

    Examples
    --------
    >>> import tempfile
    >>> from pyomo_relu.experiments import EXPERIMENTS
    >>> with tempfile.TemporaryDirectory() as folder:                       # doctest: +SKIP
    ...     report = reproduce(EXPERIMENTS["theory"], Path(folder), runs=1)
    """
    runs = experiment.default_runs if runs is None else runs
    every = experiment.default_every if every is None else every
    for name, value, least in (("runs", runs, 1), ("every", every, 1), ("seed", seed, 0)):
        as_count(value, name, least)
    figure = new_figure(*experiment.size)
    folder = _made(out)
    header = {"experiment": experiment.name, "seed": seed, **versions()}
    with open_lines(folder / f"{experiment.name}.jsonl") as lines:
        journal = Journal(lines, header, resume=resume)
        rows = run_tasks(experiment, experiment.tasks(runs, every), seed, journal, executor, progress)
    summary, findings = experiment.summary(rows), experiment.findings(rows)
    experiment.draw(rows, figure)
    figure.suptitle(f"{experiment.title}; {_told(runs, every)}, seed {seed}", fontsize=11, wrap=True)
    pictures = [folder / f"{experiment.name}{suffix}" for suffix in (".png", ".svg")]
    for picture in pictures:
        save_figure(figure, picture)
    page = folder / f"{experiment.name}.md"
    with atomic_write(page) as file:
        file.write(markdown(experiment, summary, findings, _told(runs, every), header).encode())
    return Report(summary, findings, (lines.path, *pictures, page))


def _made(out: str | PathLike[str]) -> Path:
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}") from error
    return folder


def _told(runs: int, every: int) -> str:
    return f"runs: {runs}" + (f", of expensive methods {-(-runs // every)}" if every > 1 else "")


def versions() -> dict[str, str]:
    """Return the versions on which the figures depend."""
    found = {"pyomo_relu": pyomo_relu.__version__, "python": platform.python_version()}
    return found | {name: version(name) for name in PACKAGES}


def markdown(
    experiment: Experiment, summary: Summary, findings: Sequence[Finding], runs: str, header: Mapping[str, Any]
) -> str:
    """Return the report: setting, comparison with the paper, table."""
    stack = ", ".join(f"{name} {header[name]}" for name in ("pyomo_relu", "python", *PACKAGES))
    comparison = [(finding.paper, finding.measured, finding.verdict) for finding in findings]
    parts = (
        f"# {experiment.title}",
        f"{runs.capitalize()}; seed {header['seed']}; {stack}; {platform.system()} {platform.machine()}.",
        experiment.setting,
        f"![{experiment.title}]({experiment.name}.png)",
        "## Beside the paper",
        _table(("the paper", "measured", ""), comparison),
        "## Table",
        _table(summary.headings, summary.rows),
    )
    return "\n\n".join(parts) + "\n"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
