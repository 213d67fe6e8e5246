"""`Processes`: worker processes of this machine, replaced where they die."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from typing import Any

from pyomo_relu.errors import InputError
from pyomo_relu.validation import as_count


@dataclass(frozen=True)
class Processes:
    """Workers on this machine, which :func:`pyomo_relu.invert_many` and the experiments start and stop.

    Unlike a ``ProcessPoolExecutor``, which is broken for good when a worker dies, `invert_many` replaces them, and
    tries the observations under way again, one by one, to find the one that kills its worker.
    They are spawned, not forked: a fork of a process that runs a solver's threads may hang. A script
    therefore uses them below ``if __name__ == "__main__":``.

    Parameters
    ----------
    workers : int
        At least 1.

    Raises
    ------
    InputError
        If `workers` is not a whole number of at least 1.

    Examples
    --------
    >>> Processes(2)
    Processes(workers=2)
    """

    workers: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "workers", as_count(self.workers, "workers", 1))

    @contextmanager
    def pool(self) -> Iterator[ProcessPoolExecutor]:
        """Run a pool for the time of the block; where that ends in an error, workers are stopped at once.

        Raises
        ------
        InputError
            If no worker can be started.
        """
        pool = ProcessPoolExecutor(self.workers, get_context("spawn"), initializer=_end_as_told)
        try:
            _start(pool, self.workers)
            yield pool
        except BaseException:
            # Python 3.14 has terminate_workers() for this.
            for process in list((pool._processes or {}).values()):
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _end_as_told() -> None:
    """Let Ctrl-C end a worker at once, and the end of its parent too: else it would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent_process(),), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _start(pool: ProcessPoolExecutor, workers: int) -> None:
    """Start all workers at once: a pool starts one a call, and only while none is idle."""
    try:
        wait([pool.submit(int) for _ in range(workers)], return_when=FIRST_COMPLETED).done.pop().result()
    except BrokenProcessPool as error:
        raise InputError(
            'worker processes do not start; a script must start them below `if __name__ == "__main__":`'
        ) from error
