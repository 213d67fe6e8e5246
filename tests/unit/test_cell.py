"""The best code of one activation cell."""

import math

import numpy as np
import pytest
from scipy.optimize import linprog

import pyomo_relu as pr
from pyomo_relu.deadline import NO_LIMIT
from pyomo_relu.generator import mnist_generator, mnist_latents
from pyomo_relu.inversion.cell import cell_optimum, pattern_of
from pyomo_relu.inversion.incumbent import Incumbent
from pyomo_relu.inversion.tube_search import incumbent_in_tube
from pyomo_relu.problem import Problem
from pyomo_relu.tube import Tube


def problem_of(seed, sizes=(3, 7, 12), noise=0.3, box=(-2, 2), slopes=0.0):
    net = pr.Network.random(sizes, seed=seed)
    net = pr.Network.from_arrays([layer.weight for layer in net], slopes=slopes)
    rng = np.random.default_rng(seed)
    z = rng.uniform(-1, 1, sizes[0])
    x = net(z) + rng.uniform(-noise, noise, sizes[-1])
    return Problem.of(net, x, box=box), z


def sides_of(problem, z):
    """The cell of z and its outputs, by differences: ``sides v <= right``, and ``matrix v + offset``."""
    step, points = 1e-6, np.eye(z.size)
    before, after = problem.network.pre_activations(z), [problem.network.pre_activations(z + 1e-6 * e) for e in points]
    slopes = [np.array([(a[i] - t) / step for a in after]).T for i, t in enumerate(before)]
    signs = [np.where(t > 0, -1.0, 1.0) for t in before]
    sides = np.vstack([s[:, None] * m for s, m in zip(signs, slopes, strict=True)])
    right = np.concatenate([s * (m @ z - t) for s, m, t in zip(signs, slopes, before, strict=True)])
    gain = np.where(before[-1] > 0, 1.0, problem.network[-1].slope)
    matrix = gain[:, None] * slopes[-1]
    return sides, right, matrix, problem.network(z) - matrix @ z


@pytest.mark.parametrize("slope", [0.0, 0.2])
@pytest.mark.parametrize("tube", [math.inf, 0.6, 0.35])
@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("seed", range(6))
def test_no_code_of_the_cell_and_the_tube_is_nearer(seed, norm, tube, slope):
    problem, z = problem_of(seed, slopes=slope)
    sides, right, matrix, offset = sides_of(problem, z)
    rows, most = np.vstack([sides, matrix, -matrix]), problem.x - offset
    limits = np.concatenate([right, most + tube, tube - most])
    keep = np.isfinite(limits)
    feasible = linprog(np.zeros(3), rows[keep], limits[keep], bounds=(-2, 2))
    found = cell_optimum(problem, pattern_of(problem, z), norm, Tube(tube))
    if feasible.status == 2:
        assert found is None
        return
    assert feasible.status == 0
    assert found is not None
    assert np.abs(found.code).max() <= 2.0
    assert (sides @ found.code <= right + 1e-6).all()
    assert problem.residual(found.code, "inf") <= tube
    nearest = problem.residual(found.code, norm)
    rng = np.random.default_rng(0)
    for scale in (1.0, 0.1, 0.01):
        near = np.clip(found.code + scale * rng.normal(size=(4000, 3)), -2, 2)
        inside = (near @ rows[keep].T <= limits[keep]).all(axis=1)
        deviations = near[inside] @ matrix.T + offset - problem.x
        assert (np.linalg.norm(deviations, norm, axis=1) >= nearest - 1e-6).all()


def test_what_holds_the_code_back_are_faces_that_it_lies_on():
    problem, z = problem_of(3)
    found = cell_optimum(problem, pattern_of(problem, z), 2)
    at = problem.network.pre_activations(found.code)
    assert found.blocking
    assert max(abs(at[i][j]) for i, j in found.blocking) <= 1e-7


def test_a_cell_that_does_not_determine_the_code_has_an_optimum_too():
    net = pr.Network.from_arrays([[[1.0, 1.0, 0.0]]])
    problem = Problem.of(net, [1.0], box=(-2, 2))
    found = cell_optimum(problem, pattern_of(problem, np.ones(3)), 2)
    assert problem.residual(found.code, 2) <= 1e-7


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("digit", range(3))
def test_in_the_tube_of_a_noisy_digit_the_search_does_better_than_the_truth(digit, norm):
    net, truth = mnist_generator(), mnist_latents()[digit]
    x = net(truth) + np.random.default_rng(digit).uniform(-0.1, 0.1, net.n_out)
    problem = Problem.of(net, x, box=(-4, 4))
    far = pr.invert(net, x, pr.Hybrid("inf"), box=(-4, 4))
    assert far.residual <= 0.1
    inside = Incumbent(far.z, far.residual, 0.0, "", far.solver)
    found = incumbent_in_tube(problem, inside, Tube(0.1), norm, NO_LIMIT, starts=3, seed=0)
    assert problem.residual(found.code, "inf") <= 0.1
    assert found.residual == problem.residual(found.code, norm)
    assert found.residual < problem.residual(truth, norm)
    assert np.linalg.norm(found.code - truth) < 0.2 * np.linalg.norm(truth)
