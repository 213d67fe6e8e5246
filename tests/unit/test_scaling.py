"""Scale: a network written with small or large neurons is the same network."""

import numpy as np
import pytest

import pyomo_relu as pr
from pyomo_relu.certified import cell_system, decide_cell
from pyomo_relu.inversion.pattern import ActivationRegion
from pyomo_relu.inversion.task import BigMWarning
from pyomo_relu.problem import Problem
from pyomo_relu.scaling import NEAR, rescaled, rescaled_by_layer


def in_other_units(net, scale, outputs=1.0):
    """Return a network of one hidden layer with all its hidden neurons, and its outputs, times a power of two."""
    hidden, last = net
    weights = [scale * hidden.weight, outputs / scale * last.weight]
    return pr.Network.from_arrays(weights, [scale * hidden.bias, outputs * last.bias], [hidden.slope, last.slope])


def signature(found):
    return found.status, len(found.cells), found.dimension, found.n_components, found.convex


@pytest.mark.parametrize("exponent", [-30, -13, 20])
@pytest.mark.parametrize("seed", [3, 5])
def test_a_pre_image_does_not_depend_on_the_scale_of_neurons(seed, exponent):
    net, z = pr.Network.random((2, 6, 3), seed=seed), np.random.default_rng(seed).normal(size=2)
    x, box = net(z), (-3, 3)
    plain = pr.preimage(net, x, box)
    assert plain.complete
    small = in_other_units(net, 2.0**exponent)
    found = pr.preimage(small, x, box)
    assert signature(found) == signature(plain)
    assert found.problem.network is small
    for cell, other in zip(found.cells, plain.cells, strict=True):
        assert all((one == two).all() for one, two in zip(cell.pattern, other.pattern, strict=True))
        np.testing.assert_array_equal(cell.sides, other.sides)
        np.testing.assert_array_equal(cell.equations, other.equations)
        # What is proved of a cell is proved of the network that was given.
        rows, limits = cell_system(small, x, cell.pattern, box, tol=1e-9)
        assert all(
            sum(a * b for a, b in zip(row, z, strict=True)) <= limit for row, limit in zip(rows, limits, strict=True)
        ) == (bool(cell.contains(z)))
    outputs = in_other_units(net, 1.0, 2.0**exponent)
    assert signature(pr.preimage(outputs, x * 2.0**exponent, box)) == signature(plain)


def test_small_hidden_units_lose_no_code():
    for scale in (1e-7, 1e-8, 1e-12, 1e12):
        found = pr.preimage(pr.Network.from_arrays([[[scale], [-scale]], [[1 / scale, 1 / scale]]]), [2.0], (-3, 3))
        assert found.complete
        np.testing.assert_allclose(sorted(cell.interior[0] for cell in found.cells), [-2.0, 2.0], atol=1e-9)
    ray = pr.preimage(pr.Network.from_arrays([[[1e-10]], [[1e10]]]), [0.0], (-3, 3))
    assert ray.reach([1.0]) == pytest.approx((-3.0, 0.0), abs=1e-9)


def test_small_outputs_determine_the_code_as_large_ones_do():
    for scale in (1e-10, 1e-8, 1e10):
        found = pr.preimage(pr.Network.from_arrays([[[scale]]], slopes=1.0), [scale / 2], (-3, 3))
        assert (found.complete, found.unique) == (True, True)
        assert found.cells[0].interior == pytest.approx([0.5])


def test_a_neuron_far_from_the_origin_is_no_constant():
    for bias in (1e6, 1e9):
        net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]], [[-bias, bias], [0.0]])
        found = pr.preimage(net, [2.0], box=(bias - 3, bias + 3))
        assert sorted(cell.interior[0] - bias for cell in found.cells) == pytest.approx([-2.0, 2.0], abs=1e-6)


@pytest.mark.parametrize("weight", [1e-6, 1e-30, 1e-100])
def test_a_dead_neuron_stays_what_its_bias_is(weight):
    """Divided by its weights, its bias would be beyond what solvers take."""
    net = pr.Network.random((2, 5, 8), seed=3)
    x = np.maximum(net([0.5, -1.0]) + np.random.default_rng(3).normal(size=8) * 0.2, 0.0)
    dead = pr.Network.from_arrays(
        [np.vstack([net[0].weight, [[weight] * 2]]), np.hstack([net[1].weight, np.full((8, 1), 0.1)])],
        [np.append(net[0].bias, 1.0), np.zeros(8)],
    )
    assert np.abs(rescaled(Problem.of(dead, x)).network[0].bias).max() == 1.0
    plain = pr.Network.from_arrays([net[0].weight, net[1].weight], [net[0].bias, np.full(8, 0.1)])
    for norm in (1, 2):
        expected, found = (
            pr.invert(one, x, pr.Exact(norm=norm, starts=2), box=(-3, 3), solver="scip") for one in (plain, dead)
        )
        assert found.status is expected.status is pr.Status.OPTIMAL
        assert found.residual == pytest.approx(expected.residual, abs=1e-5)


