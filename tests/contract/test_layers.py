"""Every one-layer formulation, with every LP solver, against optimality conditions that share no code with it."""

import numpy as np
import pytest
from scipy.optimize import linprog
from solver_here import need

import pyomo_relu as pr
from pyomo_relu.formulations import LAYER_FORMULATIONS
from pyomo_relu.solvers import BACKENDS


def layer_and_code(slope, seed=0, n=30, k=6, bias=0.2):
    rng = np.random.default_rng(seed)
    layer = pr.Layer(rng.normal(size=(n, k)), bias * rng.normal(size=n), slope)
    return layer, rng.normal(size=k), rng


def least_linf(layer, x):
    """The least l-infinity deviation by bisection over feasibility alone, with scipy."""

    def reachable(d):
        rows, right = [layer.weight], [_inverse(x + d, layer.slope) - layer.bias]
        if layer.slope == 0.0:
            if (x + d < 0).any():
                return False
            on = x - d > 0
        else:
            on = np.ones(len(x), dtype=bool)
        rows.append(-layer.weight[on])
        right.append((layer.bias - _inverse(x - d, layer.slope))[on])
        found = linprog(
            np.zeros(layer.n_in), A_ub=np.vstack(rows), b_ub=np.concatenate(right), bounds=[(None, None)] * layer.n_in
        )
        return found.status == 0

    low, high = 0.0, float(np.abs(x).max()) + 10.0
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (low, middle) if reachable(middle) else (middle, high)
    return high


def _inverse(y, slope):
    return y if slope in (0.0, 1.0) else np.where(y >= 0, y, y / slope)


