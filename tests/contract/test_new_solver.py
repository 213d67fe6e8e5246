"""The solver of the how-to, as it stands there: one file and one line, and everything works with it."""

import types
from pathlib import Path

import numpy as np
import pytest
from solver_programs import LP, MILP, assert_holds, assert_untouched, impossible_lp, lp, milp

import pyomo_relu as pr
from pyomo_relu.solvers import BACKENDS, Solver, probe, solve

HOWTO = Path(__file__).parents[2] / "docs/howto/solver.md"
NAME = "pyomo-highs"


@pytest.fixture(scope="module")
def file():
    return HOWTO.read_text().split("```python\n")[1].split("```")[0]


@pytest.fixture
def registered(monkeypatch, file):
    module = types.ModuleType("pyomo_highs")
    exec(compile(file, "pyomo_highs.py", "exec"), module.__dict__)
    monkeypatch.setitem(BACKENDS, NAME, module.PYOMO_HIGHS)


def test_it_is_one_short_file(file):
    assert len(file.splitlines()) < 50


@pytest.mark.usefixtures("registered")
def test_it_solves_and_its_words_are_read():
    assert (probe(BACKENDS[NAME]).runs, NAME in pr.available_solvers()) == (True, True)
    for build, needs in ((lp, LP), (milp, MILP)):
        model, usual = build(), build()
        outcome = solve(model, Solver(NAME, threads=2), needs)
        assert outcome.status is pr.Status.OPTIMAL
        assert_holds(model, outcome)
        assert outcome.objective == pytest.approx(solve(usual, "highs", needs).objective)
    model = impossible_lp(False)
    outcome = solve(model, NAME, LP)
    assert outcome.status is pr.Status.INFEASIBLE
    assert_untouched(model, outcome)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("method", [pr.Layerwise(), pr.Exact("inf", bounds="interval"), pr.Exact(2, bounds="interval")])
def test_every_method_takes_it(method):
    net = pr.Network.random((2, 6, 12), seed=0)
    x = net([0.4, -0.3]) + np.linspace(-0.1, 0.1, 12)
    found, usual = (pr.invert(net, x, method, box=(-2, 2), solver=name) for name in (NAME, "highs"))
    assert (found.status, found.solver.startswith("HiGHS by Pyomo")) == (usual.status, True)
    if found.status is pr.Status.OPTIMAL:  # layer by layer, one LP has many solutions
        assert found.residual == pytest.approx(usual.residual, rel=1e-4)
