"""The program of exact inversion: what is written as rows of the layer, and what its optimum means."""

import numpy as np
import pytest
from brute_force import optimum

import pyomo_relu as pr
from pyomo_relu.bounds import Region, crown_bounds
from pyomo_relu.formulations import ENCODINGS
from pyomo_relu.inversion.program import build_program
from pyomo_relu.problem import Problem
from pyomo_relu.solvers import solve

BOX = pr.Box.of((-1, 1), 2)
ENCODING = ENCODINGS["big-m"]


def instance(seed, slope=0.0):
    """A network whose observation has entries below zero, and outputs of every kind: on, off, open."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(3, 2)), rng.normal(size=(5, 3))]
    net = pr.Network.from_arrays(weights, [rng.normal(size=3), 2.0 * rng.normal(size=5)], slopes=[0.0, slope])
    return Problem.of(net, net(rng.uniform(-1, 1, 2)) + 0.5 * rng.normal(size=5), box=BOX)


def minimum(problem, norm, **settings):
    """Return the optimum of the program, and the residual of its code."""
    region = Region(BOX, crown_bounds(problem.network, BOX))
    model = build_program(problem, region, ENCODING, norm, **settings)
    outcome = solve(model, "highs", ENCODING.needs)
    assert outcome.status is pr.Status.OPTIMAL
    code = np.array([v.value for v in model.z.values()])
    return model, outcome.objective, problem.residual(code, norm)


@pytest.mark.parametrize("slope", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("norm", ["inf", 1])
@pytest.mark.parametrize("seed", range(4))
def test_the_optimum_is_the_residual_of_its_code(seed, norm, slope):
    problem = instance(seed, slope)
    best = optimum(problem.network, problem.x, norm, BOX.lower, BOX.upper)
    for right in ("in optima", "always"):
        _, objective, residual = minimum(problem, norm, outputs_right=right)
        assert objective == pytest.approx(best, abs=1e-6)
        assert residual == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("share", [0.5, 0.9, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_beside_a_known_bound_the_objective_may_be_less_and_the_code_is_not_worse(seed, share):
    problem = instance(seed)
    best = optimum(problem.network, problem.x, "inf", BOX.lower, BOX.upper)
    bound = max(share * best, float(np.max(-problem.x)))
    _, objective, residual = minimum(problem, "inf", bound=bound)
    assert objective <= best + 1e-6
    assert max(objective, bound) == pytest.approx(best, abs=1e-6)
    assert residual == pytest.approx(best, abs=1e-6)


def test_only_outputs_that_are_open_and_missed_from_both_sides_are_variables():
    net = pr.Network.from_arrays([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]], [[2.0, -2.0, 0.0, 0.0]])
    problem = Problem.of(net, [1.0, 1.0, -0.5, 0.5], box=BOX)  # on, off, open below zero, open above
    model, objective, residual = minimum(problem, 1)
    assert list(model.layer[1].positive) == [1]  # of the two that are encoded: the one that is off, and the last
    assert list(model.below) == [0, 1, 3]
    assert objective == pytest.approx(1.0 + 0.5 + 0.5) == residual
