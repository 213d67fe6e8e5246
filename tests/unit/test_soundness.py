"""Cases in which an earlier version claimed too much."""

from fractions import Fraction

import numpy as np
import pytest
from pyomo.environ import Constraint, value
from scipy.optimize import linprog

import pyomo_relu as pr
from pyomo_relu import rational
from pyomo_relu.certificate import certify, is_unique, sign_bound
from pyomo_relu.problem import Problem
from pyomo_relu.rounding import down, up
from pyomo_relu.running_error import output_within
from pyomo_relu.scaling import rescaled, rescaled_by_layer
from pyomo_relu.solvers import Capability, solve

LAST = pr.Layer(
    [[0.95145051], [0.01915839], [-1.15370645], [-0.63823841], [0.60118504], [-1.05844333], [0.87549894]],
    [-2.7743526, -2.6238349, -2.54107686, -0.32483309, -3.7309559, 5.46783996, -2.34039005],
    0.01,
)
X = [-0.03148575, 0.35722879, 0.47616148, -0.49282446, 0.54452285, 1.04128967, 1.05409384]


def test_bound_of_a_leaky_layer_is_below_its_optimum():
    grid = np.linspace(-20, 20, 400_001)[:, None]
    best = np.abs(LAST(grid) - X).max(axis=1).min()
    result = pr.invert_layer(LAST, X)
    assert result.residual == pytest.approx(best, abs=1e-4)
    assert result.dual_bound <= best + 1e-7


def test_exact_is_not_stopped_by_a_bound_of_a_leaky_layer():
    net = pr.Network(
        (pr.Layer([[0.7], [-2.4], [0.0]], [0.7, -1.3, 0.4]), pr.Layer([[0.4, 0.7, -1.2]], [3.0], 1.0), LAST)
    )
    result = pr.invert(net, X, pr.Exact(), box=(-3, 3))
    codes = np.linspace(-3, 3, 60_001)[:, None]
    assert result.status is pr.Status.OPTIMAL
    assert result.residual == pytest.approx(np.abs(net(codes) - X).max(axis=1).min(), abs=1e-4)


@pytest.mark.parametrize("seed", range(60))
def test_leaky_bisection_is_exact(seed):
    rng = np.random.default_rng(seed)
    k, n, slope = int(rng.integers(1, 4)), int(rng.integers(6, 12)), float(rng.choice([0.01, 0.1, 0.5]))
    layer = pr.Layer(rng.normal(size=(n, k)), 2.0 * rng.normal(size=n), slope)
    x = layer(rng.normal(size=k)) + rng.normal(size=n)
    inverse = lambda y: np.where(y >= 0, y, y / slope)  # noqa: E731

    def reachable(d):
        rows = np.vstack([layer.weight, -layer.weight])
        right = np.concatenate([inverse(x + d) - layer.bias, layer.bias - inverse(x - d)])
        return linprog(np.zeros(k), A_ub=rows, b_ub=right, bounds=[(None, None)] * k).status == 0

    low, high = 0.0, 50.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if reachable(middle) else (middle, high)
    for formulation in (pr.LayerLinf(), pr.LayerLinf(schedule=pr.Geometric())):
        result = pr.invert_layer(layer, x, formulation)
        assert result.z is not None
        assert result.dual_bound <= high + 1e-6
    assert pr.invert_layer(layer, x).residual == pytest.approx(high, abs=1e-6)


def test_a_tiny_neuron_is_not_dust_where_the_next_layer_is_large():
    s = 1e-10
    net = pr.Network.from_arrays([[[s], [-s]], [[1 / s, 1 / s]]])
    result = pr.invert(net, [0.5], pr.Exact(starts=0), box=(-1, 1))
    assert result.realizable is not False


def test_a_bound_that_a_forward_pass_refutes_is_dropped_and_told():
    net = pr.Network.from_arrays([[[1.0]]], slopes=1.0)
    verdict = certify(Problem.of(net, [1.0]), np.array([0.75]), "inf", 0.5, "a solver", "every code")
    assert verdict.refuted == 0.5
    assert verdict.dual_bound is None
    assert verdict.realizable is None
    assert any("is wrong" in claim.text for claim in verdict.certificate.verified)


