"""Theorem 1's check: inversion against brute force, and what it makes of verdicts that differ."""

from importlib.metadata import entry_points

import numpy as np
import pytest

from pyomo_relu.solvers import Outcome
from pyomo_relu.status import Status
from reductions.theorem_1 import BOTH, SOLVERS, Theorem1


@pytest.fixture(scope="module")
def rows():
    check = Theorem1()
    return [{"at": at, **row} for at in (2, 8) for row in check.perform(at, np.random.default_rng(0))]


def test_inversion_decides_as_brute_force_does(rows):
    assert len(rows) == 2 * len(BOTH) * len(SOLVERS)
    assert {row["satisfiable"] for row in rows} == {True, False}
    assert all(row["verdict"] is row["satisfiable"] for row in rows)
    # The residual of an unsatisfiable formula is the gap or more, but for what solvers leave.
    assert all(row["bound"] >= row["gap"] - 1e-6 for row in rows if not row["satisfiable"])


def test_what_differs_is_told(rows):
    check = Theorem1()
    assert check.finding(rows).agrees
    assert check.finding(rows).measured.startswith("0 of 8 verdicts differ from brute force, 0 undecided; formulas: 2;")
    assert check.facts(2, rows[:4]) == ("met 100.0%", "satisfiable 100.0%")
    wrong = [{**rows[0], "verdict": not rows[0]["verdict"]}, *rows[1:]]
    assert check.finding(wrong).agrees is False
    assert check.finding(wrong).measured.startswith("1 of 8 verdicts")
    undecided = [{**rows[0], "verdict": None}, *rows[1:]]
    assert check.finding(undecided).agrees is None


def test_an_interrupted_solve_is_no_verdict(scripted):
    calls = scripted(Outcome.without_point(Status.INTERRUPTED), by="highs", name="highs")
    with pytest.raises(KeyboardInterrupt):
        Theorem1().perform(2, np.random.default_rng(0))
    assert len(calls) == 1


def test_the_experiment_finds_it():
    assert any(point.load() is Theorem1 for point in entry_points(group="pyomo_relu.theory"))
