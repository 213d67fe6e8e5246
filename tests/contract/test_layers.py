"""Every one-layer formulation, with every LP solver, against optimality conditions that share no code with it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog
from solver_here import need

import pyomo_relu as pr
from pyomo_relu.formulations import LAYER_FORMULATIONS
from pyomo_relu.norms import norm_of
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


@pytest.mark.parametrize("formulation", [pr.LayerLinf(), pr.LayerLinf(schedule=pr.Geometric()), pr.LayerL1()])
def test_upper_rows_alone_may_tell_the_code(formulation):
    """ReLU(z + 5) is least at the box's lower end: an optimum, although no row holds an output up."""
    result = pr.invert_layer(pr.Layer([[1.0]], [5.0]), [0.1], formulation, box=(-1, 1))
    assert result.status is pr.Status.SOLVED
    assert result.z == pytest.approx([-1.0])
    assert result.residual == pytest.approx(3.9)


@pytest.mark.parametrize("formulation", [pr.LayerLinf(), pr.LayerLinf(schedule=pr.Geometric()), pr.LayerL1()])
def test_a_code_that_does_no_better_than_zero_is_a_failure_with_biases_too(formulation):
    layer = pr.Layer([[1.0], [-1.0], [1.0]], [0.0, 0.0, 0.25])
    result = pr.invert_layer(layer, [1.0, 1.0, 0.25], formulation)
    assert result.status is pr.Status.DEGENERATE


@pytest.mark.parametrize("rows", [[[1.0], [1.0]], [[1.0], [2.0]]])
@pytest.mark.parametrize("code", [8.0, 1.0, 3.9])
def test_l1_goes_on_from_an_exact_fit(rows, code):
    """The least l-infinity deviation, from which it starts, is zero to the last bit."""
    layer = pr.Layer(rows)
    result = pr.invert_layer(layer, layer([code]), pr.LayerL1())
    assert result.status is pr.Status.SOLVED
    assert result.z == pytest.approx([code])


@pytest.mark.parametrize("formulation", [pr.LayerL1(eps=5e-324), pr.LayerLinf(eps=5e-324)])
def test_a_guess_may_be_the_least_of_all_numbers(formulation):
    result = pr.invert_layer(pr.Layer([[1.0], [1.0], [1.0]]), [1e6, 1.1e6, 1.2e6], formulation)
    assert result.status is pr.Status.SOLVED
    assert result.z == pytest.approx([1.1e6])


@pytest.mark.parametrize("formulation", [pr.LayerLinf(), pr.LayerLinf(eps=1e-3), pr.LayerL1()])
def test_a_time_limit_leaves_the_best_code_and_the_bound(formulation, scripted):
    def stopped_after_the_first(solve):
        outcome = solve.honestly()
        return outcome if solve.number == 1 else replace(outcome, status=pr.Status.TIME_LIMIT)

    layer, z, rng = layer_and_code(0.0, 3)
    x = layer(z) + rng.uniform(-0.2, 0.2, layer.n_out)
    calls = scripted(stopped_after_the_first, by="highs")
    result = pr.invert_layer(layer, x, formulation, solver="scripted")
    assert len(calls) >= 2
    assert result.status is pr.Status.TIME_LIMIT
    assert result.z is not None
    assert result.residual == norm_of(layer(result.z) - x, formulation.norm)
    assert 0.0 < result.dual_bound <= result.residual + 1e-9


LP_FORMULATIONS = [name for name, cls in LAYER_FORMULATIONS.items() if hasattr(cls, "model")]


@pytest.mark.parametrize("name", LP_FORMULATIONS)
def test_a_model_checks_its_box(name):
    formulation, layer, eps = LAYER_FORMULATIONS[name](), pr.Layer(np.eye(2)), {"linf": (0.1,), "l1": (0.1,)}
    for n in (1, 3):
        with pytest.raises(pr.ShapeError, match=f"box has size {n}, expected 2"):
            formulation.model(layer, [1.0, 1.0], *eps.get(name, ()), box=pr.Box.of((0, 1), n))
    with pytest.raises(pr.InputError, match="box must be a pair"):
        formulation.model(layer, [1.0, 1.0], *eps.get(name, ()), box=3.0)
    model = formulation.model(layer, [1.0, 1.0], *eps.get(name, ()), box=(0, [1, 2]))
    assert [code.bounds for code in model.code.values()] == [(0.0, 1.0), (0.0, 2.0)]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -0.1, "0.1", None, True])
@pytest.mark.parametrize("formulation", [pr.LayerLinf(), pr.LayerL1()])
def test_a_model_checks_its_tolerance(formulation, bad):
    with pytest.raises(pr.InputError, match="eps must be a non-negative number"):
        formulation.model(pr.Layer(np.eye(2)), [1.0, 1.0], bad)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1, "0.1"])
def test_numbers_of_formulations_are_checked(bad):
    for cls, name in (
        (pr.LayerLinf, "eps"),
        (pr.LayerL1, "eps"),
        (pr.LayerRelaxed, "eps"),
        (pr.LayerRealizable, "threshold"),
        (pr.LinearSolve, "threshold"),
        (pr.Geometric, "alpha"),
    ):
        with pytest.raises(pr.InputError, match=f"{name} must be a "):
            cls(**{name: bad})
    with pytest.raises(pr.InputError, match="width must be a non-negative number"):
        pr.LayerRealizable().model(pr.Layer(np.eye(2)), [1.0, 1.0], width=bad)


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
