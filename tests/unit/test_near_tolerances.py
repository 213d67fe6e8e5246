"""Numbers at the size of a solver's tolerance: no optimum is lost to them, and no program is called infeasible."""

from dataclasses import replace

import numpy as np
import pytest

import pyomo_relu as pr
from pyomo_relu.inversion import exact, tangents
from pyomo_relu.solvers import Outcome


@pytest.mark.parametrize("solver", ["highs", "scip"])
def test_a_narrow_side_of_a_wide_neuron_is_kept(solver):
    # ReLU(-z) is at most 8e-6 where ReLU(z) reaches 9e3, but the output hangs on it.
    net = pr.Network.from_arrays([[[1.0], [-1.0]], [[0.0, 1e5]]], slopes=[0.0, 1.0])
    found = pr.invert(net, [0.8], pr.Exact(bounds="interval"), box=(-8e-6, 9e3), solver=solver)
    assert found.residual < 1e-3
    assert found.realizable is not False


def test_a_tube_within_the_gap_of_the_optimum_is_not_decided(monkeypatch):
    net = pr.Network.from_arrays([[[1.0], [1.0]]], slopes=1.0)
    result = exact.Exact._result

    def loose(method, *args):
        found = result(method, *args)
        return replace(found, dual_bound=0.999) if method.norm == "inf" else found

    monkeypatch.setattr(exact.Exact, "_result", loose)
    found = pr.invert(net, [1.0, -1.0], pr.Exact(1, tube=0.9995), box=(-3, 3))
    assert found.z is None
    assert found.status is pr.Status.LIMIT


def test_a_program_after_one_with_a_solution_is_not_infeasible(monkeypatch):
    net = pr.Network.random((2, 4, 6), seed=0)
    x = net([0.5, -1.0]) + np.linspace(-0.1, 0.1, 6)
    calls = []
    solve = tangents.solve

    def infeasible_from_the_second(*args, **kwargs):
        calls.append(args)
        said = Outcome(pr.Status.INFEASIBLE, False, None, None, 0.0, "liar")
        return solve(*args, **kwargs) if len(calls) == 1 else said

    monkeypatch.setattr(tangents, "solve", infeasible_from_the_second)
    found = pr.invert(net, x, pr.Exact(2, bounds="interval"), box=(-3, 3), solver="highs")
    assert len(calls) == 2
    assert found.z is not None
    assert found.status is pr.Status.LIMIT


def test_a_box_full_of_codes_is_not_infeasible(monkeypatch):
    said = Outcome(pr.Status.INFEASIBLE, False, None, None, 0.0, "liar")
    monkeypatch.setattr("pyomo_relu.inversion.task.solve", lambda *args, **kwargs: said)
    net = pr.Network.random((2, 4, 6), seed=0)
    found = pr.invert(net, np.ones(6), pr.Exact(bounds="interval"), box=(-3, 3))
    assert found.status is pr.Status.SOLVER_ERROR


def test_tangents_under_a_time_limit_that_is_spent():
    net = pr.Network.random((2, 4, 6), seed=0)
    solver = pr.Solver("highs", time_limit=1e-6)
    found = pr.invert(net, np.ones(6), pr.Exact(2, bounds="interval"), box=(-3, 3), solver=solver)
    assert found.status in (pr.Status.OPTIMAL, pr.Status.TIME_LIMIT)


def test_a_second_norm_whose_bound_was_refuted(monkeypatch):
    run = exact.Exact._run_in_tube
    monkeypatch.setattr(exact.Exact, "_run_in_tube", lambda *args: replace(run(*args), dual_bound=None))
    net = pr.Network.from_arrays([[[1.0], [1.0]]], slopes=1.0)
    found = pr.invert(net, [1.0, -1.0], pr.Exact(then=1), box=(-3, 3))
    assert found.residual == pytest.approx(1.0)
