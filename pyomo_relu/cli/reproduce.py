"""``pyomo-relu reproduce``: the paper's figures and theory, run again and compared."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pyomo_relu.cli.group import DONE
from pyomo_relu.cli.terminal import note, solving
from pyomo_relu.cli.workers import DaskFlag, WorkersFlag, check_workers, executor
from pyomo_relu.errors import InputError

NAMES = "fig1, fig2, fig3, fig4, theory or data"
TOLD = 20
"""How often progress is told where stderr is no terminal."""


def reproduce(
    experiment: Annotated[str, typer.Argument(help=f"{NAMES}.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder of the journal, the pictures and the report.", show_default=False)],
    runs: Annotated[int | None, typer.Option(help="Runs of each cell; a first figure if not given.")] = None,
    every: Annotated[
        int | None, typer.Option(help="Expensive methods run in every Nth run; 1 for all.", metavar="N")
    ] = None,
    workers: WorkersFlag = None,
    dask: DaskFlag = None,
    seed: Annotated[int, typer.Option(help="Of networks, codes, noise and starts.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the journal in the folder.")] = False,
) -> None:
    """Run one of the paper's experiments again: journal, figure (PNG, SVG), table, and what agrees with the paper."""
    check_workers(workers, dask)
    # Before NumPy is loaded, here and in the workers: a process has one thread.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

    from pyomo_relu.cli import tables
    from pyomo_relu.experiments import EXPERIMENTS
    from pyomo_relu.experiments import reproduce as run

    chosen = EXPERIMENTS.get(experiment)
    if chosen is None:
        raise InputError(f"unknown experiment {experiment!r}; known: {', '.join(EXPERIMENTS)}")
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: is not a folder")
    with _bar(experiment) as progress, solving(experiment, quiet=True), executor(workers, dask) as at_work:
        report = run(chosen, out, runs=runs, every=every, executor=at_work, seed=seed, resume=resume, progress=progress)
    tables.show(tables.summary_table(report.summary), tables.findings_table(report.findings))
    for path in report.files:
        typer.echo(str(path.resolve()))
    raise typer.Exit(DONE)


@contextmanager
def _bar(name: str) -> Iterator[Callable[[int, int], None]]:
    if not sys.stderr.isatty():
        yield lambda done, total: note(f"{name}: {done} of {total}") if done % max(1, total // TOLD) == 0 else None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
