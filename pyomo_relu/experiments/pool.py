"""Tasks through an executor; each result goes to the journal as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
)
from contextlib import closing, contextmanager

from pyomo_relu.batch import Processes
from pyomo_relu.errors import PyomoReluError
from pyomo_relu.experiments.experiment import Experiment, Row, Task
from pyomo_relu.experiments.journal import Journal
from pyomo_relu.pinning import pinned


def run_tasks(
    experiment: Experiment,
    tasks: Sequence[Task],
    seed: int,
    journal: Journal,
    executor: Executor | Processes | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """Do the tasks that the journal does not hold, and return the rows of all, in the order of `tasks`.

    Parameters
    ----------
    experiment : Experiment
        Goes to the workers by pickling.
    tasks : sequence of Task
    seed : int
    journal : Journal
    executor : concurrent.futures.Executor or Processes, optional
        As for :func:`pyomo_relu.invert_many`; None works in this process.
    progress : callable
        Told how many tasks are done, of how many.

    Returns
    -------
    list of Row
        The same for every executor, but for the seconds.

    Raises
    ------
    PyomoReluError
        If an executor loses a task: its worker was killed, by the system for want of memory, say; those of `Processes`
        are replaced, until two sets of them in a row have done nothing. What an experiment
        itself raises travels as it is, but an OSError through an executor that is not of this machine.
    """
    waiting = [task for task in tasks if task not in journal.done]
    done, total = len(tasks) - len(waiting), len(tasks)
    progress(done, total)
    with closing(_done(experiment, waiting, seed, executor)) as stream:
        for task, rows in stream:
            journal.add(task, rows)
            done += 1
            progress(done, total)
    return [row for task in tasks for row in journal.done[task]]


def _done(
    experiment: Experiment, tasks: Sequence[Task], seed: int, executor: Executor | Processes | None
) -> Generator[tuple[Task, list[Row]], None, None]:
    """Yield the tasks with their rows, as they come."""
    if executor is None:
        for task in tasks:
            yield task, _perform(experiment, task, seed)
    elif isinstance(executor, Processes):
        yield from _through_processes(experiment, tasks, seed, executor)
    else:
        with _losses_told(executor):
            yield from _through(experiment, tasks, seed, executor)


def _through_processes(
    experiment: Experiment, tasks: Sequence[Task], seed: int, processes: Processes
) -> Generator[tuple[Task, list[Row]], None, None]:
    """Replace workers that die; the second pool in a row that does nothing is the last."""
    waiting, was_idle = list(tasks), False
    while waiting:
        left = len(waiting)
        with processes.pool() as pool:
            try:
                for task, rows in _through(experiment, list(waiting), seed, pool):
                    waiting.remove(task)
                    yield task, rows
            except BrokenExecutor:
                if was_idle and len(waiting) == left:
                    with _losses_told(pool):
                        raise
        was_idle = len(waiting) == left


def _through(
    experiment: Experiment, tasks: Sequence[Task], seed: int, executor: Executor
) -> Generator[tuple[Task, list[Row]], None, None]:
    futures: dict[Future[list[Row]], Task] = {}
    try:
        for task in tasks:
            futures[executor.submit(_perform, experiment, task, seed)] = task
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        for future in futures:
            future.cancel()


@contextmanager
def _losses_told(executor: Executor) -> Iterator[None]:
    """Tell of tasks that an executor lost; every other exception is the experiment's own."""
    is_far = not isinstance(executor, ProcessPoolExecutor | ThreadPoolExecutor)
    try:
        yield
    except BrokenExecutor as error:
        raise PyomoReluError(
            "a worker process was killed; what is done is kept: go on with --resume and fewer --workers"
        ) from error
    except Exception as error:
        # Dask has exceptions of its own for workers that die and schedulers that leave; where its connection breaks,
        # it is an OSError, of which TimeoutError is one.
        is_dasks = type(error).__module__.partition(".")[0] == "distributed"
        if not (is_dasks or isinstance(error, CancelledError) or (is_far and isinstance(error, OSError))):
            raise
        told = f"{type(error).__name__}: {error}"
        raise PyomoReluError(f"a task was lost; what is done is kept: go on with --resume: {told}") from error


def _perform(experiment: Experiment, task: Task, seed: int) -> list[Row]:
    """Do one task on one thread: sums of several are rounded otherwise."""
    with pinned(1):
        return experiment.perform(task, seed)