@pytest.mark.parametrize("solver", BACKENDS)
@pytest.mark.parametrize("slope", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("formulation", LAYER_FORMULATIONS)
def test_exact_observation_is_inverted(formulation, slope, solver):
    need(solver)
    layer, z, _ = layer_and_code(slope)
    result = pr.invert_layer(layer, layer(z), LAYER_FORMULATIONS[formulation](), solver=solver)
    assert result.status is pr.Status.SOLVED
    np.testing.assert_allclose(result.z, z, atol=1e-6)
    assert result.realizable is True
    assert result.layers[0].unique


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("slope", [0.0, 0.1, 1.0])
def test_bisection_finds_the_least_linf_deviation(slope, seed):
    layer, z, rng = layer_and_code(slope, seed)
    x = layer(z) + rng.uniform(-0.3, 0.3, layer.n_out)
    result = pr.invert_layer(layer, x, pr.LayerLinf())
    assert result.status is pr.Status.SOLVED
    assert result.residual == pytest.approx(least_linf(layer, x), abs=1e-6)
    assert result.dual_bound == pytest.approx(result.residual, abs=1e-6)


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_geometric_schedule_is_the_papers_scan(slope):
    layer, z, rng = layer_and_code(slope, 3)
    x = layer(z) + rng.uniform(-0.2, 0.2, layer.n_out)
    formulation = pr.LayerLinf(eps=1e-3, schedule=pr.Geometric(1.2))
    eps = 1e-3
    while True:
        from pyomo_relu.solvers import Capability, solve

        outcome = solve(formulation.model(layer, x, eps), "highs", frozenset({Capability.LP}))
        if outcome.status is pr.Status.OPTIMAL:
            break
        assert outcome.status is pr.Status.INFEASIBLE
        eps *= 1.2
    result = pr.invert_layer(layer, x, formulation)
    assert result.status is pr.Status.SOLVED
    assert result.layers[0].eps == pytest.approx(eps)
    assert result.layers[0].objective == pytest.approx(outcome.objective, abs=1e-8)


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_l1_is_no_worse_than_the_truth(slope):
    layer, z, rng = layer_and_code(slope, 4)
    noise = rng.normal(0.0, 0.05, layer.n_out)
    result = pr.invert_layer(layer, layer(z) + noise, pr.LayerL1())
    assert result.status is pr.Status.SOLVED
    assert result.norm == 1
    assert result.residual <= np.abs(noise).sum() * 1.05


def test_l1_lp_is_the_least_sum_when_the_rows_are_known():
    layer, z, rng = layer_and_code(1.0, 5)
    x = layer(z) + rng.normal(0.0, 0.1, layer.n_out)
    n, k = layer.weight.shape
    rows = np.block([[layer.weight, -np.eye(n)], [-layer.weight, -np.eye(n)]])
    best = linprog(
        np.r_[np.zeros(k), np.ones(n)],
        A_ub=rows,
        b_ub=np.r_[x - layer.bias, layer.bias - x],
        bounds=[(None, None)] * k + [(0, None)] * n,
    )
    result = pr.invert_layer(layer, x, pr.LayerL1())
    assert result.status is pr.Status.SOLVED
    assert result.residual == pytest.approx(best.fun, abs=1e-7)


def test_relaxed_optimum_satisfies_its_rows_and_beats_the_truth():
    layer, z, rng = layer_and_code(0.0, 6, bias=0.0)
    noise = rng.uniform(-0.05, 0.05, layer.n_out)
    x = layer(z) + noise
    result = pr.invert_layer(layer, x, pr.LayerRelaxed(eps=0.05))
    assert result.status is pr.Status.SOLVED
    gain = np.maximum(x, 0.0) @ layer.weight
    assert (layer.pre_activation(result.z) <= np.maximum(x + 0.05, 0.0) + 1e-7).all()
    assert gain @ result.z >= gain @ z - 1e-7


def test_relaxed_with_a_very_negative_observation_is_still_feasible():
    layer = pr.Layer([[1.0], [-1.0]])
    result = pr.invert_layer(layer, [1.0, -0.5], pr.LayerRelaxed())
    assert result.status is pr.Status.SOLVED
    assert result.z == pytest.approx([1.0])


def test_realizable_lp_proves_that_nothing_fits():
    layer = pr.Layer([[1.0], [1.0]])
    result = pr.invert_layer(layer, [1.0, 2.0], pr.LayerRealizable())
    assert result.status is pr.Status.INFEASIBLE
    assert result.z is None
    assert result.realizable is False


def test_realizable_refuses_a_negative_output():
    with pytest.raises(pr.InputError, match="never negative"):
        pr.invert_layer(pr.Layer([[1.0]]), [-0.5], pr.LayerRealizable())


@pytest.mark.parametrize("formulation", [pr.LayerLinf(), pr.LayerL1()])
def test_negative_observations_bound_the_residual(formulation):
    result = pr.invert_layer(pr.Layer([[1.0], [-1.0], [2.0]]), [1.0, -0.25, 2.0], formulation)
    assert result.status is pr.Status.SOLVED
    assert result.residual == pytest.approx(0.25, abs=1e-7)
    assert result.dual_bound == pytest.approx(0.25, abs=1e-7)
    assert result.realizable is False


def test_nonnegative_codes():
    layer = pr.Layer([[1.0, 0.0], [0.0, -1.0]])
    result = pr.invert_layer(layer, [1.0, 0.5], pr.LayerLinf(), box=(0, np.inf))
    assert result.status is pr.Status.SOLVED
    assert result.z.min() >= 0.0
    assert result.residual == pytest.approx(0.5, abs=1e-7)


@pytest.mark.parametrize("formulation", LAYER_FORMULATIONS)
def test_masked_rows_do_not_matter(formulation):
    layer, z, _ = layer_and_code(0.0, 8)
    x, mask = layer(z), np.arange(layer.n_out) % 3 != 0
    result = pr.invert_layer(layer, np.where(mask, x, np.nan), LAYER_FORMULATIONS[formulation](), mask=mask)
    assert result.status is pr.Status.SOLVED
    np.testing.assert_allclose(result.z, z, atol=1e-6)


@pytest.mark.parametrize("formulation", [pr.LayerLinf(), pr.LayerLinf(schedule=pr.Geometric()), pr.LayerL1()])
def test_an_end_at_zero_is_a_failure_with_a_name(formulation):
    layer = pr.Layer([[1.0], [-1.0]])
    result = pr.invert_layer(layer, [1.0, 1.0], formulation)
    assert result.status is pr.Status.DEGENERATE
    with pytest.raises(pr.StatusError, match="degenerate"):
        result.raise_for_status()


def test_linear_solve_says_when_rank_is_missing():
    layer = pr.Layer([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    result = pr.invert_layer(layer, [1.0, 0.0, 0.0], pr.LinearSolve())
    assert result.status is pr.Status.RANK_DEFICIENT
    assert "1 active rows of rank" in result.message
    assert result.z is None


def test_dust_is_not_a_signal():
    layer, z, _ = layer_and_code(0.0, 9)
    x = layer(z)
    dusty = x + np.where(x == 0.0, 1e-12, 0.0)
    for formulation in (pr.LayerRealizable(), pr.LinearSolve(), pr.LayerLinf()):
        result = pr.invert_layer(layer, dusty, formulation)
        assert result.status is pr.Status.SOLVED
        np.testing.assert_allclose(result.z, z, atol=1e-6)
