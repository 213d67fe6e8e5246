"""`pinned`: how many threads linear algebra has, which is one number for a process, whoever works in it."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import threadpoolctl
from threadpoolctl import ThreadpoolController

_CHANGED = threading.Condition()
_INSIDE: Counter[int] = Counter()  # by thread
_LIMITS: list[Any] = []  # at most one
_FOUND: list[tuple[int, ThreadpoolController]] = []  # at most one


@contextmanager
def pinned(threads: int | None) -> Iterator[None]:
    """Give linear algebra a number of threads for the time of the block, in every thread of this process.

    The first to enter sets it, the last to leave restores what was before. Who asks for another number waits
    for that, unless it is inside such a block itself.

    Parameters
    ----------
    threads : int or None
        None leaves it as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from threadpoolctl import threadpool_info
    >>> with pinned(1):
    ...     {library["num_threads"] for library in threadpool_info()} <= {1}
    True
    """
    me = threading.get_ident()
    with _CHANGED:
        inside = _INSIDE[me] > 0
        _CHANGED.wait_for(lambda: inside or not _LIMITS or _LIMITS[0][0] == threads)
        if not _LIMITS:
            _take_control()
            _LIMITS.append((threads, _libraries().limit(limits=threads)))
        elif not inside:
            _libraries().limit(limits=threads)  # some libraries count by thread
        _INSIDE[me] += 1
    try:
        if inside:
            with _libraries().limit(limits=threads):
                yield
        else:
            yield
    finally:
        with _CHANGED:
            _INSIDE[me] -= 1
            if not _INSIDE.total():
                _INSIDE.clear()
                _take_control()
                _LIMITS.pop()[1].restore_original_limits()
                _take_control()
                _CHANGED.notify_all()


def _libraries() -> ThreadpoolController:
    """Return the loaded libraries with threads; to look for them takes milliseconds, and imports may add some."""
    if not _FOUND or _FOUND[0][0] != len(sys.modules):
        _FOUND[:] = [(len(sys.modules), ThreadpoolController())]
    return _FOUND[0][1]


def _take_control() -> None:
    """Let the next thread set the limits of the process: newer threadpoolctl hears the first that did so only."""
    openblas: Any = getattr(threadpoolctl, "OpenBLASController", None)
    clear = getattr(openblas, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)
