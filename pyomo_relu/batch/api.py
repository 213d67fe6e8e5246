"""`invert_many`: the front door for many observations."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import scipy

from pyomo_relu import __version__
from pyomo_relu.batch.batch import Answer, Batch
from pyomo_relu.batch.dispatch import dispatch
from pyomo_relu.batch.fingerprint import fingerprint
from pyomo_relu.batch.job import Chunk, Job
from pyomo_relu.batch.processes import Processes
from pyomo_relu.batch.progress import progress_bar
from pyomo_relu.batch.store import OPERATOR, Store, open_store
from pyomo_relu.errors import InputError
from pyomo_relu.inversion import Method
from pyomo_relu.network import Network
from pyomo_relu.solvers import Solver
from pyomo_relu.solvers.calls import solver_versions
from pyomo_relu.validation import FloatArray, as_count

CHUNKS, LARGEST_CHUNK = 64, 16
"""A batch is cut into this many chunks, but none larger than that: a chunk is what a dead worker loses."""


def invert_many(  # noqa: PLR0913 - those of invert, and how the batch is to run
    net: Network,
    X: Any,
    method: Method | None = None,
    executor: Executor | Processes | None = None,
    *,
    operator: Any = None,
    mask: Any = None,
    weights: Any = None,
    box: Any = None,
    solver: Solver | str | None = None,
    store: str | os.PathLike[str] | None = None,
    resume: bool = False,
    chunk: int | None = None,
    progress: bool = True,
) -> Batch:
    """Invert many observations of one network.

    Each answer is that of :func:`pyomo_relu.invert` on one thread, whatever the executor and the chunks, where no time
    limit is met. One that fails does not lose the others: it is told in ``failures``.

    Parameters
    ----------
    net : Network
    X : array_like, shape (N, n), or (N, m) with an operator of m rows
        The observations, one a row.
    method : optional
        As in :func:`pyomo_relu.invert`; ``Layerwise()`` where not given.
    executor : concurrent.futures.Executor or Processes, optional
        None works in this process. ``Processes(2)`` starts workers, and replaces those that die. Any other
        executor is used as it is, and left open: ``ProcessPoolExecutor``, ``Client.get_executor()`` of Dask,
        ``MPIPoolExecutor`` of mpi4py. Where that breaks, all that is unanswered is a failure.
    operator, mask, weights, box
        As in :func:`pyomo_relu.invert`; shared by all observations.
    solver : Solver or str, optional
        As in :func:`pyomo_relu.invert`. Its ``threads`` are also those of the linear algebra of each worker;
        1 where not given. Linear algebra has one number of threads in a process: a batch that asks for another than
        one that runs in the same process waits, without a word, until that is done.
    store : path, optional
        A folder into which the results are written as they come; see ``pyomo_relu/batch/store.py``.
    resume : bool
        Whether to go on with a store that is there: what it holds is checked anew and kept, and failures are tried
        again.
    chunk : int, optional
        Observations that a worker gets at a time.
    progress : bool
        Whether to show a progress bar, where stderr is a terminal.

    Returns
    -------
    Batch

    Raises
    ------
    InputError, ShapeError
        Bad input that concerns all observations, or a store that belongs to another batch, or in which a line says
        what is not so.
    CapabilityError, SolverConfigError, SolverUnavailableError
        As :func:`pyomo_relu.invert`.

    Examples
    --------
    >>> import numpy as np, pyomo_relu as pr
    >>> net = pr.Network.random((5, 20, 60), seed=0)
    >>> Z = np.random.default_rng(1).normal(size=(4, 5))
    >>> batch = pr.invert_many(net, net(Z))
    >>> batch.codes.shape, bool(np.abs(batch.codes - Z).max() < 1e-6), batch.failures
    ((4, 5), True, ())
    >>> batch[2].status.value
    'solved'
    """
    started = time.perf_counter()
    _check(executor, chunk, store, resume)
    job, observations = Job.of(
        net, X, method, {"operator": operator, "mask": mask, "weights": weights, "box": box}, solver
    )
    answers: dict[int, Answer] = {}
    with _opened(store, job, observations, resume) as opened:
        if opened is not None:
            with job.pinned():
                answers.update(opened.kept(lambda i, result: job.recheck(result, observations[i])))
        size = len(observations)
        waiting = [i for i in range(size) if i not in answers]
        if opened is not None and opened.others and waiting:
            said = f"store {store}: begun with {opened.others}; what is missing may be answered otherwise now"
            warnings.warn(said, stacklevel=2)
        with (
            progress_bar(size, len(answers), shown=progress) as advance,
            closing(dispatch(job, _cut(observations, waiting, chunk), executor)) as stream,
        ):
            for found in stream:
                if opened is not None:
                    opened.append(found)
                answers.update(found)
                advance(len(found))
        batch = Batch(tuple(answers[i] for i in range(size)), net.n_in, time.perf_counter() - started)
        if opened is not None:
            opened.finish(batch)
    return batch


def _check(executor: Any, chunk: Any, store: Any, resume: bool) -> None:
    if executor is not None and not isinstance(executor, Executor | Processes):
        raise InputError(f"executor must be a concurrent.futures.Executor or Processes(...), got {executor!r}")
    if chunk is not None:
        as_count(chunk, "chunk", 1)
    if resume and store is None:
        raise InputError("goes with a store, the folder that is gone on with", parameter="resume")


@contextmanager
def _opened(
    path: str | os.PathLike[str] | None, job: Job, observations: FloatArray, resume: bool
) -> Iterator[Store | None]:
    if path is None:
        yield None
        return
    weights = (job.weights,) if job.hard is None else (job.weights, job.hard)
    parts = {
        "network, mask, operator": job.network,
        OPERATOR: job.parts if isinstance(job.weights, float) else (job.parts, *weights),
        "box": job.box,
        "method": job.method,
        # A log says nothing of the answer.
        "solver": replace(job.solver, log=False),
        "observations": observations,
    }
    prints = {name: fingerprint(part) for name, part in parts.items()}
    size = len(observations), job.network.n_in
    own = {"pyomo-relu": __version__, "NumPy": np.__version__, "SciPy": scipy.__version__}
    versions = own | solver_versions(job.method, job.solver)
    with open_store(path, *size, prints, versions, resume=resume) as store:
        yield store


def _cut(observations: FloatArray, waiting: list[int], size: int | None) -> list[Chunk]:
    step = min(LARGEST_CHUNK, -(-len(waiting) // CHUNKS)) if size is None else size
    cuts = [tuple(waiting[start : start + step]) for start in range(0, len(waiting), max(1, step))]
    return [Chunk(rows, observations[list(rows)]) for rows in cuts]
