"""``invert-many``: many observations on the command line."""

from __future__ import annotations

import itertools
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import CODE, NET, Run, refused, result

import pyomo_relu as pr
from pyomo_relu.status import Status

X = NET(np.array([CODE, -CODE, 0.5 * CODE])) + np.random.default_rng(0).uniform(-0.01, 0.01, (3, 30))


@pytest.fixture(autouse=True)
def _observations(folder: Path) -> None:
    np.save("many.npy", X)


def test_a_table_of_the_batch(run: Run) -> None:
    ran = run("invert-many", "net.npz", "many.npy", "--out", "out")
    assert (ran.code, ran.err) == (0, "")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ran.out.splitlines()]
    rows = {row[0]: row[1:] for row in cells if row}
    assert rows["observations"] == ["3"]
    assert rows["solved"] == ["3"]
    expected = pr.invert_many(NET, X)
    with np.load("out/codes.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["codes"], expected.codes)
        np.testing.assert_array_equal(arrays["residuals"], expected.residuals)


@pytest.mark.parametrize("flags", [[], ["--workers", 1, "--chunk", 2]])
def test_json_is_alone_on_stdout_and_agrees_with_the_library(run: Run, flags: list[object]) -> None:
    method = ["--method", "exact", "--norm", "inf", "--box", -3, 3]
    ran = run("invert-many", "net.npz", "many.npy", "--json", *method, *flags)
    assert (ran.code, ran.err) == (0, "")
    expected = pr.invert_many(NET, X, pr.Exact(norm="inf"), box=(-3, 3))
    assert ran.json["codes"] == expected.codes.tolist()
    assert ran.json["residuals"] == expected.residuals.tolist()
    assert ran.json["failures"] == []
    assert ran.json["statuses"] == {"optimal": 3}


def test_one_row_of_text_is_one_observation(run: Run) -> None:
    Path("one.csv").write_text(",".join(map(repr, X[0].tolist())))
    assert run("invert-many", "net.npz", "one.csv", "--json").json["observations"] == 1


def test_weights_are_shared(run: Run) -> None:
    weights = np.linspace(0.0, 2.0, 30)
    np.save("weights.npy", weights)
    np.save("x.npy", X)
    ran = run("invert-many", "net.npz", "x.npy", "--weights", "weights.npy", "--json")
    assert ran.json["codes"] == pr.invert_many(NET, X, weights=weights).codes.tolist()


def test_an_infinite_weight_is_an_output_that_must_be_met(run: Run) -> None:
    weights = np.ones(30)
    weights[int(np.argmax(X[0]))] = np.inf
    Path("weights.csv").write_text(",".join(map(str, weights)))
    np.save("one.npy", X[:1])
    flags = ("--weights", "weights.csv", "--method", "exact", "--norm", 1, "--json")
    ran = run("invert-many", "net.npz", "one.npy", *flags)
    assert ran.json["codes"] == pr.invert_many(NET, X[:1], pr.Exact(1), weights=weights).codes.tolist()
    refused = run("invert-many", "net.npz", "one.npy", "--weights", "weights.csv")
    assert refused.code == 2
    assert "--weights must be finite for Layerwise, which holds no single output exactly: take Exact" in refused.err


def test_masks_and_operators_are_shared(run: Run) -> None:
    mask = np.arange(30) != 4
    np.save("mask.npy", mask)
    np.save("holes.npy", np.where(mask, X, np.nan))
    ran = run("invert-many", "net.npz", "holes.npy", "--mask", "mask.npy", "--json")
    assert ran.json["codes"] == pr.invert_many(NET, X, mask=mask).codes.tolist()
    matrix = np.random.default_rng(1).normal(size=(20, 30))
    np.save("A.npy", matrix)
    np.save("measured.npy", X @ matrix.T)
    ran = run("invert-many", "net.npz", "measured.npy", "--operator", "A.npy", "--json")
    assert ran.json["codes"] == pr.invert_many(NET, X @ matrix.T, operator=matrix).codes.tolist()


def test_a_bad_row_is_told_and_makes_the_exit_code(run: Run) -> None:
    x = X.copy()
    x[1, 7] = np.nan
    np.save("holes.npy", x)
    ran = run("invert-many", "net.npz", "holes.npy", "--out", "out")
    assert ran.code == 2
    assert "observation has 1 entry that is not finite, the first at 7" in ran.out
    assert json.loads(Path("out/failures.jsonl").read_text())["index"] == 1
    again = run("invert-many", "net.npz", "holes.npy", "--out", "out", "--resume", "--json")
    assert again.code == 2
    assert [code is None for code in again.json["codes"]] == [False, True, False]
    assert again.json["failures"][0]["refused"] is True


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ((result(Status.SOLVED, CODE), result(Status.OPTIMAL, CODE)), 0),
        ((result(Status.SOLVED, CODE), result(Status.TIME_LIMIT, CODE)), 1),
        ((result(Status.SOLVED, CODE), result(Status.SOLVER_ERROR)), 1),
        ((RuntimeError("died"), result(Status.SOLVED, CODE)), 1),
        ((pr.InputError("bad"), result(Status.TIME_LIMIT, CODE)), 2),
    ],
)
def test_the_exit_code_is_the_worst(run: Run, answering: Any, answers: tuple, code: int) -> None:
    each = itertools.cycle(answers)

    def answer(*_: object) -> pr.Result:
        found = next(each)
        if isinstance(found, Exception):
            raise found
        return found

    answering(answer)
    assert run("invert-many", "net.npz", "many.npy").code == code


