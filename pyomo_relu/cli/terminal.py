"""What goes where: answers to stdout, progress and the solvers' own words to stderr."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def solving(text: str, *, quiet: bool = False) -> Iterator[None]:
    """Hold stdout free for the answer, and show that work goes on where stderr is a terminal.

    Parameters
    ----------
    text : str
        What goes on.
    quiet : bool
        No spinner: for scripts, and where a solver's log is to be read.
    """
    with _spinner(text, quiet), _stdout_to_stderr(), _silent_interrupt():
        yield


def note(text: str) -> None:
    """Print a line on stderr."""
    print(text, file=sys.stderr)


@contextmanager
def _spinner(text: str, quiet: bool) -> Iterator[None]:
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    # Solvers and licence banners write to the descriptor, Pyomo's tee to the object. The latter gets a
    # descriptor of its own: with that of sys.stderr Pyomo's capture_output would swallow the log.
    sys.stdout.flush()
    answer = os.dup(1)
    try:
        os.dup2(2, 1)
        with os.fdopen(os.dup(2), "w") as stream, redirect_stdout(stream):
            yield
    finally:
        os.dup2(answer, 1)
        os.close(answer)


@contextmanager
def _silent_interrupt() -> Iterator[None]:
    # A component of a model that is interrupted is no error: Pyomo logs it before it passes the interrupt on.
    def keep(_: logging.LogRecord) -> bool:
        return not isinstance(sys.exc_info()[1], KeyboardInterrupt)

    logger = logging.getLogger("pyomo.core")
    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)
