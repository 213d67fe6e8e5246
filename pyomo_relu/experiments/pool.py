"""Tasks on worker processes; each result goes to the journal as soon as it is there."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from threadpoolctl import threadpool_limits

from pyomo_relu.errors import PyomoReluError
from pyomo_relu.experiments.experiment import Experiment, Row, Task
from pyomo_relu.experiments.journal import Journal


def run_tasks(
    experiment: Experiment,
    tasks: Sequence[Task],
    seed: int,
    workers: int,
    journal: Journal,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """Do the tasks that the journal does not hold, and return the rows of all, in the order of `tasks`.

    Parameters
    ----------
    experiment : Experiment
        Goes to the workers by pickling.
    tasks : sequence of Task
    seed : int
    workers : int
        Processes; with one, the tasks are done in this process.
    journal : Journal
    progress : callable
        Told how many tasks are done, of how many.

    Returns
    -------
    list of Row
        The same for every number of workers, but for the seconds.

    Raises
    ------
    PyomoReluError
        If a worker was killed, by the system for want of memory, say.
    """
    waiting = [task for task in tasks if task not in journal.done]
    done, total = len(tasks) - len(waiting), len(tasks)
    progress(done, total)

    def keep(task: Task, rows: list[Row]) -> None:
        nonlocal done
        journal.add(task, rows)
        done += 1
        progress(done, total)

    if workers == 1:
        # As in the workers: sums of several threads are rounded otherwise.
        with threadpool_limits(1):
            for task in waiting:
                keep(task, experiment.perform(task, seed))
    elif waiting:
        # A forked child would inherit the locks of this process's threads.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, initializer=_begin) as pool:
            futures = {pool.submit(experiment.perform, task, seed): task for task in waiting}
            try:
                for future in as_completed(futures):
                    keep(futures[future], future.result())
            except BrokenProcessPool as error:
                raise PyomoReluError(
                    "a worker process was killed; what is done is kept: go on with --resume and fewer --workers"
                ) from error
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
    return [row for task in tasks for row in journal.done[task]]


def _begin() -> None:
    """Use one thread, and leave interrupts to the parent."""
    threadpool_limits(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
