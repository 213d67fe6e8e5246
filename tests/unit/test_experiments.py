"""Experiments: seeded, resumable, the same with any number of workers; and their mathematics."""

import errno
import importlib
import json
import math
import os
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest
from tiny_experiments import Dying, DyingOnce, Interrupted, Mistaken, Tiny

import pyomo_relu as pr
from pyomo_relu.batch.line_file import open_lines
from pyomo_relu.experiments import EXPERIMENTS, reproduce
from pyomo_relu.experiments.constants import expansion_l1, expansion_linf
from pyomo_relu.experiments.experiment import CHEAP, DEAR
from pyomo_relu.experiments.fig2 import FREE, LINEAR, LONG, NONNEGATIVE, SHORT, predicted
from pyomo_relu.experiments.fig4 import box_blur
from pyomo_relu.experiments.instances import gaussian_network, noise
from pyomo_relu.experiments.journal import Journal
from pyomo_relu.experiments.pool import run_tasks
from pyomo_relu.experiments.statistics import median, quartiles, share, within_sampling
from pyomo_relu.experiments.theory import GROUP, checks
from pyomo_relu.solvers import Outcome

HEADER = {"experiment": "tiny", "seed": 0}


class KilledError(Exception):
    pass


class KilledWorker(Exception):  # noqa: N818 - as Dask names it
    __module__ = "distributed.scheduler"


class Failing(Executor):
    """An executor that breaks when a task is submitted, or when its result is fetched."""

    def __init__(self, error, *, early):
        self.error, self.early = error, early

    def submit(self, *_):
        if self.early:
            raise self.error
        future = Future()
        future.set_exception(self.error)
        return future


def kill_after(limit):
    def progress(done, total):
        if done == limit:
            raise KilledError

    return progress


def without_seconds(rows):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def run_of(path, experiment, tasks, seed=0, *, resume=False, header=HEADER, **options):
    """The rows of some tasks, with a journal at `path`."""
    with open_lines(path) as lines:
        return run_tasks(experiment, tasks, seed, Journal(lines, header, resume=resume), **options)


def test_a_killed_run_goes_on_without_losing_or_repeating_a_task(tmp_path):
    path, tiny = tmp_path / "tiny.jsonl", Tiny()
    with pytest.raises(KilledError):
        run_of(path, tiny, tiny.tasks(5), progress=kill_after(3))
    # The writer was killed in the middle of a line.
    with path.open("a") as file:
        file.write('{"task": ["cell", 0.1, 3], "ro')
    rows = run_of(path, tiny, tiny.tasks(5), resume=True)
    whole = run_of(tmp_path / "whole.jsonl", tiny, tiny.tasks(5))
    assert rows == whole
    tasks = [tuple(json.loads(line)["task"]) for line in path.read_text().splitlines()[1:]]
    assert sorted(tasks) == sorted(tiny.tasks(5))
    assert path.read_text() == (tmp_path / "whole.jsonl").read_text()


def test_a_journal_whose_header_was_torn_begins_anew(tmp_path):
    path, tiny = tmp_path / "tiny.jsonl", Tiny()
    path.write_text('{"header": {"exp')
    run_of(path, tiny, tiny.tasks(1), resume=True)
    run_of(tmp_path / "whole.jsonl", tiny, tiny.tasks(1))
    assert path.read_text() == (tmp_path / "whole.jsonl").read_text()


def test_more_runs_add_to_what_is_there(tmp_path):
    path, tiny = tmp_path / "tiny.jsonl", Tiny()
    few = run_of(path, tiny, tiny.tasks(2))
    more = run_of(path, tiny, tiny.tasks(4), resume=True)
    assert more[:2] == few
    assert len(more) == 4
    assert len(path.read_text().splitlines()) == 5


