"""``reproduce``: experiments on the command line, killed and gone on with, here and on a cluster."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import Run, refused
from tiny_experiments import Dying, Interrupted, Tiny

from pyomo_relu.cli.reproduce import NAMES
from pyomo_relu.experiments import EXPERIMENTS

pytest.importorskip("matplotlib")

SHIPPED = tuple(EXPERIMENTS)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(EXPERIMENTS, "tiny", Tiny())
    monkeypatch.chdir(tmp_path)


def journal(path: str) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    """Each task's rows but for the seconds; no task is there twice."""
    entries = [json.loads(line) for line in Path(path).read_text().splitlines()[1:]]
    found = {tuple(entry["task"]): [{**row, "seconds": 0.0} for row in entry["rows"]] for entry in entries}
    assert len(found) == len(entries)
    return found


def test_table_and_findings_are_printed_and_more_runs_go_on(run: Run) -> None:
    first = run("reproduce", "tiny", "--out", "out")
    assert first.code == 0
    assert "DISAGREES" in first.out
    assert str(Path("out/tiny.png").resolve()) in first.out
    assert "tiny: 3 of 3" in first.err
    refused(run("reproduce", "tiny", "--out", "out"), "--resume is needed to go on")
    again = run("reproduce", "tiny", "--out", "out", "--resume", "--runs", 4)
    assert "tiny: 3 of 4" in again.err
    assert again.code == 0


def test_ctrl_c_in_a_solve_ends_it_and_its_task_is_done_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXPERIMENTS, "tiny", Interrupted())
    ran = run("reproduce", "tiny", "--out", "out")
    assert (ran.code, ran.out) == (130, "")
    assert ran.err.endswith("interrupted\n")
    assert list(journal("out/tiny.jsonl")) == [("cell", 0.1, 0)]
    monkeypatch.setitem(EXPERIMENTS, "tiny", Tiny())
    assert run("reproduce", "tiny", "--out", "out", "--resume").code == 0
    assert len(journal("out/tiny.jsonl")) == 3


def test_the_help_names_every_experiment() -> None:
    assert NAMES.replace(" or ", ", ").split(", ") == list(SHIPPED)


def test_bad_input_is_refused_in_one_line(run: Run) -> None:
    Path("file").touch()
    for arguments, said in (
        (("fig9", "--out", "out"), "unknown experiment 'fig9'; known: fig1, fig2"),
        (("fig1", "--out", "out", "--workers", 0), "Invalid value for '--workers'"),
        (("fig1", "--out", "out", "--runs", 0), "--runs must be an integer, at least 1, got 0"),
        (("fig1", "--out", "out", "--every", 0), "--every must be an integer, at least 1, got 0"),
        (("fig1", "--out", "out", "--workers", 2, "--dask", "tcp://127.0.0.1:1"), "give --workers or --dask, not both"),
        (("fig1", "--out", "file"), "is not a folder"),
    ):
        refused(run("reproduce", *arguments), said)
    assert not Path("out").exists()


def test_without_dask_its_flag_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    refused(run("reproduce", "tiny", "--out", "out", "--dask", "tcp://h:1"), 'pip install "pyomo-relu[dask]"')


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the workers in /proc")
def test_a_killed_command_goes_on_and_leaves_no_worker_behind(run: Run) -> None:
    command = [sys.executable, "-m", "pyomo_relu", "reproduce", "theory", "--runs", "1", "--out", "killed"]
    with subprocess.Popen([*command, "--workers", "2"], stderr=subprocess.DEVNULL) as killed:
        path = Path("killed/theory.jsonl")
        while not path.exists() or path.read_bytes().count(b"\n") < 4:
            assert killed.poll() is None
            time.sleep(0.01)
        workers = Path(f"/proc/{killed.pid}/task/{killed.pid}/children").read_text().split()
        killed.send_signal(signal.SIGKILL)
    assert workers
    deadline = time.monotonic() + 30.0
    while any(map(alive, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    kept = path.read_bytes()
    assert run("reproduce", "theory", "--runs", 1, "--out", "killed", "--resume").code == 0
    assert path.read_bytes().startswith(kept[: kept.rindex(b"\n") + 1])
    assert run("reproduce", "theory", "--runs", 1, "--out", "whole", "--workers", 1).code == 0
    assert journal("killed/theory.jsonl") == journal("whole/theory.jsonl")


def alive(process: str) -> bool:
    """Whether a process runs: one that nobody has waited for is a zombie."""
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
@pytest.mark.xdist_group("dask")
def test_a_dask_cluster_gives_the_figures_of_this_process(run: Run) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=0) as cluster:
        address = cluster.scheduler_address
        assert run("reproduce", "theory", "--runs", 1, "--out", "dask", "--dask", address).code == 0
    assert run("reproduce", "theory", "--runs", 1, "--out", "here").code == 0
    assert journal("dask/theory.jsonl") == journal("here/theory.jsonl")


@pytest.mark.slow
@pytest.mark.xdist_group("dask")
def test_a_task_that_kills_dask_workers_is_told_and_what_was_done_is_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed, dask = pytest.importorskip("distributed"), pytest.importorskip("dask")
    monkeypatch.setitem(EXPERIMENTS, "tiny", Dying())
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", memory_limit=0) as cluster,
    ):
        command = ("reproduce", "tiny", "--out", "out", "--dask", cluster.scheduler_address)
        # By itself: a result that nobody has fetched yet dies with its worker.
        assert run(*command, "--runs", 1).code == 0
        ran = run(*command, "--runs", 2, "--resume")
    assert ran.code == 2
    assert "a task was lost; what is done is kept: go on with --resume: " in ran.err
    assert list(journal("out/tiny.jsonl")) == [("cell", 0.1, 0)]
