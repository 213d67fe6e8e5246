"""`Job`: what all observations of a batch share, checked once; and the inversion of some of them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.batch.batch import Answer, Failure
from pyomo_relu.batch.recheck import rechecked
from pyomo_relu.box import Box
from pyomo_relu.errors import (
    CapabilityError,
    InputError,
    MissingDependencyError,
    ShapeError,
    SolverConfigError,
    SolverUnavailableError,
)
from pyomo_relu.inversion import Layerwise, Method
from pyomo_relu.inversion.api import as_method, check_hard
from pyomo_relu.network import Network
from pyomo_relu.pinning import pinned
from pyomo_relu.problem import Problem, observed
from pyomo_relu.result import Result
from pyomo_relu.solvers import Solver
from pyomo_relu.solvers.calls import check_solver_calls
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray, as_float_array, as_matrix

OF_THE_JOB = (CapabilityError, MissingDependencyError, SolverConfigError, SolverUnavailableError)
"""Errors that would meet every observation alike: they end the batch."""

Answers = list[tuple[int, Answer]]
"""Answers with their rows."""


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some observations: their rows, and their values, shape (len(indices), m).

    No two have the same `ticket`: Dask runs a call once for all that are equal to it, even where it failed.
    """

    indices: tuple[int, ...]
    observations: FloatArray
    ticket: str = field(default_factory=lambda: uuid4().hex)

    def singly(self) -> list[Chunk]:
        """Return new chunks of one observation each."""
        return [Chunk((i,), self.observations[[place]]) for place, i in enumerate(self.indices)]


@dataclass(frozen=True, eq=False)
class Job:
    """What all observations of a batch share.

    Parameters
    ----------
    network : Network
        From the code to what is observed: a mask or an operator is in it already.
    method : Method
    box : Box or None
    solver : Solver
        With its number of threads: one, where it was not given.
    parts : (Network, matrix) or None
        The generator and the operator apart, as a :class:`~pyomo_relu.problem.Problem` has them.
    weights : array, shape (m,), or 1.0
        Of the outputs that are observed.
    hard : array of bool, shape (m,), or None
        Which of these must be met.
    """

    network: Network
    method: Method
    box: Box | None
    solver: Solver
    parts: tuple[Network, Any] | None = None
    weights: FloatArray | float = 1.0
    hard: NDArray[np.bool_] | None = None

    @classmethod
    def of(
        cls, network: Network, X: Any, method: Method | None, shared: dict[str, Any], solver: Solver | str | None
    ) -> tuple[Job, FloatArray]:
        """Check what the observations share, and their number of entries; their values are checked one by one.

        Parameters
        ----------
        network, X, method, solver
            As in :func:`pyomo_relu.invert_many`.
        shared : dict
            Its keywords ``operator``, ``mask``, ``weights`` and ``box``.

        Returns
        -------
        Job
        array, shape (N, m)
            The entries of `X` that are observed.

        Raises
        ------
        InputError, ShapeError, CapabilityError, SolverConfigError, SolverUnavailableError
        """
        method = as_method(Layerwise() if method is None else method)
        if not isinstance(network, Network):
            raise InputError(f"network must be a pyomo_relu.Network, got {type(network).__name__}")
        operator, mask = shared["operator"], shared["mask"]
        if shared.get("weights") is not None:
            mask = as_float_array(shared["weights"], "weights") != 0.0
        size = network.n_out if operator is None else as_matrix(operator, "operator").shape[0]
        problem = Problem.of(network, np.zeros(size), **shared)
        observations = as_float_array(X, "observations")
        if observations.ndim and not len(observations):
            raise ShapeError("observations: there are none")
        if observations.ndim != 2 or observations.shape[1] != size:
            raise ShapeError(f"observations have shape {observations.shape}, expected (N, {size}), one a row")
        if mask is not None:
            observations = observations[:, observed(np.zeros(size), mask, size)[0]]
        chosen = Solver.of(solver)
        pinned = chosen if chosen.threads is not None else replace(chosen, threads=1)
        check_hard(method, problem)
        check_solver_calls(method, pinned)
        asked = problem.parts, problem.weights, problem.hard
        return cls(problem.network, method, problem.box, pinned, *asked), observations

    def packed(self) -> bytes:
        """Return the job as bytes for workers.

        Raises
        ------
        InputError
            If the method cannot be sent to another process.
        """
        try:
            return pickle.dumps(self, protocol=5)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise InputError(f"method {self.method!r} cannot be sent to workers: {error}") from error

    def answers(self, chunk: Chunk) -> Iterator[tuple[int, Answer]]:
        """Yield the answers to a chunk, one by one."""
        for i, x in zip(chunk.indices, chunk.observations, strict=True):
            yield i, self._answer(i, x)

    def pinned(self) -> AbstractContextManager[None]:
        """Give linear algebra as many threads as the solver; with another number its last bits may differ."""
        return pinned(self.solver.threads)

    def recheck(self, result: Result, x: FloatArray) -> Result:
        """Return what may be believed of an answer that an earlier run wrote down; a ValueError says what is wrong."""
        return rechecked(result, self._problem(x), getattr(self.method, "norm", None))

    def _problem(self, x: FloatArray) -> Problem:
        problem = Problem.of(self.network, x, box=self.box)
        return replace(problem, parts=self.parts, weights=self.weights, hard=self.hard)

    def _answer(self, i: int, x: FloatArray) -> Answer:
        try:
            result: object = self.method.run(self._problem(x), self.solver)
            if not isinstance(result, Result):
                raise TypeError(f"{type(self.method).__name__} returned {type(result).__name__}, expected a Result")
        except OF_THE_JOB:
            raise
        except Exception as error:  # noqa: BLE001 - one observation's trouble must not lose the others
            return failure(i, error)
        if result.status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        return result


def failure(index: int, error: BaseException) -> Failure:
    """Return an exception as the answer to one observation."""
    return Failure(index, type(error).__name__, " ".join(str(error).split()), isinstance(error, InputError))


def failures(chunks: Sequence[Chunk], error: BaseException) -> Answers:
    """Return an exception as the answer to every observation of some chunks."""
    return [(i, failure(i, error)) for chunk in chunks for i in chunk.indices]


def answer_chunk(packed: bytes, chunk: Chunk) -> Answers:
    """Answer a chunk in a worker, which unpacks the job once however many chunks it gets."""
    job = _unpacked(packed)
    with job.pinned():
        return list(job.answers(chunk))


@lru_cache(maxsize=1)
def _unpacked(packed: bytes) -> Job:
    job = pickle.loads(packed)
    assert isinstance(job, Job)
    return job
