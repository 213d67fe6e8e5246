"""Many observations: the same answers by every way."""

from __future__ import annotations

import json
import pickle
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batch_setting import LINEAR, NET, X, comparable

import pyomo_relu as pr
from pyomo_relu.batch.dispatch import IN_FLIGHT


class Unordered(Executor):
    """An executor that holds its calls back, and runs the last one first."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._seconds = 0.2

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._seconds -= 0.02

        def run(seconds: float) -> None:
            time.sleep(max(0.0, seconds))
            future.set_result(fn(*args, **kwargs))

        self._pool.submit(run, self._seconds)
        return future


@pytest.mark.parametrize(
    "method", [None, LINEAR, pr.Layerwise(pr.LayerL1()), pr.Descent(starts=2, seed=3), pr.Exact(starts=2)], ids=repr
)
def test_every_answer_is_that_of_one_inversion_on_one_thread(method: Any) -> None:
    batch = pr.invert_many(NET, X[:3], method, box=None if method is LINEAR else (-4, 4))
    for x, found in zip(X, batch, strict=False):
        box = None if method is LINEAR else (-4, 4)
        alone = pr.invert(NET, x, method, box=box, solver=pr.Solver(threads=1))
        assert comparable(found) == comparable(alone)


@pytest.mark.parametrize("chunk", [None, 1, 3, 100])
def test_order_and_answers_do_not_depend_on_the_executor(chunk: int | None) -> None:
    method = pr.Descent(starts=2, seed=1)
    expected = list(map(comparable, pr.invert_many(NET, X, method)))
    with ThreadPoolExecutor(2) as threads:
        for executor in (threads, Unordered()):
            found = pr.invert_many(NET, X, method, executor, chunk=chunk)
            assert list(map(comparable, found)) == expected


def test_more_chunks_than_an_executor_holds_at_a_time() -> None:
    x = np.resize(X, (IN_FLIGHT + 6, 30))
    with ThreadPoolExecutor(1) as executor:
        batch = pr.invert_many(NET, x, LINEAR, executor, chunk=1)
    assert [comparable(answer) for answer in batch] == [comparable(a) for a in pr.invert_many(NET, x, LINEAR)]


def test_spawned_processes_and_processes_of_the_package_answer_alike() -> None:
    method = pr.Exact(starts=2, seed=5)
    expected = list(map(comparable, pr.invert_many(NET, X, method, box=(-4, 4))))
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        assert list(map(comparable, pr.invert_many(NET, X, method, executor, box=(-4, 4), chunk=4))) == expected
    assert list(map(comparable, pr.invert_many(NET, X, method, pr.Processes(2), box=(-4, 4), chunk=2))) == expected


def test_masks_operators_and_boxes_are_shared() -> None:
    mask = np.arange(30) % 5 != 0
    holes = np.where(mask, X, np.nan)
    matrix = np.random.default_rng(1).normal(size=(20, 30))
    masked = pr.invert_many(NET, holes, mask=mask, box=(-1, 1))
    measured = pr.invert_many(NET, X @ matrix.T, LINEAR, operator=matrix)
    for i in range(7):
        one = pr.Solver(threads=1)
        assert comparable(masked[i]) == comparable(pr.invert(NET, holes[i], mask=mask, box=(-1, 1), solver=one))
        alone = pr.invert(NET, (X @ matrix.T)[i], LINEAR, operator=matrix, solver=one)
        assert comparable(measured[i]) == comparable(alone)


def test_a_method_that_takes_the_operator_apart_answers_as_alone() -> None:
    method, one = pr.ProjectedGradient(pr.Descent(starts=2), iterations=5), pr.Solver(threads=1)
    matrix, mask = np.random.default_rng(1).normal(size=(20, 30)), np.arange(30) % 5 != 0
    x = X[:2] @ matrix.T
    measured = pr.invert_many(NET, x, method, operator=matrix)
    masked = pr.invert_many(NET, X[:2], method, pr.Processes(1), mask=mask)
    for i in range(2):
        assert comparable(measured[i]) == comparable(pr.invert(NET, x[i], method, operator=matrix, solver=one))
        assert comparable(masked[i]) == comparable(pr.invert(NET, X[i], method, mask=mask, solver=one))


def test_a_batch_is_a_sequence_with_arrays() -> None:
    x = X.copy()
    x[2, 5] = np.nan
    batch = pr.invert_many(NET, x, LINEAR)
    assert len(batch) == 7
    assert list(batch) == list(batch[:])
    assert batch[-1] is batch.answers[6]
    assert batch.codes.shape == (7, 3)
    assert np.isnan(batch.codes[2]).all()
    assert np.isnan(batch.residuals[2])
    for i in (0, 1, 3, 4, 5, 6):
        assert batch.codes[i].tolist() == batch[i].z.tolist()
        assert batch.residuals[i] == pytest.approx(np.linalg.norm(NET(batch.codes[i]) - x[i]))
    summary = batch.summary()
    assert json.loads(json.dumps(summary)) == summary
    assert summary["statuses"] == {"failed": 1, "solved": 6}
    assert summary["largest_residual"] == np.nanmax(batch.residuals)
    assert repr(batch).startswith("Batch(7 observations: 1 failed, 6 solved; 1 failures;")


def test_solvers_run_on_one_thread_unless_told_otherwise(tmp_path: Path) -> None:
    seen: list[Any] = []

    class Looking:
        def run(self, problem: Any, solver: pr.Solver) -> pr.Result:
            from threadpoolctl import threadpool_info

            seen.append((solver.threads, {info["num_threads"] for info in threadpool_info()}))
            return LINEAR.run(problem, solver)

    pr.invert_many(NET, X[:1], Looking())
    pr.invert_many(NET, X[:1], Looking(), solver=pr.Solver(threads=2))
    assert seen == [(1, {1}), (2, {2})]


def test_results_survive_the_way() -> None:
    result = pr.invert(NET, X[0])
    assert comparable(pickle.loads(pickle.dumps(result))) == comparable(result)
