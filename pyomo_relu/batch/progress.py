"""A progress bar, where somebody looks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(total: int, done: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr, if that is a terminal, for the time of the block.

    Parameters
    ----------
    total, done : int
        Number of observations, and of those with an answer already.
    shown : bool
        False never shows one.

    Yields
    ------
    callable
        To be told of every number of observations answered.
    """
    if not shown or not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

    columns = "inverting", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    # A descriptor of its own: what solvers print is caught at that of stderr.
    with (
        os.fdopen(os.dup(sys.stderr.fileno()), "w") as terminal,
        Progress(*columns, console=Console(file=terminal)) as bar,
    ):
        task = bar.add_task("", total=total, completed=done)
        yield lambda count: bar.update(task, advance=count)
