"""``demo``: digits, a table and a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import CODE, Ran, Run, refused, result

from pyomo_relu.cli.demo import Trial, gallery, noisy
from pyomo_relu.generator import mnist_generator, mnist_latents
from pyomo_relu.result import Result
from pyomo_relu.status import Status


def test_noise_is_bounded_and_repeats_with_its_seed() -> None:
    images = np.zeros((2, 500))
    first, again, other = noisy(images, 0.1, 0), noisy(images, 0.1, 0), noisy(images, 0.1, 1)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert 0.09 < np.abs(first).max() <= 0.1


def test_demo_inverts_a_digit_both_ways_and_draws_it(run: Run, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    ran = run("demo", "--digits", 1, "--noise", 0.01)
    assert ran.code == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ran.out.splitlines()]
    rows = [row for row in rows if row and row[0] == "0"]
    assert [row[2:4] for row in rows] == [["layer-wise", "solved"], ["exact", "optimal"]]
    layerwise, exact = (float(row[4]) for row in rows)
    assert exact <= 0.0101
    assert exact <= layerwise
    assert all(float(row[5]) <= exact * 1.001 for row in rows)
    assert f"picture: {(folder / 'demo.png').resolve()}" in ran.out
    assert imread("demo.png").shape[0] > 900


@pytest.fixture
def _slow_exact(answering: Any) -> None:
    """Let the exact method hit its time limit: with an incumbent for the digit 0, without one for the others."""
    codes = [mnist_latents()[0], None]

    def late(problem: Any, solver: Any) -> Result:
        assert solver.time_limit == 7.0
        assert problem.box.lower.tolist() == [-4.0] * 20
        return result(Status.TIME_LIMIT, codes.pop(0))

    answering(late, "exact")


@pytest.mark.usefixtures("_slow_exact")
def test_demo_shows_a_time_limit_and_what_was_found_till_then(run: Run, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    ran = run("demo", "--digits", 2, "--time-limit", 7, "--out", "d.svg")
    assert ran.code == 1
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ran.out.splitlines()]
    exact = [row for row in rows if len(row) > 2 and row[2] == "exact"]
    assert exact[0][3:8] == ["time limit", "0.5", "0.25", "0.00%", "inf"]
    assert exact[1][3:8] == ["time limit", "-", "0.25", "-", "-"]
    assert Path("d.svg").stat().st_size > 5000


@pytest.mark.usefixtures("_slow_exact")
def test_demo_without_matplotlib_prints_the_table_and_says_why_there_is_no_picture(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    ran = run("demo", "--digits", 1, "--time-limit", 7)
    assert ran.code == 1
    assert "layer-wise" in ran.out
    assert ran.err == 'no picture: pictures need Matplotlib: pip install "pyomo-relu[plot]"\n'
    assert not Path("demo.png").exists()


def test_demo_stops_at_ctrl_c(run: Run, folder: Path, answering: Any) -> None:
    answering(lambda *_: result(Status.INTERRUPTED, mnist_latents()[0]))
    assert run("demo") == Ran(130, "", "interrupted\n")
    assert not Path("demo.png").exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--digits", "0"], "--digits must be a whole number from 1 to 10, got 0"),
        (["--digits", "11"], "--digits must be a whole number from 1 to 10, got 11"),
        (["--noise", "-1"], "--noise must be a non-negative number"),
        (["--noise", "nan"], "--noise must be a non-negative number"),
        (["--seed", "-1"], "--seed must be an integer, at least 0"),
        (["--solver", "nope"], "unknown solver 'nope'"),
        (["--time-limit", "0"], "--time-limit must be"),
        (["--out", "demo.gif"], "--out demo.gif: unknown suffix '.gif'"),
        (["--out", "nowhere/demo.png"], "--out nowhere/demo.png: cannot write there"),
    ],
)
def test_demo_refuses_bad_flags_before_it_starts(run: Run, folder: Path, flags: list[str], said: str) -> None:
    refused(run("demo", *flags), said)


def test_the_gallery_shows_what_was_inverted() -> None:
    truth = mnist_generator()(mnist_latents()[:1])
    trials = [
        Trial(0, "layer-wise", result(Status.SOLVED, CODE), truth[0], 0.1, 30.0, False),
        Trial(0, "exact", result(Status.TIME_LIMIT), None, None, None, True),
    ]
    rows = gallery(truth, truth + 0.5, trials, 0.5)
    assert [row.label for row in rows] == ["observation", "truth\nG(z*)", "layer-wise", "exact"]
    assert [row.captions for row in rows] == [["noise up to 0.5"], [""], ["residual 0.5, 30.0 dB"], ["time limit"]]
    np.testing.assert_array_equal(rows[0].images[0], truth[0] + 0.5)
    assert rows[3].images == [None]
