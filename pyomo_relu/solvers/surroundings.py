"""The surroundings of a solve: one at a time, quiet, Ctrl-C held back; and what of that a forked child inherits.

Streams, signal handlers and log levels belong to the process. A lock belongs to whoever took it: a child that is forked
in the middle of another thread's solve would wait for ever for a lock whose owner it has not, and print to nowhere.
And Pyomo's own lock for redirecting streams is shared by all relatives where multiprocessing is imported: what is
killed there leaves it taken for all.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

from pyomo.common import dependencies


class CtrlC:
    """Ctrl-C for the time of a solve: it waits until the streams are redirected, and the model is written.

    While the solver runs, it asks that to stop, so that the incumbent is kept; a second one interrupts for good. Python
    hears signals in its main thread only: a solve in another one goes on to its end, or to its limit.

    Attributes
    ----------
    came : bool
        Whether it was pressed; the caller is to say so.
    """

    def __init__(self) -> None:
        self.came = False
        self._before: Any = None
        self._stop: Any = None

    def __enter__(self) -> CtrlC:
        before = signal.getsignal(signal.SIGINT)
        if callable(before) and threading.current_thread() is threading.main_thread():
            self._before = before
            signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def stops(self, cancel: Callable[[], None] | None) -> Iterator[None]:
        """Let it call `cancel` for the time of the block; None is for a solver that hears it by itself."""
        if self.came:
            raise KeyboardInterrupt
        self._stop = self._before if cancel is None else lambda *_: cancel()
        try:
            yield
        finally:
            self._stop = None

    def _take(self, number: int, frame: Any) -> None:
        again, self.came = self.came, True
        if self._stop is not None:
            (self._before if again else self._stop)(number, frame)


class _Turn:
    """Whose turn it is in this process, and what is undone after it."""

    def __init__(self) -> None:
        self.undo = ExitStack()
        self.begin()

    def begin(self) -> None:
        self.lock, self.of_pyomo = threading.Lock(), threading.Lock()
        self.thread: int | None = None

    def forget(self) -> None:
        """Undo, in a child, what a thread that is not there would undo."""
        if self.thread != threading.get_ident():
            self.undo.close()
            self.begin()


_TURN = _Turn()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_TURN.forget)


@contextmanager
def alone(log: bool) -> Iterator[CtrlC]:
    """Let one thread at a time talk to solvers: they share the streams, which are silent without a log.

    Parameters
    ----------
    log : bool
        Whether the solver may print; warnings, and what Pyomo logs, are kept away all the same: what matters is in
        the status.

    Yields
    ------
    CtrlC
        Whether Ctrl-C came, and what it is to stop.
    """
    with _TURN.lock, ExitStack() as undo:
        _TURN.thread, _TURN.undo = threading.get_ident(), undo
        undo.callback(setattr, _TURN, "thread", None)
        ctrl_c = undo.enter_context(CtrlC())
        undo.enter_context(_own_lock_of_pyomo())
        undo.enter_context(_no_garbage_collection())
        undo.enter_context(_no_warnings())
        if not log:
            undo.enter_context(_no_output())
        yield ctrl_c


@contextmanager
def _own_lock_of_pyomo() -> Iterator[None]:
    """Give Pyomo's ``capture_output``, where an interface of its own uses it, a lock of this process."""
    usual = dependencies.capture_output_lock
    dependencies.capture_output_lock = _TURN.of_pyomo
    try:
        yield
    finally:
        dependencies.capture_output_lock = usual


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Pause it: so many objects are made here that it would take as long as all else."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _no_warnings() -> Iterator[None]:
    logger = logging.getLogger("pyomo")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _no_output() -> Iterator[None]:
    """Send what is printed to nowhere: by Python, and by libraries past Python."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # None, gone or closed
            stream.flush()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, ExitStack() as undo:
        for descriptor in (1, 2):
            with suppress(OSError):  # closed: nothing is printed there
                before = os.dup(descriptor)
                undo.callback(os.close, before)
                undo.callback(os.dup2, before, descriptor)
                os.dup2(nowhere.fileno(), descriptor)
        with redirect_stdout(nowhere), redirect_stderr(nowhere):
            yield