def test_journals_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "tiny.jsonl"
    run_of(path, Tiny(), [])
    with pytest.raises(pr.InputError, match=r"resume is needed to go on: .*tiny\.jsonl exists"):
        run_of(path, Tiny(), [])
    with pytest.raises(pr.InputError, match="has seed 0, this run 1: take another folder"):
        run_of(path, Tiny(), [], header={**HEADER, "seed": 1}, resume=True)
    path.write_text(path.read_text() + "nonsense\n")
    with pytest.raises(pr.InputError, match="line 2 is damaged; remove it to do its task again"):
        run_of(path, Tiny(), [], resume=True)
    with open_lines(path), pytest.raises(pr.InputError, match="another run is writing to it"):
        run_of(path, Tiny(), [], resume=True)


def test_a_damaged_header_is_not_to_be_removed(tmp_path):
    path = tmp_path / "tiny.jsonl"
    for header in ("nonsense", "{}", "[]"):
        path.write_text(f"{header}\n")
        with pytest.raises(pr.InputError, match="line 1 is damaged; it says what the runs are: take another folder"):
            run_of(path, Tiny(), [], resume=True)


def test_two_workers_give_what_one_gives(tmp_path):
    fig2 = EXPERIMENTS["fig2"]
    tasks = [("width", 150, "cheap", 0), ("leaky", 10, "dear", 1), ("relu", 30, "cheap", 1)]
    one = run_of(tmp_path / "one", fig2, tasks, 7)
    two = run_of(tmp_path / "two", fig2, tasks, 7, executor=pr.Processes(2))
    assert without_seconds(one) == without_seconds(two)
    other = run_of(tmp_path / "other", fig2, tasks[1:2], 8)
    assert without_seconds(other) != without_seconds(one[2:4])


def test_an_executor_of_the_callers_is_left_open(tmp_path):
    tiny = Tiny()
    with ThreadPoolExecutor(1) as executor:
        rows = run_of(tmp_path / "tiny.jsonl", tiny, tiny.tasks(3), executor=executor)
        assert executor.submit(int).result() == 0
    assert rows == run_of(tmp_path / "alone.jsonl", tiny, tiny.tasks(3))


def test_a_worker_that_dies_is_told_of_and_what_was_done_is_kept(tmp_path):
    path, tiny = tmp_path / "tiny.jsonl", Tiny()
    run_of(path, tiny, tiny.tasks(1))
    with pytest.raises(pr.PyomoReluError, match="a worker process was killed; what is done is kept"):
        run_of(path, Dying(), tiny.tasks(2), executor=pr.Processes(2), resume=True)
    with open_lines(path) as lines:
        assert list(Journal(lines, HEADER, resume=True).done) == tiny.tasks(1)


def test_a_worker_that_dies_once_is_replaced(tmp_path):
    dying = DyingOnce(str(tmp_path / "died"))
    rows = run_of(tmp_path / "tiny.jsonl", dying, dying.tasks(3), executor=pr.Processes(2))
    assert (tmp_path / "died").exists()
    assert without_seconds(rows) == without_seconds(run_of(tmp_path / "alone.jsonl", Tiny(), Tiny().tasks(3)))


@pytest.mark.parametrize(
    "error", [BrokenProcessPool("died"), CancelledError(), KilledWorker("lost"), OSError("gone"), TimeoutError("late")]
)
@pytest.mark.parametrize("early", [True, False])
def test_what_an_executor_loses_is_told(tmp_path, error, early):
    with pytest.raises(pr.PyomoReluError, match="what is done is kept: go on with --resume"):
        run_of(tmp_path / "tiny.jsonl", Tiny(), Tiny().tasks(2), executor=Failing(error, early=early))


@pytest.mark.parametrize("executor", [None, pr.Processes(2)])
def test_an_experiments_own_error_travels_as_it_is(tmp_path, executor):
    with pytest.raises(ZeroDivisionError):
        run_of(tmp_path / "tiny.jsonl", Mistaken(), Tiny().tasks(1), executor=executor)


