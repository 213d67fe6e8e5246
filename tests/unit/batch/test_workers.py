"""Workers that die, in processes of this machine and in a Dask cluster."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batch_methods import Counting, Killing, Refusing
from batch_setting import LINEAR, NET, X, comparable, marked

import pyomo_relu as pr


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
        'worker processes do not start; a script must start them below `if __name__ == "__main__":`'
        in (ran.stderr.splitlines()[-1])
    )


def test_workers_end_with_a_run_that_is_killed(tmp_path: Path) -> None:
    script, seen = tmp_path / "run.py", tmp_path / "seen"
    script.write_text(textwrap.dedent(f"""
        import sys
        sys.path[:0] = {[path for path in sys.path if path]!r}
        from batch_methods import Counting
        from batch_setting import NET, X
        import pyomo_relu as pr
        if __name__ == "__main__":
            pr.invert_many(NET, X, Counting({str(seen)!r}, 0.5), pr.Processes(2), chunk=1)
        """))  # fmt: skip
    with subprocess.Popen([sys.executable, str(script)]) as process:
        while process.poll() is None and (not seen.exists() or len(set(seen.read_text().split())) < 2):
            time.sleep(0.02)
        process.kill()
    workers, late = set(map(int, seen.read_text().split())), time.monotonic() + 20.0
    assert len(workers) == 2
    for worker in workers:
        while _runs(worker):
            assert time.monotonic() < late
            time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_error_in_the_middle_stops_the_workers(tmp_path: Path) -> None:
    started = time.perf_counter()
    with pytest.raises(pr.SolverUnavailableError):
        pr.invert_many(NET, marked(1), Refusing(str(tmp_path / "started"), 600.0), pr.Processes(2), chunk=1)
    assert time.perf_counter() - started < 120.0
    for process in (tmp_path / "started").read_text().split():
        assert not _runs(int(process))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed, dask = pytest.importorskip("distributed"), pytest.importorskip("dask")
    # A worker that dies twice is enough to blame; tasks that nobody is there for fail.
    settings = {"distributed.scheduler.allowed-failures": 1, "distributed.scheduler.no-workers-timeout": "60s"}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", memory_limit=0
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client


@pytest.mark.slow
@pytest.mark.xdist_group("dask")
def test_a_dask_cluster_answers_as_this_process_does(cluster: Any) -> None:
    method = pr.Exact(starts=2, seed=5)
    expected = list(map(comparable, pr.invert_many(NET, X, method, box=(-4, 4))))
    found = pr.invert_many(NET, X, method, cluster.get_executor(), box=(-4, 4), chunk=2)
    assert list(map(comparable, found)) == expected


@pytest.mark.slow
@pytest.mark.xdist_group("dask")
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
@pytest.mark.xdist_group("dask")
def test_an_observation_that_kills_dask_workers_is_found(cluster: Any) -> None:
    batch = pr.invert_many(NET, marked(2, count=4), Killing(), cluster.get_executor(), chunk=2)
    assert [(failure.index, failure.error) for failure in batch.failures] == [(2, "KilledWorker")]
    assert [answer.z is None for answer in batch] == [False, False, True, False]


@pytest.mark.slow
def test_mpi_answers_as_this_process_does(tmp_path: Path) -> None:
    pytest.importorskip("mpi4py")
    mpiexec = shutil.which("mpiexec")
    if mpiexec is None:
        pytest.skip("no mpiexec here; pip install mpich")
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(f"""
        import sys
        sys.path[:0] = {[path for path in sys.path if path]!r}
        from batch_setting import LINEAR, NET, X
        from mpi4py.futures import MPIPoolExecutor
        import pyomo_relu as pr
        if __name__ == "__main__":
            with MPIPoolExecutor() as executor:
                assert executor.num_workers == 2
                pr.invert_many(NET, X, LINEAR, executor, store={str(tmp_path / "store")!r}, chunk=2)
        """))  # fmt: skip
    subprocess.run([mpiexec, "-n", "3", sys.executable, "-m", "mpi4py.futures", str(script)], timeout=300, check=True)
    with np.load(tmp_path / "store/codes.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["codes"], pr.invert_many(NET, X, LINEAR).codes)
