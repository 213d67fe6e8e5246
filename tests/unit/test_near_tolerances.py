"""Numbers at the size of a solver's tolerance: no optimum is lost to them, and no program is called infeasible."""

import numpy as np
import pytest
from tiny_networks import clipped

import pyomo_relu as pr
from pyomo_relu.solvers import Outcome


@pytest.mark.parametrize("solver", ["highs", "scip"])
def test_a_narrow_side_of_a_wide_neuron_is_kept(solver):
    # ReLU(-z) is at most 8e-6 where ReLU(z) reaches 9e3, but the output hangs on it.
    net = pr.Network.from_arrays([[[1.0], [-1.0]], [[0.0, 1e5]]], slopes=[0.0, 1.0])
    found = pr.invert(net, [0.8], pr.Exact(bounds="interval"), box=(-8e-6, 9e3), solver=solver)
    assert found.residual < 1e-3
    assert found.realizable is not False


def test_a_tube_within_the_gap_of_the_optimum_is_not_decided():
    net, x = clipped(4)
    tube = 0.99 * pr.invert(net, x, pr.Exact(), box=(-1, 1)).residual
    found = pr.invert(net, x, pr.Exact(1, tube=tube), box=(-1, 1), solver=pr.Solver(rel_gap=0.3))
    assert found.z is None
    assert found.status is pr.Status.LIMIT
    assert found.message.startswith("no code was found in the tube: ||G(z) - x||_inf is at least 0.")
    assert pr.invert(net, x, pr.Exact(1, tube=tube), box=(-1, 1)).status is pr.Status.INFEASIBLE


def test_a_program_after_one_with_a_solution_is_not_infeasible(scripted):
    def infeasible_from_the_second(solve):
        return solve.honestly() if solve.number == 1 else Outcome.without_point(pr.Status.INFEASIBLE)

    net = pr.Network.random((2, 4, 6), seed=0)
    x = net([0.5, -1.0]) + np.linspace(-0.1, 0.1, 6)
    calls = scripted(infeasible_from_the_second, by="highs")
    found = pr.invert(net, x, pr.Exact(2, bounds="interval"), box=(-3, 3), solver="scripted")
    assert len(calls) == 2
    assert found.z is not None
    assert found.status is pr.Status.LIMIT


def test_a_box_full_of_codes_is_not_infeasible(scripted):
    scripted(Outcome.without_point(pr.Status.INFEASIBLE))
    net = pr.Network.random((2, 4, 6), seed=0)
    found = pr.invert(net, np.ones(6), pr.Exact(bounds="interval"), box=(-3, 3), solver="scripted")
    assert found.status is pr.Status.SOLVER_ERROR


def test_tangents_under_a_time_limit_that_is_spent():
    net = pr.Network.random((2, 4, 6), seed=0)
    solver = pr.Solver("highs", time_limit=1e-6)
    found = pr.invert(net, np.ones(6), pr.Exact(2, bounds="interval"), box=(-3, 3), solver=solver)
    assert found.status in (pr.Status.OPTIMAL, pr.Status.TIME_LIMIT)


# Its outputs are z, as the difference of what is a thousand million times larger: rounding hides a solver's tolerance.
HIDDEN = pr.Network.from_arrays([[[1e9], [1e9 - 1]], [[1.0, -1.0], [1.0, -1.0]]], [[1e9, 1e9], [0.0, 0.0]], 1.0)


def test_a_second_norm_without_a_bound_is_told_without_one():
    found = pr.invert(HIDDEN, [1.0, -1.0], pr.Exact(then=1), box=(-0.5, 0.5))
    assert found.residual == pytest.approx(1.0)
    assert found.dual_bound is None
    (chosen,) = found.certificate.trusted
    assert chosen.text.endswith("||G(z) - x||_1 = 2")


def test_an_empty_tube_without_a_bound_is_told_without_one():
    found = pr.invert(HIDDEN, [1.0, -1.0], pr.Exact(1, tube=0.5), box=(-0.5, 0.5))
    assert (found.z, found.message) == (None, "no code was found in the tube")
    assert found.status is pr.Status.LIMIT