def test_balance_changes_no_output_and_no_pattern():
    rng = np.random.default_rng(0)
    weights = [2.0 ** rng.integers(-40, 40, (n, 1)) * rng.normal(size=(n, m)) for m, n in ((3, 6), (6, 5), (5, 4))]
    net = pr.Network.from_arrays(weights, [rng.normal(size=len(weight)) for weight in weights], [0.0, 0.25, 0.0])
    even = rescaled(Problem.of(net, np.zeros(4)), NEAR).network
    codes = rng.normal(size=(20, 3))
    np.testing.assert_array_equal(net(codes), even(codes))
    for one, two in zip(net.pre_activations(codes), even.pre_activations(codes), strict=True):
        np.testing.assert_array_equal(one > 0.0, two > 0.0)
    for layer in even.layers[:-1]:
        largest = np.maximum(np.abs(layer.weight).max(axis=1), np.minimum(np.abs(layer.bias), 1.0))
        assert ((largest <= 32.0) & (largest >= 1.0 / 32.0)).all()


def test_what_rounding_leaves_of_a_row_is_zero():
    net = pr.Network.from_arrays([[[0.1, 0.2], [0.3, 0.6]], [[3.0, -1.0]]], slopes=1.0)
    region = ActivationRegion.of(net, (np.ones(2, dtype=bool), np.ones(1, dtype=bool)))
    assert not region.matrix.any()
    assert decide_cell(net, [0.0], (np.ones(2, dtype=bool), np.ones(1, dtype=bool)), (-1, 1), tol=1e-9).point


@pytest.mark.parametrize("formulation", [pr.LayerLinf(), pr.LinearSolve()])
@pytest.mark.parametrize("exponent", [-40, -24, 24])
def test_layer_by_layer_the_scale_of_neurons_costs_no_digits(exponent, formulation):
    net, z = pr.Network.random((3, 12, 40), seed=1), np.array([1.0, -1.0, 0.5])
    result = pr.invert(in_other_units(net, 2.0**exponent), net(z), pr.Layerwise(formulation))
    assert result.status is pr.Status.SOLVED
    assert [report.unique for report in result.layers] == [True, True]
    assert result.z == pytest.approx(z, abs=1e-6)


def test_rows_that_are_missed_by_more_than_their_size_allows_are_not_met():
    layer = pr.Layer([[1e-4], [1e-4]], slope=1.0)
    assert pr.invert_layer(layer, [1e-4, 1.0005e-4]).layers[0].unique is False
    assert pr.invert_layer(layer, [1e-4, 1e-4]).layers[0].unique is True


@pytest.mark.parametrize("formulation", [pr.LayerLinf(), pr.LayerL1(), pr.LinearSolve()])
def test_what_counts_more_in_a_layer_and_what_less_is_not_changed(formulation):
    """Under noise, a weak neuron's output is known badly; scaled up, it would spoil what is known of the others."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(12, 3)) * np.where(np.arange(12) < 3, 1e-2, 1.0)[:, None]
    net = pr.Network.from_arrays([hidden, rng.normal(size=(60, 12))])
    x = net([1.0, -1.0, 0.5]) + rng.uniform(-0.01, 0.01, 60)
    problem = Problem.of(net, x)
    assert rescaled_by_layer(problem) is problem
    far = Problem.of(in_other_units(net, 2.0**-20), x)
    assert np.ptp(np.log2(rescaled_by_layer(far).network[0].weight / net[0].weight)) == 0.0
    plain, small = (pr.invert(one.network, x, pr.Layerwise(formulation)) for one in (problem, far))
    assert small.z == pytest.approx(plain.z, abs=1e-6)


def test_the_model_of_a_network_of_extreme_neurons_warns():
    net = pr.Network.from_arrays([[[1e8], [-1e8]], [[1e-8, 1e-8]]])
    with pytest.warns(BigMWarning):
        assert pr.Exact("inf").model(net, [2.0], box=(-3, 3)).layer[1].positive[0].ub == pytest.approx(3e8)
    assert pr.invert(net, [2.0], pr.Exact("inf"), box=(-3, 3)).status is pr.Status.OPTIMAL


def test_a_kernel_s_tails_are_no_bad_input():
    net = pr.Network.random((3, 20, 40), seed=0)
    at = np.arange(40)
    blur = np.exp(-((at[:, None] - at) ** 2) / 2.0)
    z = np.array([1.0, -1.0, 0.5])
    result = pr.invert(net, blur @ net(z), pr.Descent(), operator=blur)
    assert result.z == pytest.approx(z, abs=1e-4)


def test_a_problem_of_balanced_neurons_stays_what_it_is():
    problem = Problem.of(pr.Network.random((3, 12, 40), seed=1), np.zeros(40))
    assert rescaled(problem) is problem
