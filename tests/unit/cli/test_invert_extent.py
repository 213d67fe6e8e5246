"""``invert --extent``: how far equally good codes reach."""

from __future__ import annotations

import json
import math
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import NET, Run, pressed_ctrl_c, refused
from scripted_solver import Solve

import pyomo_relu as pr
from pyomo_relu.cli.method_flags import METHODS
from pyomo_relu.io.observation import read_array
from pyomo_relu.solvers import Outcome

EXACT = ("--method", "exact", "--box", -3, 3)


def test_the_table_has_a_row_for_each_entry_of_the_code(run: Run, folder: Path) -> None:
    ran = run("invert", "net.npz", "x.npy", *EXACT, "--extent")
    assert (ran.code, ran.err) == (0, "")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ran.out.splitlines()]
    expected = pr.extent(NET, read_array("x.npy", "x"), box=(-3, 3))
    rows = [row for row in cells if len(row) == 7 and row[0].isdigit()]
    assert [row[0] for row in rows] == ["0", "1", "2"]
    assert [row[6] for row in rows] == ["optimal"] * 3
    np.testing.assert_allclose([float(row[1]) for row in rows], expected.lower, atol=1e-4)
    np.testing.assert_allclose([float(row[4]) for row in rows], expected.upper, atol=1e-4)
    assert expected.unique is True
    assert "unique up to 0.01: yes" in ran.out


def test_json_has_the_extent_and_so_has_the_file(run: Run, folder: Path) -> None:
    ran = run("invert", "net.npz", "noisy.csv", *EXACT, "--extent", "--tol", 0.01, "--json", "--out", "r.json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(Path("r.json").read_text()) == ran.json
    extent = ran.json["extent"]
    assert extent["tol"] == 0.01
    assert extent["level"] == ran.json["residual"] + 0.01
    codes = np.array(extent["codes"]).reshape(-1, 3)
    # The sums of all codes at once have another order.
    assert np.abs(NET(codes) - read_array("noisy.csv", "x")).max() <= extent["level"] * (1.0 + 1e-12)
    assert "extent" not in run("invert", "net.npz", "noisy.csv", *EXACT, "--json").json


def test_the_tube_and_the_second_norm_reach_it(run: Run, folder: Path) -> None:
    ran = run("invert", "net.npz", "noisy.csv", *EXACT, "--norm", 1, "--tube", 0.02, "--extent", "--json")
    assert (ran.code, ran.json["extent"]["norm"]) == (0, 1)
    codes = np.array(ran.json["extent"]["codes"]).reshape(-1, 3)
    assert np.abs(NET(codes) - read_array("noisy.csv", "x")).max() <= 0.02 + 1e-6
    ran = run("invert", "net.npz", "noisy.csv", *EXACT, "--then", 2, "--extent", "--json")
    assert (ran.code, ran.json["norm"], ran.json["extent"]["norm"]) == (0, "inf", 2)


def test_an_empty_tube_has_no_extent(run: Run, folder: Path) -> None:
    flags = (*EXACT, "--norm", 1, "--tube", 1e-4, "--extent")
    ran = run("invert", "net.npz", "noisy.csv", *flags, "--json")
    assert (ran.code, ran.json["z"], ran.json["extent"]["level"]) == (0, None, None)
    assert "width" not in run("invert", "net.npz", "noisy.csv", *flags).out


@pytest.mark.parametrize(
    ("status", "code"), [("optimal", 0), ("time_limit", 1), ("solver_error", 1), ("interrupted", 130)]
)
def test_its_ending_is_an_exit_code(run: Run, folder: Path, scripted: Any, status: str, code: int) -> None:
    """That of its last program."""

    def says(solve: Solve) -> Outcome:
        return solve.honestly() if solve.number < last else Outcome.without_point(pr.Status(status))

    command = ("invert", "net.npz", "noisy.csv", *EXACT, "--extent", "--json", "--solver", "scripted")
    calls = scripted(Solve.honestly)
    ran = run(*command)
    last = len(calls) if code else len(calls) + 1
    scripted(says)
    ran = run(*command)
    assert (ran.code, ran.json["extent"]["status"]) == (code, status)
    assert ran.json["extent"]["statuses"] == ["optimal", "optimal", status]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--norm", 1, "--tol", 1e-12), "--tol must be at least"),
        (("--encoding", "sos1", "--solver", "highs"), "HiGHS does not take SOS1 models"),
        (("--solver", "scip", "--option", "no/such=1"), "SCIP option 'no/such'"),
    ],
)
def test_what_it_cannot_take_is_refused_before_the_inversion(
    run: Run, folder: Path, scripted: Any, flags: tuple[object, ...], said: str
) -> None:
    calls = scripted(Solve.honestly, by="highs", name="highs", title="HiGHS")  # which the inversion calls first
    refused(run("invert", "net.npz", "noisy.csv", *EXACT, *flags, "--extent", "--out", "r.json"), said)
    assert calls == []
    assert not Path("r.json").exists()


