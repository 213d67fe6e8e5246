"""Many observations: none lost to the trouble of another, and bad input refused at the door."""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from batch_methods import Ending, Raising, Unavailable, Unsendable
from batch_setting import LINEAR, NET, X, marked

import pyomo_relu as pr


def test_a_bad_row_is_refused_and_the_others_are_answered() -> None:
    x = X.copy()
    x[1, 4], x[5, 0] = np.inf, 1e13
    with ThreadPoolExecutor(1) as executor:
        for batch in (pr.invert_many(NET, x, LINEAR), pr.invert_many(NET, x, LINEAR, executor, chunk=3)):
            assert [failure.index for failure in batch.failures] == [1, 5]
            assert all(failure.refused for failure in batch.failures)
            assert str(batch[1]) == (
                "observation 1: InputError: observation has 1 entry that is not finite, the first at 4"
            )
            assert [i for i in range(7) if batch[i].z is None] == [1, 5]
            with pytest.raises(pr.StatusError, match="observation 5: InputError: observation reaches 1e\\+13"):
                batch[5].raise_for_status()


def test_an_exception_of_a_method_is_told_with_its_row() -> None:
    batch = pr.invert_many(NET, marked(3), Raising())
    assert batch.failures == (pr.Failure(3, "ZeroDivisionError", "of the method"),)
    assert batch[3] == batch.failures[0]
    assert sum(answer.z is not None for answer in batch) == 6


@pytest.mark.parametrize("status", [pr.Status.SOLVER_ERROR, pr.Status.NO_LICENSE, pr.Status.SIZE_LIMIT])
def test_a_solver_that_fails_is_told_and_its_result_kept(status: pr.Status) -> None:
    batch = pr.invert_many(NET, X[:2], Ending(status))
    assert batch.failures == tuple(pr.Failure(i, status.value, "it said so") for i in range(2))
    assert batch[0].status is status


def test_a_limit_is_no_failure() -> None:
    assert pr.invert_many(NET, X[:2], Ending(pr.Status.TIME_LIMIT)).failures == ()


def test_what_would_meet_every_observation_alike_is_raised() -> None:
    with pytest.raises(pr.SolverUnavailableError, match="not here"):
        pr.invert_many(NET, X, Unavailable())
    with ThreadPoolExecutor(1) as executor, pytest.raises(pr.SolverUnavailableError, match="not here"):
        pr.invert_many(NET, X, Unavailable(), executor)
    with pytest.raises(pr.CapabilityError, match="HiGHS does not take"):
        pr.invert_many(NET, X, pr.Exact(encoding="sos1"), solver="highs", box=(-4, 4))


def test_an_interrupted_inversion_ends_the_batch() -> None:
    with pytest.raises(KeyboardInterrupt):
        pr.invert_many(NET, X, Ending(pr.Status.INTERRUPTED))


class Losing(Executor):
    """An executor that loses every chunk of more than one observation, and one observation for good."""

    def submit(self, fn: Any, /, packed: bytes, chunk: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if len(chunk.indices) > 1 or chunk.indices == (4,):
            future.set_exception(MemoryError(f"lost {len(chunk.indices)}"))
        else:
            future.set_result(fn(packed, chunk))
        return future


def test_a_lost_chunk_is_tried_again_one_by_one() -> None:
    batch = pr.invert_many(NET, X, LINEAR, Losing(), chunk=3)
    assert batch.failures == (pr.Failure(4, "MemoryError", "lost 1"),)
    assert sum(answer.z is not None for answer in batch) == 6


def test_an_executor_that_was_shut_down_leaves_failures() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    batch = pr.invert_many(NET, X, LINEAR, executor)
    assert [failure.index for failure in batch.failures] == list(range(7))
    assert all(failure.error == "RuntimeError" and failure.message for failure in batch.failures)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"X": X[0]}, r"observations have shape \(30,\), expected \(N, 30\), one a row"),
        ({"X": X[:, :29]}, r"observations have shape \(7, 29\), expected \(N, 30\)"),
        ({"X": X[:0]}, "observations: there are none"),
        ({"X": [[1.0], [1.0, 2.0]]}, "observations is ragged"),
        ({"X": np.array([["a"]])}, "observations must be an array of real numbers"),
        ({"net": LINEAR}, "network must be a pyomo_relu.Network, got Layerwise"),
        ({"method": "exact"}, "method must be Layerwise"),
        ({"executor": 2}, r"executor must be a concurrent.futures.Executor or Processes\(...\), got 2"),
        ({"chunk": 0}, "chunk must be an integer, at least 1, got 0"),
        ({"chunk": True}, "chunk must be an integer, at least 1, got True"),
        ({"resume": True}, "resume goes with a store"),
        ({"mask": np.ones(29)}, "mask has 29 entries, expected 30"),
        ({"mask": np.ones(30), "operator": np.ones((2, 30))}, "a mask or an operator, not both"),
        ({"operator": np.ones(30)}, "operator must have 2 axes"),
        ({"operator": np.ones((2, 30))}, r"observations have shape \(7, 30\), expected \(N, 2\)"),
        ({"box": (1, -1)}, "box is empty"),
        ({"solver": "cplexx"}, "unknown solver"),
    ],
)
def test_bad_input_is_refused_at_the_door(given: dict[str, Any], said: str) -> None:
    with pytest.raises(pr.InputError, match=said):
        pr.invert_many(**{"net": NET, "X": X, **given})


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, "2"])
def test_a_number_of_workers_that_is_none_is_refused(workers: Any) -> None:
    with pytest.raises(pr.InputError, match="workers must be an integer, at least 1"):
        pr.Processes(workers)


def test_a_method_that_cannot_be_sent_is_refused_before_workers_start() -> None:
    with pytest.raises(pr.InputError, match="cannot be sent to workers: not to be pickled"):
        pr.invert_many(NET, X, Unsendable(), pr.Processes(1))


def test_a_method_that_returns_no_result_is_a_failure_of_the_observation() -> None:
    class Nothing:
        def run(self, problem: Any, solver: pr.Solver) -> Any:
            return None

    batch = pr.invert_many(NET, X, Nothing())
    assert [failure.error for failure in batch.failures] == ["TypeError"] * 7
    assert batch.failures[0].message == "Nothing returned NoneType, expected a Result"