def test_an_experiments_own_oserror_travels_through_local_executors(tmp_path):
    class Unreadable(Tiny):
        def perform(self, *_):
            raise FileNotFoundError("no such data")

    with ThreadPoolExecutor(1) as pool, pytest.raises(FileNotFoundError):
        run_of(tmp_path / "tiny.jsonl", Unreadable(), Tiny().tasks(1), executor=pool)


def test_an_interrupted_solve_is_no_finished_task(tmp_path):
    path, tiny = tmp_path / "tiny.jsonl", Tiny()
    with pytest.raises(KeyboardInterrupt):
        run_of(path, Interrupted(), tiny.tasks(3))
    assert run_of(path, tiny, tiny.tasks(3), resume=True) == run_of(tmp_path / "whole.jsonl", tiny, tiny.tasks(3))


def test_checks_raise_where_a_solve_was_interrupted(scripted, monkeypatch):
    calls = scripted(Outcome.without_point(pr.Status.INTERRUPTED), by="highs")
    monkeypatch.setenv("PYOMO_RELU_SOLVER", "scripted")
    with pytest.raises(KeyboardInterrupt):
        EXPERIMENTS["theory"].perform(("theorem 3", 0.001, 0), 0)
    assert len(calls) == 1


def test_reproduce_takes_a_path_as_text_and_refuses_a_file(tmp_path):
    pytest.importorskip("matplotlib")
    assert reproduce(Tiny(), str(tmp_path / "folder"), runs=1).files[0] == tmp_path / "folder" / "tiny.jsonl"
    (tmp_path / "file").touch()
    with pytest.raises(pr.InputError, match=f"cannot make the folder .*file: {os.strerror(errno.EEXIST)}"):
        reproduce(Tiny(), tmp_path / "file", runs=1)


def test_reproduce_writes_journal_pictures_and_report(tmp_path):
    pytest.importorskip("matplotlib")
    report = reproduce(Tiny(), tmp_path / "new" / "folder", runs=2, seed=4)
    assert [path.suffix for path in report.files] == [".jsonl", ".png", ".svg", ".md"]
    assert all(path.stat().st_size > 100 for path in report.files)
    page = report.files[-1].read_text()
    assert "Runs: 2; seed 4; pyomo_relu" in page
    assert "| said | seen | DISAGREES |" in page
    assert "| else | seen | open |" in page
    assert "| x\\|y | z | 2 |" in page


@pytest.mark.parametrize(("given", "said"), [({"runs": 0}, "runs"), ({"every": 0}, "every"), ({"seed": -1}, "seed")])
def test_reproduce_refuses_numbers_out_of_range(tmp_path, given, said):
    with pytest.raises(pr.InputError, match=f"{said} must be an integer, at least"):
        reproduce(Tiny(), tmp_path, **given)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_tasks_come_back_from_json_and_more_runs_only_append(name):
    tasks, fewer = EXPERIMENTS[name].tasks(5, 2), EXPERIMENTS[name].tasks(4, 2)
    assert [tuple(json.loads(json.dumps(task))) for task in tasks] == tasks
    assert len(set(tasks)) == len(tasks)
    assert tasks[: len(fewer)] == fewer
    assert set(tasks) <= set(EXPERIMENTS[name].tasks(5, 1))


def test_networks_have_the_papers_variance_and_noise_its_level():
    net = gaussian_network((20, 100, 500), np.random.default_rng(0))
    assert [round(layer.weight.var() * layer.n_out, 1) for layer in net] == [1.0, 1.0]
    rng = np.random.default_rng(0)
    assert noise("uniform", 0.1, 10_000, rng).max() == pytest.approx(0.1, rel=1e-3)
    assert noise("gaussian", 0.1, 10_000, rng).std() == pytest.approx(0.1, rel=0.03)


