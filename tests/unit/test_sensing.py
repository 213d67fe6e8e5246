"""Gradient descent with a fixed rule, and projected gradient for linear measurements."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.sparse import csr_array

import pyomo_relu as pr
from pyomo_relu.inversion.descent import half_objective
from pyomo_relu.norms import as_norm
from pyomo_relu.problem import Problem

NET = pr.Network.random((2, 10, 40), seed=0)
Z = np.array([0.5, -1.0])
FULL = NET(Z)


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_gradient_is_that_of_finite_differences(slope):
    net = pr.Network.random((4, 9, 15), slope, seed=2)
    x = np.random.default_rng(0).normal(size=15)
    z = np.random.default_rng(1).normal(size=4)
    wrong = check_grad(
        lambda v: half_objective(net, x[None], v[None], as_norm(2))[0][0],
        lambda v: half_objective(net, x[None], v[None], as_norm(2))[1][0],
        z,
    )
    assert wrong < 1e-5


def test_one_constant_step_is_the_textbook_one():
    x, start = np.ones((1, 40)), np.array([[0.3, 0.2]])
    gradient = half_objective(NET, x, start, as_norm(2))[1]
    descent = pr.GradientDescent(step=0.01, iterations=1)
    np.testing.assert_allclose(descent.descend(NET, x, start), start - 0.01 * gradient)


def test_a_batch_ends_where_each_row_ends_alone():
    rng = np.random.default_rng(0)
    starts, targets = rng.normal(size=(5, 2)), NET(rng.normal(size=(5, 2)))
    # With the larger tolerance rows end at different steps.
    for rule, step, tol in (("constant", 0.02, 1e-9), ("constant", 0.02, 0.3), ("adam", 0.05, 1e-9)):
        descent = pr.GradientDescent(step=step, iterations=60, rule=rule, tol=tol)
        alone = [descent.descend(NET, targets[i : i + 1], starts[i : i + 1])[0] for i in range(5)]
        np.testing.assert_allclose(descent.descend(NET, targets, starts), alone, rtol=1e-9)


def test_a_batch_of_other_shapes_is_refused():
    descent = pr.GradientDescent()
    with pytest.raises(pr.ShapeError, match=r"targets has shape \(1, 40\), expected \(2, 40\)"):
        descent.descend(NET, FULL[None], np.zeros((2, 2)))
    with pytest.raises(pr.ShapeError, match=r"starts has shape \(1, 3\), expected \(1, 2\)"):
        descent.descend(NET, FULL[None], np.zeros((1, 3)))


def test_adam_with_restarts_recovers_the_code_and_repeats_with_its_seed():
    adam = pr.GradientDescent(step=0.05, iterations=2000, rule="adam", starts=3)
    first, again = pr.invert(NET, FULL, adam), pr.invert(NET, FULL, adam)
    np.testing.assert_allclose(first.z, Z, atol=1e-6)
    np.testing.assert_array_equal(first.z, again.z)


def test_a_step_that_is_too_long_ends_at_the_best_code_on_the_way():
    start = np.array([[0.4, -0.9]])
    end = pr.GradientDescent(step=1e200, iterations=50).descend(NET, FULL[None], start)
    assert np.isfinite(end).all()
    assert np.linalg.norm(NET(end[0]) - FULL) <= np.linalg.norm(NET(start[0]) - FULL)


def test_gradient_descent_stays_in_the_box():
    result = pr.invert(NET, FULL, pr.GradientDescent(step=0.05), box=(-0.3, 0.3))
    assert np.abs(result.z).max() <= 0.3


BLUR = np.array([np.convolve(row, [0.25, 0.5, 0.25], "same") for row in np.eye(40)])
OPERATORS = {
    "matrix": {"operator": np.random.default_rng(0).normal(size=(25, 40)) / 5.0},
    "blur": {"operator": BLUR},
    "sparse": {"operator": csr_array(BLUR)},
    "sparse and tall": {"operator": csr_array(np.vstack([BLUR, BLUR]))},
    "mask": {"mask": np.arange(40) % 3 > 0},
    "nothing": {},
}


@pytest.mark.parametrize("name", OPERATORS)
def test_projected_gradient_recovers_the_code_under_any_operator(name):
    given = OPERATORS[name]
    x = given["operator"] @ FULL if "operator" in given else FULL
    result = pr.invert(NET, x, pr.ProjectedGradient(iterations=400, tol=1e-12), **given)
    np.testing.assert_allclose(result.z, Z, atol=1e-4)
    measured = NET(result.z) if name in ("mask", "nothing") else given["operator"] @ NET(result.z)
    seen = given.get("mask", np.ones(x.size, bool))
    assert result.residual == pytest.approx(np.linalg.norm((measured - x)[seen]), rel=1e-6, abs=1e-12)


def test_the_hidden_entries_of_a_masked_observation_may_be_anything():
    mask = OPERATORS["mask"]["mask"]
    x = np.where(mask, FULL, np.nan)
    np.testing.assert_allclose(pr.invert(NET, x, pr.ProjectedGradient(), mask=mask).z, Z, atol=1e-5)


def test_a_problem_keeps_generator_and_operator_apart():
    mask, matrix = OPERATORS["mask"]["mask"], OPERATORS["matrix"]["operator"]
    masked, measured = Problem.of(NET, FULL, mask=mask), Problem.of(NET, FULL[:25], operator=matrix)
    plain = Problem.of(NET, FULL)
    assert masked.generator is measured.generator is plain.generator is NET
    np.testing.assert_array_equal(masked.operator @ FULL, FULL[mask])
    np.testing.assert_array_equal(measured.operator, matrix)
    np.testing.assert_array_equal(plain.operator @ FULL, FULL)


def test_projected_gradient_says_when_the_projection_fails_or_rounds_run_out():
    failed = pr.invert(NET, FULL * 0.0, pr.ProjectedGradient(pr.Layerwise(pr.LinearSolve())))
    assert failed.z is None
    assert failed.status is pr.Status.RANK_DEFICIENT
    assert "projection of round 1 ended rank_deficient" in failed.message
    matrix = OPERATORS["matrix"]["operator"]
    short = pr.invert(NET, matrix @ FULL, pr.ProjectedGradient(iterations=1), operator=matrix)
    assert short.message == "not settled within the limit on iterations, 1"


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: pr.GradientDescent(step=0.0), "step must be a positive number, got 0"),
        (lambda: pr.GradientDescent(iterations=0), "iterations must be an integer, at least 1, got 0"),
        (lambda: pr.GradientDescent(rule="momentum"), "'constant' or 'adam', got 'momentum'"),
        (lambda: pr.GradientDescent(tol=float("nan")), "tol must be a non-negative"),
        (lambda: pr.ProjectedGradient(step=-1.0), "step must be a positive number"),
        (lambda: pr.ProjectedGradient(iterations=0), "iterations must be an integer, at least 1"),
        (lambda: pr.ProjectedGradient("linf"), "projection must be Layerwise"),
        (lambda: pr.ProjectedGradient(pr.Descent), r"projection is the class Descent: write Descent\(\)"),
        (lambda: pr.invert(NET, FULL, pr.Exact), r"method is the class Exact: write Exact\(\)"),
        (lambda: pr.Layerwise(pr.LayerLinf), r"formulation is the class LayerLinf: write LayerLinf\(\)"),
        (lambda: pr.ProjectedGradient(tol=-1.0), "tol must be a non-negative"),
        (lambda: pr.invert(NET, [1.0], pr.ProjectedGradient(), operator=np.zeros((1, 40))), "operator is zero"),
        (lambda: pr.invert(NET, [1.0], pr.ProjectedGradient(), operator=csr_array((1, 40))), "operator is zero"),
    ],
)
def test_bad_options_are_refused(build, said):
    with pytest.raises(pr.InputError, match=said):
        build()


@pytest.mark.parametrize("method", [pr.Descent, pr.Exact, pr.Hybrid, pr.GradientDescent])
@pytest.mark.parametrize("value", [-1, 2.5, 3.0, float("nan"), "3", True])
@pytest.mark.parametrize("name", ["starts", "seed"])
def test_counts_are_integers(method, name, value):
    with pytest.raises(pr.InputError, match=f"{name} must be an integer, at least [01], got {value!r}"):
        method(**{name: value})
    assert getattr(method(**{name: np.int64(3)}), name) == 3


@pytest.mark.parametrize("step", [1e20, 1e100, 1e300])
@pytest.mark.parametrize("projection", [pr.Descent(starts=2), pr.Layerwise()])
def test_projected_gradient_says_when_it_diverges(step, projection):
    matrix = OPERATORS["matrix"]["operator"]
    method = pr.ProjectedGradient(projection, step=step, iterations=20)
    result = pr.invert(NET, matrix @ FULL, method, operator=matrix)
    assert result.status is pr.Status.LIMIT
    assert result.message.startswith("diverged in round ")
    assert result.message.endswith("take a smaller step")