def test_squares_go_by_tangents_as_in_the_inversion(run: Run, folder: Path) -> None:
    ran = run("invert", "net.npz", "noisy.csv", *EXACT, "--norm", 2, "--solver", "highs", "--extent", "--json")
    assert (ran.code, ran.json["extent"]["status"], ran.json["extent"]["unique"]) == (0, "optimal", True)


@pytest.mark.parametrize(("pressed", "code"), [(False, 2), (True, 130)])
def test_the_inversion_outlives_it(run: Run, folder: Path, scripted: Any, pressed: bool, code: int) -> None:
    """After it the solver takes an option no more, or Ctrl-C is pressed while it is asked whether it does."""
    asked, most = [], math.inf

    def check_option(*_: object) -> str | None:
        asked.append(None)
        if len(asked) > most and pressed:
            signal.raise_signal(signal.SIGINT)
        return "not any more" if len(asked) > most and not pressed else None

    scripted(Solve.honestly, check_option=check_option)
    option = ("--solver", "scripted", "--option", "limits/nodes=1000")
    assert run("invert", "net.npz", "noisy.csv", *EXACT, *option).code == 0
    most = len(asked) + 1  # once more before the inversion
    asked.clear()
    ran = run("invert", "net.npz", "noisy.csv", *EXACT, *option, "--extent", "--json", "--out", "r.json")
    assert (ran.code, ran.json["status"]) == (code, "optimal")
    kept = json.loads(Path("r.json").read_text())
    assert kept["status"] == "optimal"
    assert "extent" not in kept


def test_a_file_that_cannot_be_written_any_more_does_not_lose_what_is_printed(
    run: Run, folder: Path, answering: Any
) -> None:
    Path("sub").mkdir()
    found = pr.invert(NET, read_array("noisy.csv", "x"), pr.Exact(), box=(-3, 3))

    def meanwhile(*_: object) -> pr.Result:
        Path("sub").rmdir()
        return found

    answering(meanwhile, "exact")
    ran = run("invert", "net.npz", "noisy.csv", *EXACT, "--out", "sub/r.json", "--json")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert ran.json["residual"] == found.residual


def test_after_ctrl_c_there_is_no_extent(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = replace(pr.invert(NET, read_array("noisy.csv", "x")), status=pr.Status.INTERRUPTED)

    class Stopped(pr.Exact):
        def run(self, problem: object, solver: object) -> pr.Result:
            return stopped

    monkeypatch.setitem(METHODS, "exact", replace(METHODS["exact"], make=lambda _: Stopped()))
    ran = run("invert", "net.npz", "noisy.csv", *EXACT, "--extent", "--json")
    assert (ran.code, ran.json["z"], "extent" in ran.json) == (130, stopped.z.tolist(), False)


@pytest.mark.slow
@pytest.mark.parametrize("nth", [1, 8])
def test_ctrl_c_in_the_middle_of_it_prints_what_was_found(folder: Path, nth: int) -> None:
    from pyomo_relu.generator import mnist_generator, mnist_latents

    x = mnist_generator()(mnist_latents()[0]) + np.random.default_rng(0).uniform(-0.1, 0.1, 784)
    np.save("y.npy", x)
    command = ("invert", "mnist", "y.npy", "--method", "exact", "--box", -4, 4, "--extent", "--json")
    ran = pressed_ctrl_c(*command, inside=("pyomo_relu.inversion.extremes", "Extremes.solve"), nth=nth)
    assert (ran.code, ran.err) == (130, "interrupted\n")
    extent = ran.json["extent"]
    assert extent["statuses"][-1] == "interrupted"
    z = np.array(ran.json["z"])
    assert (np.array(extent["lower"]) <= z).all()
    assert (np.array(extent["upper"]) >= z).all()