def test_a_failure_counts_as_an_infinite_error():
    rows = [{"error": 0.1}, {"error": None}, {"error": 0.3}, {"error": None}]
    assert quartiles(rows) == (0.1, math.inf, math.inf)
    assert share(rows, 0.2) == 0.25
    assert median([{"psnr": 20.0}, {"psnr": None}, {"psnr": 30.0}, {"psnr": 26.0}], "psnr") == 23.0
    assert median([{"psnr": 20.0}, {"psnr": None}], "psnr") == -math.inf


@pytest.mark.parametrize("n", range(1, 9))
def test_the_median_is_that_of_numpy(n):
    errors = np.random.default_rng(n).normal(size=n)
    rows = [{"error": error} for error in errors]
    assert median(rows) == pytest.approx(np.median(errors), rel=1e-15)
    low, middle, high = quartiles(rows)
    assert middle == median(rows)
    assert low <= middle <= high
    assert {low, high} <= set(errors)


def test_constant_of_assumption_2_is_the_least_over_all_directions():
    rows = np.random.default_rng(0).normal(size=(7, 2))
    angles = np.linspace(0.0, np.pi, 20_001)
    directions = np.array([np.cos(angles), np.sin(angles)])
    ratios = np.abs(rows @ directions).max(axis=0) / np.abs(directions).max(axis=0)
    assert expansion_linf(rows) == pytest.approx(ratios.min(), rel=1e-3)
    assert expansion_linf(rows) <= ratios.min() * (1.0 + 1e-9)


def test_constant_of_assumption_3_is_a_lower_bound_and_that_of_the_best_left_inverse():
    rows = np.random.default_rng(0).normal(size=(7, 2))
    angles = np.linspace(0.0, np.pi, 20_001)
    directions = np.array([np.cos(angles), np.sin(angles)])
    ratios = np.abs(rows @ directions).sum(axis=0) / np.abs(directions).sum(axis=0)
    inverse = 1.0 / np.abs(np.linalg.pinv(rows)).sum(axis=0).max()
    assert inverse <= expansion_l1(rows) <= ratios.min() * (1.0 + 1e-9)


def test_rows_without_rank_have_constants_of_zero():
    rows = np.array([[1.0, 1.0], [2.0, 2.0], [-1.0, -1.0]])
    assert (expansion_linf(rows), expansion_l1(rows)) == (0.0, 0.0)


def test_theorems_hold_on_an_instance_each():
    theory = EXPERIMENTS["theory"]
    for check in ("theorem 3", "theorem 4"):
        row = theory.perform((check, 0.001, 0), 0)[0]
        assert 0.0 < row["error"] <= row["bound"] <= row["stated"]
    exact = theory.perform(("theorem 2", 2.1, 0), 0)
    assert all(row["enough"] == (row["error"] is not None and row["error"] < 1e-6) for row in exact)
    assert {row["enough"] for row in exact} == {True, False}


def test_blur_averages():
    matrix = box_blur(28, 2)
    assert matrix[14 * 28 + 14].sum() == pytest.approx(1.0)
    assert np.count_nonzero(matrix[0]) == 9


def test_descent_gets_no_worse_with_more_steps():
    rows = [row for part in ("cheap", "dear") for row in EXPERIMENTS["fig2"].perform(("relu", 80, part, 1), 0)]
    errors = {row["method"]: row["error"] for row in rows}
    assert errors[LINEAR] < 1e-9
    assert errors[LONG] <= errors[SHORT]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a package that adds checks to the theory."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(*values):
        package = tmp_path / "more_checks-1.0.dist-info"
        package.mkdir()
        (package / "METADATA").write_text("Metadata-Version: 2.1\nName: more-checks\nVersion: 1.0\n")
        points = "".join(f"check-{i} = {value}\n" for i, value in enumerate(values))
        (package / "entry_points.txt").write_text(f"[{GROUP}]\n{points}")
        importlib.invalidate_caches()
        checks.cache_clear()

    yield install
    checks.cache_clear()


