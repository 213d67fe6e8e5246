"""Chunks of observations to workers and back, whatever becomes of the workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait

from pyomo_relu.batch.job import OF_THE_JOB, Answers, Chunk, Job, answer_chunk, failure, failures
from pyomo_relu.batch.processes import Processes

IN_FLIGHT = 64
"""Chunks that an executor of the caller's holds at a time: each carries the network."""


def dispatch(
    job: Job, chunks: Sequence[Chunk], executor: Executor | Processes | None
) -> Generator[Answers, None, None]:
    """Yield the answers to all chunks, each observation once, in the order in which they come.

    Parameters
    ----------
    job : Job
    chunks : sequence of Chunk
    executor : Executor, Processes or None
        None works in this process.

    Raises
    ------
    CapabilityError, MissingDependencyError, SolverConfigError, SolverUnavailableError
        As raised in a worker.
    """
    if executor is None:
        with job.pinned():
            for chunk in chunks:
                for answer in job.answers(chunk):
                    yield [answer]
    elif isinstance(executor, Processes):
        yield from _through_processes(job.packed(), chunks, executor)
    else:
        flight = _Flight(job.packed(), chunks, IN_FLIGHT)
        yield from flight.through(executor)
        if flight.broken is not None:
            yield failures([*flight.lost, *flight.waiting], flight.broken)


def _through_processes(packed: bytes, chunks: Sequence[Chunk], processes: Processes) -> Generator[Answers, None, None]:
    """Use pools until all is answered: a chunk that was under way when one broke is suspected."""
    # One chunk more than there are workers, so that none of them waits.
    flight = _Flight(packed, chunks, processes.workers + 1)
    while flight.waiting or flight.lost:
        with processes.pool() as pool:
            suspects = deque(single for chunk in flight.lost for single in chunk.singly())
            flight.lost = []
            while suspects:
                alone = _Flight(packed, [suspects.popleft()], 1)
                yield from alone.through(pool)
                if alone.broken is not None:
                    # Nothing else was under way: what is lost kills its worker.
                    yield failures(alone.lost, alone.broken)
                    flight.lost = [*alone.waiting, *suspects]
                    break
            else:
                yield from flight.through(pool)


class _Flight:
    """Chunks on their way through an executor.

    Parameters
    ----------
    packed : bytes
        The job.
    chunks : sequence of Chunk
    most : int
        Chunks that the executor holds at a time.

    Attributes
    ----------
    waiting : deque of Chunk
        Not yet submitted.
    lost : list of Chunk
        Under way when the executor broke.
    broken : exception or None
        How it broke.
    """

    def __init__(self, packed: bytes, chunks: Sequence[Chunk], most: int) -> None:
        self._packed, self._most = packed, most
        self.waiting = deque(chunks)
        self._suspects: list[Chunk] = []
        self.lost: list[Chunk] = []
        self.broken: BaseException | None = None

    def through(self, executor: Executor) -> Generator[Answers, None, None]:
        """Yield answers until nothing waits, or the executor breaks."""
        self.broken = None
        yield from self._fly(executor, self._most)
        # What kills a worker takes others with it: each by itself shows which one it was.
        self.waiting.extend(again for chunk in self._suspects for again in chunk.singly())
        self._suspects.clear()
        yield from self._fly(executor, 1)

    def _fly(self, executor: Executor, most: int) -> Generator[Answers, None, None]:
        flying: dict[Future[Answers], Chunk] = {}
        try:
            while self._submit(executor, flying, most):
                for future in wait(flying, return_when=FIRST_COMPLETED).done:
                    yield from self._landed(future, flying.pop(future), alone=most == 1)
        finally:
            for future in flying:
                future.cancel()

    def _submit(self, executor: Executor, flying: dict[Future[Answers], Chunk], most: int) -> bool:
        """Submit what the executor may hold, and tell whether anything is under way."""
        while self.waiting and self.broken is None and len(flying) < most:
            chunk = self.waiting.popleft()
            try:
                flying[executor.submit(answer_chunk, self._packed, chunk)] = chunk
            except RuntimeError as error:  # broken, or shut down
                self.waiting.appendleft(chunk)
                self.broken = error
        return bool(flying)

    def _landed(self, future: Future[Answers], chunk: Chunk, *, alone: bool) -> Generator[Answers, None, None]:
        try:
            answers = future.result()
        except OF_THE_JOB:
            raise
        except BrokenExecutor as error:
            self.broken = error
            self.lost.append(chunk)
        except Exception as error:  # noqa: BLE001 - whatever lost the chunk must not lose the other observations
            if len(chunk.indices) > 1:
                self.waiting.extendleft(reversed(chunk.singly()))
            elif not alone:
                self._suspects.append(chunk)
            else:
                yield [(chunk.indices[0], failure(chunk.indices[0], error))]
        else:
            yield answers
