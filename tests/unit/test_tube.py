"""The tube, the second norm, and bounds by LPs."""

import numpy as np
import pytest
from regions import assert_contains
from tiny_networks import noisy

import pyomo_relu as pr
from pyomo_relu.bounds import Region, Sought, lp_region, observed_region
from pyomo_relu.norms import norm_of


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_no_code_of_the_tube_is_nearer(seed, norm):
    net, x, z = noisy(seed)
    result = pr.invert(net, x, pr.Exact(norm, tube=0.1), box=(-2, 2))
    assert result.status is pr.Status.OPTIMAL
    assert np.abs(net(result.z) - x).max() <= 0.1
    assert result.residual <= norm_of(net(z) - x, norm) + 1e-6
    near = result.z + 0.02 * np.random.default_rng(0).normal(size=(2000, 3))
    deviations = net(near) - x
    inside = np.abs(deviations).max(axis=1) <= 0.1
    assert (np.linalg.norm(deviations[inside], norm, axis=1) >= result.dual_bound - 1e-6).all()


def test_an_empty_tube_is_infeasible():
    net, x, _ = noisy(0)
    least = pr.invert(net, x, pr.Exact("inf"), box=(-2, 2)).residual
    result = pr.invert(net, x, pr.Exact(2, tube=0.5 * least), box=(-2, 2))
    assert result.status is pr.Status.INFEASIBLE
    assert result.z is None


@pytest.mark.parametrize("seed", range(4))
def test_then_picks_the_nearest_of_the_optimal_codes(seed):
    net, x, _ = noisy(seed)
    first = pr.invert(net, x, pr.Exact("inf"), box=(-2, 2))
    second = pr.invert(net, x, pr.Exact("inf", then=2), box=(-2, 2))
    assert second.status is pr.Status.OPTIMAL
    assert second.norm == "inf"
    assert second.residual == pytest.approx(first.residual, abs=1e-5)
    assert norm_of(net(second.z) - x, 2) <= norm_of(net(first.z) - x, 2) + 1e-6
    assert any("among the codes" in claim.text for claim in second.certificate.trusted)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"norm": "inf", "tube": 0.1}, "tube goes with norm 1, 2 or huber"),
        ({"norm": 2, "tube": -1.0}, "tube must be a positive number"),
        ({"norm": 1, "then": 2}, "then must be 1, 2 or huber, and goes with"),
        ({"norm": "inf", "then": "inf"}, "then must be 1, 2 or huber, and goes with"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(pr.InputError, match=message):
        pr.Exact(**options)


@pytest.mark.parametrize("norm", ["inf", 1, 2])
@pytest.mark.parametrize("slopes", [0.0, 0.2, (0.0, 1.0), (0.1, 0.0)])
@pytest.mark.parametrize("seed", range(5))
def test_bounds_by_lps_lose_no_code_as_good_as_the_incumbent(seed, slopes, norm):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(5, 2)), rng.normal(size=(6, 5))]
    net = pr.Network.from_arrays(weights, [rng.normal(size=5), rng.normal(size=6)], slopes)
    codes = rng.uniform(-1, 1, (5000, 2))
    x = net(codes[0]) + 0.1 * rng.normal(size=6)
    residuals = np.array([norm_of(y - x, norm) for y in net(codes)])
    incumbent = float(np.quantile(residuals, 0.05)) + 1e-9
    region = observed_region(net, Region.everything(net, pr.Box.of((-1, 1), 2)), Sought(x, norm, incumbent))
    budget = None
    if norm != "inf":
        centre = np.abs(net(codes[residuals.argmin()]) - x)
        budget = Sought(x, norm, incumbent, near=centre)
    tight = lp_region(net, region, budget)
    good = codes[residuals <= incumbent]
    assert len(good) > 50
    assert_contains(tight, net, good)
    assert (tight.code.upper - tight.code.lower <= region.code.upper - region.code.lower).all()
    assert sum(tight.unstable(net)) <= sum(region.unstable(net))


def test_lp_bounds_close_what_interval_arithmetic_cannot():
    net, x, _ = noisy(1, sizes=(5, 20, 40), noise=0.01)
    incumbent = pr.invert(net, x, pr.Exact("inf"), box=(-3, 3)).residual * 1.001
    region = observed_region(net, Region.everything(net, pr.Box.of((-3, 3), 5)), Sought(x, "inf", incumbent))
    tight = lp_region(net, region)
    assert sum(tight.unstable(net)) < sum(region.unstable(net)) / 4


@pytest.mark.parametrize("solver", ["highs", "scip"])
@pytest.mark.parametrize("seed", range(3))
def test_no_output_misses_by_more_than_a_tube_as_small_as_a_solvers_tolerance(seed, solver):
    net = pr.Network.random((2, 6, 12), seed=seed)
    rng = np.random.default_rng(seed)
    tube = 1e-6
    x = np.maximum(net(rng.normal(size=2)) + rng.uniform(-tube, tube, 12), 0.0)
    result = pr.invert(net, x, pr.Exact(1, tube=tube), box=(-3, 3), solver=solver)
    assert result.status.ok
    assert np.abs(net(result.z) - x).max() <= tube


def test_the_model_of_a_tube_needs_no_box_where_a_code_of_the_tube_is_found():
    net, x, z = noisy(0, sizes=(3, 20, 100), noise=0.01)
    model = pr.Exact(norm=1, tube=0.011).model(net, x)
    assert all(v.lb <= z_i <= v.ub for v, z_i in zip(model.z.values(), z, strict=True))
    with pytest.raises(pr.InputError, match=r"box is needed: no code was found in the tube of 0\.001"):
        pr.Exact(norm=1, tube=0.001).model(net, x)


def test_a_second_norm_has_no_model():
    net, x, _ = noisy(0)
    with pytest.raises(pr.InputError, match=r"then=2 has no model: take Exact\(norm=2, tube=r\)"):
        pr.Exact(then=2).model(net, x, box=(-2, 2))


@pytest.mark.parametrize("below", [1e-10, 2e-10, 5e-10])
def test_what_then_returns_is_what_its_certificate_says(below):
    """The second code is a little farther, and no longer meets x."""
    least = 1e-6 - below
    net = pr.Network.from_arrays([[[1.0], [1.0], [1.0]]], slopes=1.0)
    result = pr.invert(net, [1.0, 1.0, 1.0 + 2 * least], pr.Exact(then=2), box=(-3, 3), solver="scip")
    met = 1e-6 * (1.0 + 2 * least)
    assert (result.realizable is True) == (result.residual <= met)
    assert (result.realizable is True) == any(claim.text.startswith("x is met") for claim in result.certificate.claims)