def test_a_package_adds_a_check_to_the_theory_and_changes_no_other(tmp_path, installed):
    theory = EXPERIMENTS["theory"]
    alone = theory.perform(("theorem 2", 2.1, 0), 0)
    installed("tiny_experiments:TinyCheck")
    assert theory.perform(("theorem 2", 2.1, 0), 0) == alone
    tasks = [task for task in theory.tasks(2, 1) if task[0] == "lemma 7"]
    assert tasks == [("lemma 7", 0.5, 0), ("lemma 7", 1, 0), ("lemma 7", 0.5, 1), ("lemma 7", 1, 1)]
    rows = [row for task in tasks for row in theory.perform(task, 0)]
    assert len({row["drawn"] for row in rows}) == 4
    assert "Lemma 7: a number." in theory.setting
    assert theory.summary(rows).rows == [
        ("lemma 7", "0.5", "2", "2 drawn", "at most 0.5"),
        ("lemma 7", "1", "2", "2 drawn", "at most 1"),
    ]
    assert [finding.agrees for finding in theory.findings(rows)] == [True]
    draws_and_compares(theory, rows, tmp_path)


def test_two_checks_of_one_name_are_refused(installed):
    installed("tiny_experiments:TinyCheck", "tiny_experiments:TinyCheck")
    with pytest.raises(pr.PyomoReluError, match="two checks of the theory have the name 'lemma 7'"):
        EXPERIMENTS["theory"].tasks(1, 1)


@pytest.mark.slow
def test_recovery_follows_the_binomial_law_and_wendels():
    fig2 = EXPERIMENTS["fig2"]
    runs, sizes = 25, (155, 200)
    rows = [row for m in sizes for run in range(runs) for row in fig2.perform(("width", m, "cheap", run), 3)]
    for m in sizes:
        for method, nonnegative in ((FREE, False), (NONNEGATIVE, True)):
            cell = [row for row in rows if (row["size"], row["method"]) == (m, method)]
            law = predicted("width", m, nonnegative=nonnegative)
            assert within_sampling(share(cell, 1e-3), law, runs), (m, method)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "cell"), [("fig3", ("sd 0.3",)), ("fig4", ("block",)), ("fig1", ("a",))])
def test_a_figure_is_drawn_and_summed_up_from_its_rows(name, cell, tmp_path):
    experiment = EXPERIMENTS[name]
    done = {part: experiment.perform((*cell, part, 0), 0) for part in (CHEAP, DEAR)}
    keys = {"fig1": ("panel",), "fig3": ("kind",), "fig4": ("operator",)}[name]
    # The same rows in every cell: what is tested is that each is found where it is looked for.
    rows = [
        {**row, **dict(zip(keys, at, strict=True)), "run": run}
        for *at, part, run in experiment.tasks(3, 2)
        for row in done[part]
    ]
    assert len(experiment.summary(rows).rows) >= len(done)
    draws_and_compares(experiment, rows, tmp_path)


def draws_and_compares(experiment, rows, folder):
    pytest.importorskip("matplotlib")
    from pyomo_relu.figure import new_figure, save_figure

    assert all(finding.measured for finding in experiment.findings(rows))
    figure = new_figure(*experiment.size)
    experiment.draw(rows, figure)
    save_figure(figure, Path(folder / "figure.png"))
    assert (folder / "figure.png").stat().st_size > 10_000


@pytest.mark.slow
def test_other_data_are_drawn_and_summed_up(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.setattr("pyomo_relu.experiments.data.LIMIT", 1.0)
    data = EXPERIMENTS["data"]
    tasks = [task for task in data.tasks(1, 1) if task[0] != "MNIST"]
    rows = [row for task in tasks for row in data.perform(task, 0)]
    assert len(data.summary(rows).rows) == 7 * 12
    draws_and_compares(data, rows, tmp_path)
    for row in rows:
        assert (row["error"] is None) == (row["kind"] == "real digit"), row
        assert row["bound"] is None or row["bound"] <= row["residual"] + 1e-6, row