@pytest.mark.parametrize("method", [["--method", "descent"], ["--formulation", "linear"]])
def test_threads_are_those_of_linear_algebra_too(run: Run, method: list[str]) -> None:
    assert run("invert-many", "net.npz", "many.npy", "--threads", "2", *method, "--json").code == 0
    refused(run("invert-many", "net.npz", "many.npy", "--seed", "2", *method), "--seed does not go with", "no solver")


def test_a_store_is_resumed_only_where_asked_for(run: Run) -> None:
    assert run("invert-many", "net.npz", "many.npy", "--out", "out").code == 0
    before = Path("out/results.jsonl").read_bytes()
    refused(
        run("invert-many", "net.npz", "many.npy", "--out", "out"),
        "--resume is needed to go on: store out holds a batch already",
    )
    assert run("invert-many", "net.npz", "many.npy", "--out", "out", "--resume").code == 0
    assert Path("out/results.jsonl").read_bytes() == before
    refused(
        run("invert-many", "net.npz", "many.npy", "--out", "out", "--resume", "--formulation", "l1"),
        "store out: belongs to another batch (not the same: method): give another folder",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x.npy"], "observations have shape (30,), expected (N, 30), one a row"),
        (["nowhere.npy"], "observations nowhere.npy: no such file"),
        (["."], "observations .: is a folder"),
        (["many.npy", "--resume"], "--resume goes with a store"),
        (["many.npy", "--workers", 2, "--dask", "tcp://127.0.0.1:1"], "give --workers or --dask, not both"),
        (["many.npy", "--workers", 0], "--workers"),
        (["many.npy", "--chunk", 0], "--chunk"),
        (["many.npy", "--eps", -1], "--eps must be a positive number"),
        (["many.npy", "--method", "exact", "--eps", 1], "--eps does not go with --method exact"),
        (["many.npy", "--out", "x.npy"], "--out x.npy: is not a folder"),
        (["many.npy", "--solver", "guess"], "unknown solver 'guess'"),
    ],
)
def test_bad_input_is_refused_in_one_line(run: Run, arguments: list[object], said: str) -> None:
    refused(run("invert-many", "net.npz", *arguments), said)


def test_without_dask_its_flag_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    refused(run("invert-many", "net.npz", "many.npy", "--dask", "tcp://h:1"), 'pip install "pyomo-relu[dask]"')


def test_an_address_that_is_none_is_refused(run: Run) -> None:
    pytest.importorskip("distributed")
    refused(
        run("invert-many", "net.npz", "many.npy", "--dask", "nonsense://h:1"), "--dask nonsense://h:1: no scheduler"
    )


@pytest.mark.slow
def test_a_dask_scheduler_at_its_address(run: Run) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", memory_limit=0) as cluster:
        ran = run("invert-many", "net.npz", "many.npy", "--dask", cluster.scheduler_address, "--json")
    assert ran.code == 0
    assert ran.json["codes"] == pr.invert_many(NET, X).codes.tolist()


def test_a_terminal_gets_a_progress_bar() -> None:
    reader, terminal = pty.openpty()
    command = [sys.executable, "-m", "pyomo_relu", "invert-many", "net.npz", "many.npy"]
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=terminal, timeout=120, check=True)
    os.close(terminal)
    shown = os.read(reader, 100_000).decode()
    os.close(reader)
    assert "inverting" in shown
    assert "3/3" in shown
    assert "inverting" not in ran.stdout.decode()


@pytest.mark.parametrize("flags", [[], ["--workers", "2"]])
def test_ctrl_c_leaves_a_store_to_go_on_with(flags: list[str]) -> None:
    np.save("more.npy", np.resize(X, (300, 30)))
    command = [sys.executable, "-m", "pyomo_relu", "invert-many", "net.npz", "more.npy", "--out", "out"]
    results = Path("out/results.jsonl")
    with subprocess.Popen(
        [*command, "--chunk", "1", *flags], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while process.poll() is None and (not results.exists() or results.stat().st_size < 5000):
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    # What follows with workers is Python's, on the lock that Pyomo has in every process that ends at once.
    assert err.splitlines()[:2] == ["out holds what was answered: go on with --resume", "interrupted"]
    assert "Traceback" not in err
    done = len(results.read_text().splitlines())
    assert 0 < done < 300
