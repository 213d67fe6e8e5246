"""Many observations: the same answers by every way, and none lost to the trouble of another."""

from __future__ import annotations

import json
import math
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batch_methods import MARK, Counting, Ending, Killing, Raising, Unavailable, Unsendable
from hypothesis import given
from hypothesis import strategies as st

import pyomo_relu as pr
from pyomo_relu.batch import dispatch
from pyomo_relu.batch.fingerprint import fingerprint
from pyomo_relu.batch.record import from_line, to_line
from pyomo_relu.batch.store import open_store
from pyomo_relu.result import LayerReport

NET = pr.Network.random((3, 12, 30), seed=4)
RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(7, 3))
X = NET(CODES) + RNG.uniform(-0.01, 0.01, (7, 30))
LINEAR = pr.Layerwise(pr.LinearSolve())


def comparable(answer: Any) -> Any:
    """Everything of a result but its wall clock."""
    if isinstance(answer, pr.Failure):
        return answer
    layers = [replace(layer, seconds=0.0) for layer in answer.layers]
    return {**vars(answer), "z": None if answer.z is None else answer.z.tolist(), "seconds": 0.0, "layers": layers}


def marked(*rows: int, count: int = 7) -> np.ndarray:
    """Observations, of which some ask the methods of the tests to fail."""
    x = np.resize(X, (count, 30)).copy()
    x[list(rows), 0] = 2.0 * MARK
    return x


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


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", memory_limit=0
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client


# Answers


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


def test_more_chunks_than_an_executor_holds_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "IN_FLIGHT", 2)
    with ThreadPoolExecutor(1) as executor:
        batch = pr.invert_many(NET, X, LINEAR, executor, chunk=1)
    assert [comparable(answer) for answer in batch] == [comparable(a) for a in pr.invert_many(NET, X, LINEAR)]


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


@pytest.mark.parametrize("value", [NET, LINEAR, pr.Exact(norm=1), pr.Solver("scip", options={"limits/nodes": 9})])
def test_what_goes_to_workers_survives_the_way(value: Any) -> None:
    assert fingerprint(pickle.loads(pickle.dumps(value))) == fingerprint(value)


def test_results_survive_the_way() -> None:
    result = pr.invert(NET, X[0])
    assert comparable(pickle.loads(pickle.dumps(result))) == comparable(result)


# Failures


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
    assert "after shutdown" in batch.failures[0].message


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"X": X[0]}, r"observations have shape \(30,\), expected \(N, 30\), one a row"),
        ({"X": X[:, :29]}, r"observations have shape \(7, 29\), expected \(N, 30\)"),
        ({"X": X[:0]}, r"observations have shape \(0, 30\), expected \(N, 30\)"),
        ({"X": [[1.0], [1.0, 2.0]]}, "observations is ragged"),
        ({"X": np.array([["a"]])}, "observations must be an array of real numbers"),
        ({"net": LINEAR}, "network must be a pyomo_relu.Network, got Layerwise"),
        ({"method": "exact"}, "method must be Layerwise"),
        ({"executor": 2}, r"executor must be a concurrent.futures.Executor or Processes\(...\), got 2"),
        ({"chunk": 0}, "chunk must be a whole number of at least 1, got 0"),
        ({"chunk": True}, "chunk must be a whole number of at least 1, got True"),
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
    with pytest.raises(pr.InputError, match="workers must be a whole number of at least 1"):
        pr.Processes(workers)


def test_a_method_that_cannot_be_sent_is_refused_before_workers_start() -> None:
    with pytest.raises(pr.InputError, match="cannot be sent to workers: not to be pickled"):
        pr.invert_many(NET, X, Unsendable(), pr.Processes(1))


# Workers that die


def test_an_observation_that_kills_its_worker_is_found_and_the_others_are_answered() -> None:
    batch = pr.invert_many(NET, marked(4), Killing(), pr.Processes(2), chunk=2)
    assert [(failure.index, failure.error, failure.refused) for failure in batch.failures] == [
        (4, "BrokenProcessPool", False)
    ]
    expected = pr.invert_many(NET, X, LINEAR)
    assert [comparable(batch[i]) for i in (0, 1, 2, 3, 5, 6)] == [comparable(expected[i]) for i in (0, 1, 2, 3, 5, 6)]


