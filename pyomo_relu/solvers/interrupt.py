"""`CtrlC`: for the time of a solve it stops the solver, and not Pyomo."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyomo_relu.solvers.backend import Backend


class CtrlC:
    """Ctrl-C for the time of a solve: it waits until the streams are redirected, and the model is written.

    While the solver runs, it asks that to stop, so that the incumbent is kept; a second one interrupts for good.

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
    def stops(self, backend: Backend, interface: Any) -> Iterator[None]:
        """Let it stop the solver for the time of the block."""
        if self.came:
            raise KeyboardInterrupt
        cancel = backend.cancel
        self._stop = self._before if cancel is None else lambda *_: cancel(interface)
        try:
            yield
        finally:
            self._stop = None

    def _take(self, number: int, frame: Any) -> None:
        again, self.came = self.came, True
        if self._stop is not None:
            (self._before if again else self._stop)(number, frame)
