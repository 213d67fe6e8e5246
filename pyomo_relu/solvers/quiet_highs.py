"""`QuietHighs`: the one way in which HiGHS objects are made here. They print nothing, and hear Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from pyomo_relu.validation import FloatArray

Bounds = tuple[FloatArray, FloatArray]
"""Lower and upper ends; infinite where a side is open."""

_Highs: Any = highspy.Highs

if hasattr(os, "register_at_fork"):
    # HiGHS would wait for ever for the threads that it had before a fork, in which they do not live on.
    os.register_at_fork(after_in_child=lambda: _Highs.resetGlobalScheduler(False))


class QuietHighs(_Highs):  # type: ignore[misc]
    """HiGHS without its banner, whose runs end where Ctrl-C is pressed.

    HiGHS 1.16 prints who it is when callbacks are enabled, which the constructor does, unless it is silent by then. And
    while it runs, Python hears no signals but in callbacks, where a KeyboardInterrupt would get lost: HiGHS takes it
    for an error of its own.

    Examples
    --------
    >>> highs = QuietHighs()
    >>> highs.addVar(1.0, 3.0), highs.changeColCost(0, 2.0), highs.run(), highs.getObjectiveValue()
    (<HighsStatus.kOk: 0>, <HighsStatus.kOk: 0>, <HighsStatus.kOk: 0>, 2.0)
    """

    def __init__(self) -> None:
        self._run = _Run()
        super().__init__()
        for may_stop in (self.cbSimplexInterrupt, self.cbIpmInterrupt, self.cbMipInterrupt):
            may_stop.subscribe(_look, self._run)

    def enableCallbacks(self) -> None:  # noqa: N802 - HiGHS's name
        """Enable callbacks, silently."""
        self.silent()
        super().enableCallbacks()

    def hold(
        self,
        matrix: csr_matrix,
        rows: Bounds,
        columns: Bounds,
        cost: FloatArray,
        *,
        offset: float = 0.0,
        maximise: bool = False,
        integer: NDArray[np.bool_] | None = None,
    ) -> Any:
        """Take a whole linear program, as arrays: a fifth of what a ``HighsLp`` costs.

        Returns
        -------
        highspy.HighsStatus
        """
        (m, n), sense = matrix.shape, highspy.ObjSense.kMaximize if maximise else highspy.ObjSense.kMinimize
        kinds = np.zeros(n, dtype=np.int32) if integer is None else integer.astype(np.int32)
        by_rows, arrays = int(highspy.MatrixFormat.kRowwise), (matrix.indptr, matrix.indices, matrix.data)
        return self.passModel(n, m, matrix.nnz, by_rows, int(sense), offset, cost, *columns, *rows, *arrays, kinds)

    def run(self) -> Any:
        """Solve; Ctrl-C ends that, and is then passed on to whoever it was for.

        Returns
        -------
        highspy.HighsStatus
        """
        self._run.stopped = False
        before = signal.getsignal(signal.SIGINT)
        if not callable(before) or threading.current_thread() is not threading.main_thread():
            return super().run()
        signal.signal(signal.SIGINT, lambda *_: self.cancelSolve())
        try:
            return super().run()
        finally:
            signal.signal(signal.SIGINT, before)
            if self._run.stopped:
                before(signal.SIGINT, None)

    def cancelSolve(self) -> None:  # noqa: N802 - HiGHS's name
        """Let the run end that is under way."""
        self._run.stopped = True


class _Run:
    """Whether a run is to end.

    HiGHS holds on to it instead of to the object itself, which would then be freed by the garbage collector only, and
    that does not know how large it is.
    """

    stopped = False


def _look(event: Any) -> None:
    event.interrupt(event.user_data.stopped)  # also where it is not: HiGHS remembers the answer from run to run