def test_a_worker_that_dies_once_loses_nothing(tmp_path: Path) -> None:
    batch = pr.invert_many(NET, marked(0), Killing(str(tmp_path / "died")), pr.Processes(2), store=tmp_path / "store")
    assert (tmp_path / "died").exists()
    assert batch.failures == ()
    lines = (tmp_path / "store/results.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["index"] for line in lines) == list(range(7))


def test_a_pool_of_the_callers_that_breaks_leaves_failures_that_a_resumed_run_answers(tmp_path: Path) -> None:
    method, x = Killing(str(tmp_path / "died"), 0.02), marked(4)
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        broken = pr.invert_many(NET, x, method, executor, store=tmp_path / "store", chunk=1)
    assert [failure.index for failure in broken.failures] == [4, 5, 6]
    assert {failure.error for failure in broken.failures} == {"BrokenProcessPool"}
    failed = [json.loads(line) for line in (tmp_path / "store/failures.jsonl").read_text().splitlines()]
    assert failed == [failure.to_dict() for failure in broken.failures]
    whole = pr.invert_many(NET, x, method, store=tmp_path / "store", resume=True)
    assert whole.failures == ()
    assert [comparable(whole[i]) for i in range(4)] == [comparable(broken[i]) for i in range(4)]
    assert (tmp_path / "store/failures.jsonl").read_text() == ""


def test_workers_that_cannot_start_are_told(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text("import pyomo_relu as pr\nnet = pr.Network.random((2, 8), seed=0)\n"
                      "pr.invert_many(net, net([[1.0, 2.0]]), executor=pr.Processes(1))\n")  # fmt: skip
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 1
    assert (
        'worker processes do not start; a script must call invert_many below `if __name__ == "__main__":`'
        in (ran.stderr.splitlines()[-1])
    )


def test_an_error_in_the_middle_stops_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pyomo_relu.batch.store.Store.append", full)
    slow, started = Counting(str(tmp_path / "started"), 5.0), time.perf_counter()
    x = np.concatenate([X[:1] * np.nan, X])
    with pytest.raises(KeyboardInterrupt):
        pr.invert_many(NET, x, slow, pr.Processes(2), store=tmp_path / "store", chunk=1)
    assert time.perf_counter() - started < 15.0
    for process in (tmp_path / "started").read_text().split() if (tmp_path / "started").exists() else []:
        with pytest.raises(ProcessLookupError):
            os.kill(int(process), 0)


# Dask


@pytest.mark.slow
def test_a_dask_cluster_answers_as_this_process_does(cluster: Any) -> None:
    method = pr.Exact(starts=2, seed=5)
    expected = list(map(comparable, pr.invert_many(NET, X, method, box=(-4, 4))))
    found = pr.invert_many(NET, X, method, cluster.get_executor(), box=(-4, 4), chunk=2)
    assert list(map(comparable, found)) == expected


@pytest.mark.slow
def test_a_dask_worker_killed_in_the_middle_loses_nothing(cluster: Any, tmp_path: Path) -> None:
    x, seen = np.resize(X, (60, 30)), tmp_path / "seen"
    executor = ThreadPoolExecutor(1)
    killed = executor.submit(_kill_one, seen)
    batch = pr.invert_many(NET, x, Counting(str(seen), 0.05), cluster.get_executor(), store=tmp_path / "store", chunk=3)
    victim = killed.result()
    assert batch.failures == ()
    expected = [comparable(answer) for answer in pr.invert_many(NET, x, LINEAR)]
    assert [comparable(answer) for answer in batch] == expected
    lines = (tmp_path / "store/results.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["index"] for line in lines) == list(range(60))
    pids = seen.read_text().split()
    assert victim in pids
    assert len(pids) > 60  # what it had under way was done again
    assert len(set(pids)) > 2  # by the worker that took its place, too


def _kill_one(seen: Path) -> str:
    """Kill the worker that answers the tenth observation."""
    while not seen.exists() or len(seen.read_text().split()) < 10:
        time.sleep(0.01)
    victim = seen.read_text().split()[9]
    os.kill(int(victim), signal.SIGKILL)
    return victim


@pytest.mark.slow
def test_an_observation_that_kills_dask_workers_is_found(cluster: Any) -> None:
    batch = pr.invert_many(NET, marked(2, count=4), Killing(), cluster.get_executor(), chunk=2)
    assert [(failure.index, failure.error) for failure in batch.failures] == [(2, "KilledWorker")]
    assert [answer.z is None for answer in batch] == [False, False, True, False]


# The store


def test_a_store_holds_what_was_answered(tmp_path: Path) -> None:
    x = X.copy()
    x[2, 5] = np.nan
    batch = pr.invert_many(NET, x, store=tmp_path / "a/store")
    again = pr.invert_many(NET, x, store=tmp_path / "a/store", resume=True)
    for i in range(7):
        same = comparable(again[i]), comparable(batch[i])
        assert same[0] == same[1]
        assert i == 2 or again[i].seconds == batch[i].seconds
    with np.load(tmp_path / "a/store/codes.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["codes"], batch.codes)
        np.testing.assert_array_equal(arrays["residuals"], batch.residuals)
    assert sorted(path.name for path in (tmp_path / "a/store").iterdir()) == [
        "batch.json", "codes.npz", "failures.jsonl", "results.jsonl",
    ]  # fmt: skip


def test_only_what_is_missing_is_done_again(tmp_path: Path) -> None:
    counting = Counting(str(tmp_path / "count"))
    whole = pr.invert_many(NET, X, counting, store=tmp_path / "store")
    results = tmp_path / "store/results.jsonl"
    lines = results.read_bytes().splitlines(keepends=True)
    # As a kill leaves it: three whole lines, and half of another.
    results.write_bytes(b"".join(lines[:3]) + lines[3][: len(lines[3]) // 2])
    again = pr.invert_many(NET, X, counting, store=tmp_path / "store", resume=True)
    assert len((tmp_path / "count").read_text().split()) == 7 + 4
    assert list(map(comparable, again)) == list(map(comparable, whole))
    assert sorted(json.loads(line)["index"] for line in results.read_text().splitlines()) == list(range(7))


@given(st.data())
def test_a_file_cut_anywhere_is_resumed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("cut")
    results = {i: LINEAR_RESULTS[i] for i in range(3)}
    whole = b"".join(to_line(i, result) for i, result in results.items())
    with open_store(folder, 3, 3, {}, resume=False) as store:
        store.append(list(results.items()))
    assert (folder / "results.jsonl").read_bytes() == whole
    kept = data.draw(st.integers(0, len(whole)))
    (folder / "results.jsonl").write_bytes(whole[:kept])
    with open_store(folder, 3, 3, {}, resume=True) as store:
        left = dict(store.results)
        assert len(left) == whole[:kept].count(b"\n")
        store.append([(i, result) for i, result in results.items() if i not in left])
    assert (folder / "results.jsonl").read_bytes() == whole


LINEAR_RESULTS = [pr.invert(NET, x, LINEAR) for x in X[:3]]


def test_failures_are_tried_again(tmp_path: Path) -> None:
    first = pr.invert_many(NET, X, Ending(pr.Status.SOLVER_ERROR), store=tmp_path)
    assert len(first.failures) == 7
    assert (tmp_path / "results.jsonl").read_bytes() == b""
    assert len((tmp_path / "failures.jsonl").read_text().splitlines()) == 7
    assert len(pr.invert_many(NET, X, Ending(pr.Status.SOLVER_ERROR), store=tmp_path, resume=True).failures) == 7


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        sys.path[:0] = {[path for path in sys.path if path]!r}
        from batch_methods import Counting
        from test_batch_setting import NET, X
        import pyomo_relu as pr
        if __name__ == "__main__":
            pr.invert_many(NET, X, Counting({str(tmp_path / "count")!r}, 0.05), store={str(tmp_path / "store")!r})
        """)
    )
    np.save(tmp_path / "x.npy", np.resize(X, (40, 30)))
    (tmp_path / "test_batch_setting.py").write_text(
        "import numpy as np, pyomo_relu as pr\n"
        f"NET = pr.Network.random((3, 12, 30), seed=4)\nX = np.load({str(tmp_path / 'x.npy')!r})\n"
    )
    results = tmp_path / "store/results.jsonl"
    with subprocess.Popen([sys.executable, str(script)]) as process:
        while process.poll() is None and (not results.exists() or results.read_bytes().count(b"\n") < 5):
            time.sleep(0.01)
        process.kill()
    done = results.read_bytes().count(b"\n")
    assert 5 <= done < 40
    counting = Counting(str(tmp_path / "count"), 0.05)
    before = len((tmp_path / "count").read_text().split())
    batch = pr.invert_many(NET, np.resize(X, (40, 30)), counting, store=tmp_path / "store", resume=True)
    assert len((tmp_path / "count").read_text().split()) == before + 40 - done
    assert batch.failures == ()
    assert [json.loads(line)["index"] for line in results.read_text().splitlines()] == list(range(40))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"net": pr.Network.random((3, 12, 30), seed=5)}, "network, mask, operator"),
        ({"X": X + 1e-12}, "observations"),
        ({"X": X[:6]}, "size; observations"),
        ({"method": pr.Layerwise(pr.LinearSolve(threshold=1e-8))}, "method"),
        ({"solver": pr.Solver(seed=1)}, "solver"),
        ({"solver": pr.Solver(threads=2)}, "solver"),
        ({"mask": np.arange(30) > 0}, "network, mask, operator; observations"),
    ],
)
def test_a_store_of_another_batch_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    given = {"net": NET, "X": X, "method": LINEAR, "store": tmp_path}
    pr.invert_many(**given)
    before = (tmp_path / "results.jsonl").read_bytes()
    with pytest.raises(pr.InputError, match=rf"belongs to another batch \(not the same: {said}\)"):
        pr.invert_many(**{**given, **change, "resume": True})
    with pytest.raises(pr.InputError, match="holds a batch already: give resume=True, or another folder"):
        pr.invert_many(**given)
    assert (tmp_path / "results.jsonl").read_bytes() == before


def test_what_does_not_change_the_answers_does_not_change_the_store(tmp_path: Path) -> None:
    pr.invert_many(NET, X, box=(-4, 4), store=tmp_path)
    box = pr.Box(np.full(3, -4.0), np.full(3, 4.0))
    solver = pr.Solver(threads=1)
    again = pr.invert_many(NET, X.tolist(), pr.Layerwise(), box=box, solver=solver, store=tmp_path, resume=True)
    assert again.failures == ()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("batch.json", b"{", "damaged, or not JSON"),
        ("batch.json", b"[]", "not the header of a pyomo-relu batch, version 1"),
        ("results.jsonl", b"{}\n", "line 1 is damaged"),
        ("results.jsonl", b"\xff\xfe\n", "line 1 is damaged"),
        ("results.jsonl", b"[" * 100_000 + b"\n", "line 1 is damaged"),
        ("results.jsonl", b'{"index": true}\n', "line 1 is damaged"),
    ],
)
def test_a_damaged_store_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    pr.invert_many(NET, X, LINEAR, store=tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(pr.InputError, match=said):
        pr.invert_many(NET, X, LINEAR, store=tmp_path, resume=True)
    assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("z", [1.0, 2.0], "the code has 2 entries, expected 3"),
        ("z", [[1.0], [2.0], [3.0]], "line 1 is damaged"),
        ("z", [1.0, 2.0, None], "line 1 is damaged"),
        ("z", [1.0, 2.0, 10**400], "line 1 is damaged"),
        ("residual", 10**400, "line 1 is damaged"),
        ("residual", [0.5], "line 1 is damaged"),
        ("seconds", None, "line 1 is damaged"),
    ],
)
def test_a_line_that_is_json_but_no_result_is_refused(tmp_path: Path, field: str, value: Any, said: str) -> None:
    pr.invert_many(NET, X, LINEAR, store=tmp_path)
    record = {**json.loads(to_line(0, LINEAR_RESULTS[0])), field: value}
    (tmp_path / "results.jsonl").write_text(json.dumps(record) + "\n")
    with pytest.raises(pr.InputError, match=said):
        pr.invert_many(NET, X, LINEAR, store=tmp_path, resume=True)


@pytest.mark.parametrize(("rows", "said"), [((0, 0), "observation 0 is unknown, or there twice"), ((9,), "9 is unk")])
def test_an_observation_that_is_there_twice_or_unknown_is_refused(
    tmp_path: Path, rows: tuple[int, ...], said: str
) -> None:
    pr.invert_many(NET, X, LINEAR, store=tmp_path)
    (tmp_path / "results.jsonl").write_bytes(b"".join(to_line(i, LINEAR_RESULTS[0]) for i in rows))
    with pytest.raises(pr.InputError, match=said):
        pr.invert_many(NET, X, LINEAR, store=tmp_path, resume=True)


def test_a_folder_with_codes_of_somebody_else_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "codes.npz", mine=1)
    with pytest.raises(pr.InputError, match=r"there is a codes.npz, but no batch.json: give another folder"):
        pr.invert_many(NET, X, LINEAR, store=tmp_path)


def test_a_store_cannot_be_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(pr.InputError, match=r"store .*file: File exists"):
        pr.invert_many(NET, X, LINEAR, store=tmp_path / "file")


def test_two_runs_do_not_write_to_one_store(tmp_path: Path) -> None:
    with (
        open_store(tmp_path, 7, 3, {}, resume=False),
        pytest.raises(pr.InputError, match="another run is writing to it"),
        open_store(tmp_path, 7, 3, {}, resume=True),
    ):
        pass


def test_a_method_without_a_fingerprint_needs_a_run_without_a_store(tmp_path: Path) -> None:
    class Method:
        def run(self, problem: Any, solver: pr.Solver) -> pr.Result:
            return LINEAR.run(problem, solver)

    with pytest.raises(pr.InputError, match="a store cannot tell Method objects apart"):
        pr.invert_many(NET, X, Method(), store=tmp_path / "store")
    assert not (tmp_path / "store").exists()


NUMBERS = st.none() | st.floats()


@given(st.lists(st.floats(), max_size=3) | st.none(), NUMBERS, NUMBERS, st.text(), st.sampled_from(pr.Status))
def test_a_result_is_read_back_as_it_was_written(
    z: list[float] | None, residual: float | None, eps: float | None, message: str, status: pr.Status
) -> None:
    layer = LayerReport(1, status, eps, 2, 2, True, eps, None, residual, 3, 0.1, message)
    claim = pr.Claim(message, pr.Standing.TRUSTED, message, residual)
    code = None if z is None else np.array(z)
    result = pr.Result(
        z=code, status=status, norm=2, residual=residual, objective=eps, dual_bound=None, realizable=None,
        certificate=pr.Certificate((claim,)), seconds=0.1, solver=message, message=message, layers=(layer,),
    )  # fmt: skip
    line = to_line(5, result)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    index, found = from_line(line)
    assert index == 5
    assert to_line(5, found) == line
    assert spelt(found) == spelt(result)


def spelt(result: pr.Result) -> str:
    """A result by the bits of its numbers; NaN is not equal to itself."""
    return repr({**vars(result), "z": None if result.z is None else result.z.tolist()})


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=2),
    lambda inner: st.tuples(inner, inner) | st.dictionaries(st.text(max_size=1), inner, max_size=2), max_leaves=5,
), st.data())  # fmt: skip
def test_fingerprints_are_equal_only_for_equal_values(value: Any, data: st.DataObject) -> None:
    other = data.draw(st.just(value) | st.tuples(st.just(value)) | st.text(max_size=2) | st.integers(0, 1))
    assert (fingerprint(value) == fingerprint(other)) == (repr(value) == repr(other))


def test_fingerprints_tell_arrays_apart() -> None:
    arrays = [np.zeros(4), np.zeros((2, 2)), np.zeros(4, dtype=np.int64), np.array([0.0, 0.0, 0.0, -0.0]), 0.0, "0.0"]
    assert len({fingerprint(array) for array in arrays}) == 6
    assert math.isfinite(int(fingerprint(arrays), 16))
