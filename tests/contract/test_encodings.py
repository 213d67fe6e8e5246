"""Every exact encoding, with every solver that takes it, on every network of one table, against brute force."""

from functools import cache

import brute_force
import numpy as np
import pytest
from solver_here import need
from tiny_networks import NETWORKS, observation

import pyomo_relu as pr
from pyomo_relu.bounds import FORWARD
from pyomo_relu.formulations import ENCODINGS
from pyomo_relu.formulations.residual import needs_of_norm
from pyomo_relu.solvers import BACKENDS

EXACT = [encoding for encoding in ENCODINGS.values() if encoding.exact]
BOX = (-2.0, 1.5)


@cache
def truth(name, norm):
    return brute_force.optimum(NETWORKS[name], observation(name), norm, *BOX)


def gives_bounds(solver):
    """Whether bounds of this solver are used: those of CBC's development build, which cbcbox has, are not."""
    return solver != "cbc" or "devel" not in BACKENDS["cbc"].version()


@pytest.mark.parametrize("bounds", ["observed", *FORWARD])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("encoding", "solver", "norm"),
    [
        (e.name, s, p)
        for e in EXACT
        for s, b in BACKENDS.items()
        for p in ("inf", 1, 2)
        if e.needs | needs_of_norm(p) <= b.supports
    ],
)
def test_optimum_is_that_of_brute_force(encoding, solver, norm, network, bounds):
    need(solver)
    net, x = NETWORKS[network], observation(network)
    result = pr.invert(net, x, pr.Exact(norm, encoding=encoding, bounds=bounds), box=BOX, solver=solver)
    if gives_bounds(solver):
        assert result.status is pr.Status.OPTIMAL
        tolerance = 1e-6 if norm != 2 else 1e-4
    else:
        assert result.status in (pr.Status.OPTIMAL, pr.Status.SOLVED)
        tolerance = 1e-4
    best = truth(network, norm)
    assert result.residual == pytest.approx(best, abs=tolerance)
    assert result.dual_bound <= best + tolerance
    assert result.residual == np.linalg.norm(net(result.z) - x, np.inf if norm == "inf" else norm)
    assert (result.z >= BOX[0]).all()
    assert (result.z <= BOX[1]).all()


@pytest.mark.parametrize("norm", ["inf", 1])
@pytest.mark.parametrize("network", NETWORKS)
def test_triangle_bounds_the_optimum_from_below(network, norm):
    from pyomo.environ import value

    from pyomo_relu.bounds import Region, interval_bounds
    from pyomo_relu.inversion.program import build_program
    from pyomo_relu.problem import Problem
    from pyomo_relu.solvers import solve

    problem = Problem.of(NETWORKS[network], observation(network), box=BOX)
    region = Region(problem.box, interval_bounds(problem.network, problem.box))
    model = build_program(problem, region, ENCODINGS["triangle"], norm)
    outcome = solve(model, "highs", ENCODINGS["triangle"].needs)
    assert outcome.status is pr.Status.OPTIMAL
    assert value(model.objective) <= truth(network, norm) + 1e-6


def test_exact_refuses_a_relaxation():
    with pytest.raises(pr.InputError, match="only a relaxation; exact: big-m, sos1, indicator"):
        pr.Exact(encoding="triangle")


@pytest.mark.parametrize("norm", ["inf", 1])
@pytest.mark.parametrize("network", ["two layers", "leaky", "mixed slopes, three layers"])
def test_matrix_operator(network, norm):
    net = NETWORKS[network]
    matrix = np.random.default_rng(7).normal(size=(2, net.n_out))
    x = matrix @ net(np.full(net.n_in, 0.4)) + 0.2
    result = pr.invert(net, x, pr.Exact(norm), operator=matrix, box=BOX)
    assert result.status is pr.Status.OPTIMAL
    assert result.residual == pytest.approx(brute_force.optimum(net, x, norm, *BOX, matrix=matrix), abs=1e-6)


@pytest.mark.parametrize("network", ["one layer", "two layers", "leaky"])
def test_mask_is_a_selection_of_rows(network):
    net, x = NETWORKS[network], observation(network)
    mask = np.arange(net.n_out) != 1
    hidden = np.where(mask, x, np.nan)
    result = pr.invert(net, hidden, pr.Exact("inf"), mask=mask, box=BOX)
    assert result.status is pr.Status.OPTIMAL
    best = brute_force.optimum(net, x[mask], "inf", *BOX, matrix=np.eye(net.n_out)[mask])
    assert result.residual == pytest.approx(best, abs=1e-6)