@pytest.mark.parametrize("bounds", ["observed", "interval"])
def test_optimal_means_a_closed_gap_for_small_squares_too(bounds):
    net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0], [1.0, -2.0]]])
    result = pr.invert(net, [2e-4, 0.5e-4], pr.Exact(2, starts=0, bounds=bounds), box=(-3, 3))
    assert result.status.ok
    assert result.residual == pytest.approx(5e-5, abs=1e-5)
    assert (result.status is pr.Status.OPTIMAL) <= (result.gap <= 1e-3 * result.residual)


def test_constraints_on_outputs_may_be_added_to_the_model():
    net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, -1.0], [1.0, 1.0]]])  # (relu(z), |z|)
    model = pr.Exact(norm=1).model(net, [-1.0, 1.0], box=(-3, 3))
    model.extra = Constraint(expr=model.layer[2].positive[0] >= 2.0)
    outcome = solve(model, "highs", frozenset({Capability.MILP}))
    assert outcome.status is pr.Status.OPTIMAL
    assert net([value(model.z[0])])[0] >= 2.0 - 1e-6


def test_rows_that_are_not_met_do_not_make_a_code_unique():
    result = pr.invert_layer(pr.Layer([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), [1.0, 2.0, 5.0])
    assert result.layers[0].rank == 2
    assert result.layers[0].unique is False


def test_an_inner_code_that_no_layer_gives_is_a_status():
    net = pr.Network.from_arrays([[[1.0], [2.0]], [[1.0, 1.0], [1.0, -1.0], [-1.0, 3.0]]])
    result = pr.invert(net, [0.0, 3.0, 0.0], pr.Layerwise(pr.LayerRealizable(), nonnegative=False))
    assert result.status is pr.Status.INFEASIBLE
    assert "layer 1" in result.message


def test_scopes_say_where_a_bound_holds():
    boxed = pr.invert_layer(pr.Layer([[1.0]]), [5.0], box=(0, 1))
    assert boxed.realizable is False
    assert any(claim.text == "x is not met by any code in the box" for claim in boxed.certificate.trusted)


def test_small_data_is_not_met_by_zero():
    net = pr.Network.random((3, 10, 30), seed=0)
    small = pr.Network.from_arrays([net[0].weight, 1e-5 * net[1].weight])
    x = small([1.0, -1.0, 0.5])
    assert pr.invert(small, x, pr.Descent(starts=1, iterations=1)).realizable is not True


def test_a_refuted_bound_takes_no_other_fact_with_it():
    net = pr.Network.from_arrays([[[1.0], [1.0]]])
    verdict = certify(Problem.of(net, [1.0, 1.0]), np.array([1.0]), "inf", 0.5, "Liar 1.0", "every code")
    assert (verdict.refuted, verdict.realizable) == (0.5, True)
    assert any("only code" in claim.text for claim in verdict.certificate.verified)
    verdict = certify(Problem.of(net, [1.0, -0.25]), np.array([1.0]), "inf", 2.5, "Liar 1.0", "every code")
    assert (verdict.refuted, verdict.dual_bound, verdict.realizable) == (2.5, 0.25, False)
    assert not verdict.certificate.trusted


def test_a_residual_that_is_no_number_is_no_code():
    net = pr.Network.from_arrays([[[1e120], [-1e120]], [[1e120, 1e120]], [[1e120]]])
    with np.errstate(over="ignore", invalid="ignore"):
        result = pr.invert(net, [1.0], pr.GradientDescent(iterations=3))
    assert (result.z, result.residual, result.gap, result.status) == (None, None, None, pr.Status.SOLVER_ERROR)
    assert result.to_dict()["residual"] is None
    assert result.to_json()


def test_a_row_within_the_rounding_of_its_pre_activation_does_not_make_a_code_unique():
    """The other rows are code entries alone; whether the first row is on, the forward pass cannot tell."""
    found = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        a, b, c = rng.uniform(1e7, 1e9, 3)
        net = pr.Network.from_arrays([[[a, b, -c], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
        z = rng.uniform(0.5, 1.0, 2)
        z = np.append(z, (a * z[0] + b * z[1]) / c)
        exact = rational.forward(net, [Fraction(v) for v in z.tolist()])
        if exact[0] <= 0 and net(z)[0] > 0.0:
            found += 1
            assert not is_unique(net, z)
    assert found
    well_apart = pr.Network.from_arrays([[[1.0, 1.0, -1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    assert is_unique(well_apart, np.array([1.0, 1.0, 0.5]))


def test_who_bounded_the_last_layer_is_named_where_a_search_used_that_bound():
    net = pr.Network.random((10, 30, 40), seed=0)
    rng = np.random.default_rng(0)
    x = np.maximum(net(np.random.default_rng(1).normal(size=10)) + rng.normal(0.0, 0.1, 40), -0.05)
    result = pr.invert(net, x, pr.Exact("inf"), box=(-3, 3), solver="scip")
    assert result.status is pr.Status.OPTIMAL
    assert [claim.by.split("; ")[1][:5] for claim in result.certificate.trusted] == ["HiGHS", "HiGHS"]
    assert result.certificate.trusted_to.startswith("SCIP")


def cancelling(size, x):
    """G(z) = (s z + 1) - s z = 1 for z >= 0; in float64 it is 0 or 2 where s is large."""
    return Problem.of(pr.Network.from_arrays([[[size], [size]], [[-1.0, 1.0]]], [[0.0, 1.0], [0.0]]), [x])


@pytest.mark.parametrize("norm", ["inf", 1, 2])
@pytest.mark.parametrize("x", [0.0, 2.0])
def test_what_a_forward_pass_rounds_away_is_not_called_met(x, norm):
    problem = cancelling(1e16, x)
    assert problem.residual(np.array([1.5]), norm) in (0.0, 2.0)
    verdict = certify(problem, np.array([1.5]), norm, None, "", "")
    assert (verdict.residual, verdict.realizable) == (1.0, None)
    assert verdict.certificate.claims[0].text == f"||G(z) - x||_{norm} = 1"
    assert verdict.certificate.claims[0].by == "forward pass in exact rationals"
    found = pr.invert(problem.network, [x], pr.Exact(norm), box=(0.5, 2.0))
    assert found.realizable is not True
    assert found.status is not pr.Status.OPTIMAL
    assert pr.invert(problem.network, [x], pr.Hybrid(norm), box=(0.5, 2.0)).status is pr.Status.SOLVED


def test_a_residual_that_is_rounding_alone_is_told_as_zero():
    problem = cancelling(1e16, 1.0)
    assert problem.residual(np.array([1.5]), "inf") == 1.0
    verdict = certify(problem, np.array([1.5]), "inf", None, "", "")
    assert (verdict.residual, verdict.realizable) == (0.0, True)


def test_a_residual_that_is_too_much_work_for_rationals_is_an_upper_bound():
    wide = np.full((300, 300), 1e16)
    net = pr.Network.from_arrays([wide, *[np.eye(300)] * 8, np.tile([-1.0, 1.0], (1, 150))])
    verdict = certify(Problem.of(net, [0.0]), np.full(300, 0.1), "inf", None, "", "")
    claim = verdict.certificate.claims[0]
    assert claim.text.startswith("||G(z) - x||_inf <= ")
    assert verdict.residual == claim.value > 0.1
    assert verdict.realizable is None


@pytest.mark.parametrize(("digits", "write"), [(9, down), (9, up), (3, down), (3, up)])
def test_bounds_are_written_on_their_side(digits, write):
    rng = np.random.default_rng(0)
    for number in (rng.normal(size=500) * 10.0 ** rng.integers(-300, 300, 500)).tolist():
        text = write(number, digits)
        assert float(text) <= number if write is down else float(text) >= number
        assert float(text) == pytest.approx(number, rel=10.0 ** (1 - digits))
    assert write(0.3, digits) == "0.3"


def test_a_bound_is_lowered_to_what_is_known_of_the_residual():
    net = pr.Network.random((3, 10, 30), seed=0)
    z = np.array([0.3, -0.4, 0.5])
    problem = Problem.of(net, net(z) + 0.01)
    verdict = certify(problem, z, "inf", 0.0100001, "a solver", "every code")
    exact = rational.residual(net, z, problem.x)
    assert verdict.dual_bound <= exact <= verdict.residual * (1.0 + 1e-9)
    assert verdict.dual_bound == pytest.approx(0.01, rel=1e-9)
    claim = verdict.certificate.trusted[0]
    assert claim.by == "a solver, 0.0100001, lowered to the verified residual"
    assert Fraction(float(claim.text.split()[4])) <= exact


@pytest.mark.parametrize("norm", [1, 2])
def test_the_bound_by_signs_is_rounded_down(norm):
    net = pr.Network.from_arrays([np.eye(50)])
    for seed in range(50):
        x = -np.random.default_rng(seed).uniform(size=50)
        power = [Fraction(-v) ** norm for v in x.tolist()]
        bound = sign_bound(Problem.of(net, x), norm)
        assert Fraction(bound) ** norm <= sum(power) <= Fraction(bound * (1.0 + 1e-12)) ** norm


def test_a_running_error_holds_the_exact_pass():
    for seed in range(100):
        rng = np.random.default_rng(seed)
        sizes = rng.integers(1, 6, 4).tolist()
        scales = 10.0 ** rng.uniform(-140, 20, 3)
        weights = [s * rng.normal(size=(m, n)) for s, n, m in zip(scales, sizes, sizes[1:], strict=False)]
        net = pr.Network.from_arrays(weights, [rng.normal(size=m) for m in sizes[1:]], rng.choice([0.0, 0.1, 1.0], 3))
        z = 10.0 ** rng.uniform(-200, 3) * rng.normal(size=(2, sizes[0]))
        y, off = output_within(net, z)
        for code, values, room in zip(z.tolist(), y.tolist(), off.tolist(), strict=True):
            exact = rational.forward(net, code)
            assert all(abs(v - Fraction(w)) <= Fraction(r) for v, w, r in zip(exact, values, room, strict=True))


@pytest.mark.filterwarnings("ignore::pyomo_relu.inversion.task.BigMWarning")
def test_every_end_of_an_extent_is_a_code_of_the_set_though_the_forward_pass_is_rounded():
    net = pr.Network.from_arrays([[[1e9], [1e9], [1.0]], [[-1.0, 1.0, 1.0]]], [[0.0, 0.7, 0.0], [0.0]])  # z + 0.7
    found = pr.extent(net, [1.5], pr.Exact("inf"), box=(0.0, 2.0), tol=1e-4)
    for code in found.codes.reshape(-1, 1).tolist():
        assert rational.residual(net, code, [1.5]) <= found.level
    assert found.attained_upper[0] - found.attained_lower[0] > 1e-5


def test_layers_are_balanced_only_where_that_changes_no_bit():
    small = pr.Network.from_arrays([[[1e150, 1e-150]], [[1e-150], [1.0]]])
    bias = pr.Network.from_arrays([[[1e-140]], [[1.0]]], [[1e-170], [0.0]])
    lost = pr.Network.from_arrays([[[1e150]], [[1.0]]], [[1e-200], [0.0]])
    for net, changes in ((small, True), (bias, True), (lost, False)):
        problem = Problem.of(net, np.ones(net.n_out))
        z = [Fraction(1, 3)] * net.n_in
        for scaled in (rescaled(problem), rescaled_by_layer(problem)):
            assert (scaled is not problem) == changes
            assert rational.forward(scaled.network, z) == rational.forward(net, z)


def test_rows_that_are_met_but_for_what_may_be_rounding_do_not_make_a_code_unique():
    z = np.array([0.3, 0.3])
    for size, unique in ((1e3, True), (1e10, False)):
        layer = pr.Layer([[size, -size], [1.0, 0.0], [0.0, 1.0]], [1.0, 0.0, 0.0])
        found = pr.invert_layer(layer, layer(z), pr.LinearSolve())
        assert np.abs(layer(found.z) - layer(z)).max() <= 1e-5
        assert (found.layers[0].rank, found.layers[0].unique) == (2, unique)
