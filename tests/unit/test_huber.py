from fractions import Fraction

import brute_force
import numpy as np
import pytest
from regions import assert_contains
from tiny_networks import NETWORKS, observation

import pyomo_relu as pr
from pyomo_relu.bounds import Region, Sought, deviation_caps, lagrangian_region, lp_region, observed_region
from pyomo_relu.certificate import certify
from pyomo_relu.enclosure import enclose
from pyomo_relu.norms import as_norm, norm_of
from pyomo_relu.problem import Problem

BOX = (-2.0, 1.5)


def huber(deviations, delta):
    r = np.abs(deviations)
    return np.sqrt(2.0 * np.where(r <= delta, r**2 / 2.0, delta * (r - delta / 2.0)).sum())


@pytest.mark.parametrize("delta", [0.1, 0.7])
@pytest.mark.parametrize("network", NETWORKS)
def test_optimum_is_that_of_brute_force(network, delta):
    net, x = NETWORKS[network], observation(network)
    result = pr.invert(net, x, pr.Exact(pr.Huber(delta)), box=BOX)
    best = brute_force.huber_optimum(net, x, delta, *BOX)
    assert result.status is pr.Status.OPTIMAL
    assert result.residual == pytest.approx(best, abs=1e-4)
    assert result.dual_bound <= best + 1e-4
    assert result.residual == pytest.approx(huber(net(result.z) - x, delta), rel=1e-12)
    assert result.norm == f"huber:{delta}"


@pytest.mark.parametrize("solver", ["highs", "scip"])
@pytest.mark.parametrize("bounds", ["observed", "crown"])
def test_every_way_finds_the_same_optimum(solver, bounds):
    net, x = NETWORKS["two layers"], observation("two layers")
    best = brute_force.huber_optimum(net, x, 0.3, *BOX)
    result = pr.invert(net, x, pr.Exact("huber:0.3", bounds=bounds), box=BOX, solver=solver)
    assert result.status in (pr.Status.OPTIMAL, pr.Status.SOLVED)
    assert result.residual == pytest.approx(best, abs=1e-3)
    assert result.dual_bound <= best + 1e-4


def test_a_large_delta_is_least_squares_and_a_small_one_the_1_norm():
    net, x = NETWORKS["one layer"], observation("one layer", noise=2.0)
    two, one = (pr.invert(net, x, pr.Exact(p), box=BOX).residual for p in (2, 1))
    assert pr.invert(net, x, pr.Exact(pr.Huber(100.0)), box=BOX).residual == pytest.approx(two, abs=1e-5)
    small = pr.invert(net, x, pr.Exact(pr.Huber(1e-3)), box=BOX).residual
    assert small == pytest.approx(np.sqrt(2e-3 * one), rel=1e-2)


def test_of_a_batch_of_codes_none_that_the_budget_allows_is_cut_off():
    rng = np.random.default_rng(3)
    for seed in range(4):
        net = pr.Network.random((2, 5, 7), seed=seed)
        truth = rng.normal(size=2)
        x = net(truth) + rng.normal(size=7) * np.where(rng.random(7) < 0.3, 1.0, 0.05)
        most = 1.3 * huber(net(truth) - x, 0.2)
        codes = truth + 0.5 * rng.normal(size=(4000, 2)) * rng.random((4000, 1))
        codes = np.clip(codes, -4.0, 4.0)
        near = codes[[huber(y - x, 0.2) <= most for y in net(codes)]]
        assert len(near) > 10
        caps = deviation_caps(net[-1], x, most, "huber:0.2")
        assert (np.abs(net(near) - x) <= caps).all()
        region = observed_region(net, Region.everything(net, pr.Box.of((-4, 4), 2)), Sought(x, "huber:0.2", most))
        budget = Sought(x, "huber:0.2", most, near=np.abs(net(truth) - x))
        tighter = lagrangian_region(net, region, budget)
        tightest = lp_region(net, tighter, budget)
        assert tightest.width < region.width
        for found in (region, tighter, tightest):
            assert_contains(found, net, near, room=1e-12)


def test_residual_is_enclosed():
    net = pr.Network.random((3, 6, 8), seed=1)
    x, z = np.linspace(-1.0, 2.0, 8), np.array([0.3, -1.0, 0.7])
    found = enclose(Problem.of(net, x), z, "huber:0.4")
    assert found.low <= huber(net(z) - x, 0.4) <= found.high
    assert found.width < 1e-12
    low, high = as_norm("huber:0.5").value_within([Fraction(1, 2), Fraction(5, 2)])
    assert low * low <= Fraction(1, 4) + Fraction(9, 4) <= high * high
    assert norm_of(np.array([0.5, -2.5]), "huber:0.5") == pytest.approx(np.sqrt(2.5))


def test_certificate_and_bound_of_sign():
    net = pr.Network.from_arrays([[[1.0], [-1.0]]])
    result = pr.invert(net, [2.0, -3.0], pr.Exact("huber"), box=(-3, 3))
    assert result.dual_bound == pytest.approx(np.sqrt(5.0))
    assert result.realizable is False
    assert "||G(z) - x||_huber:1.0 = 2.2360679" in str(result.certificate)
    assert result.certificate.trusted == ()


def test_one_outlier_leads_descent_less_astray():
    net, truth = pr.Network.random((2, 10, 40), seed=0), np.array([0.5, -1.0])
    x = net(truth)
    x[[3, 7]] += 5.0
    errors = [np.abs(pr.invert(net, x, pr.Descent(norm=p)).z - truth).max() for p in (2, pr.Huber(0.1))]
    assert errors[1] < 0.2 * errors[0]
    assert pr.invert(net, x, pr.Descent(norm="huber:0.1")).norm == "huber:0.1"


def test_hybrid_tube_and_second_norm():
    net, x = NETWORKS["two layers"], observation("two layers")
    best = pr.invert(net, x, pr.Exact("huber:0.2"), box=BOX)
    assert pr.invert(net, x, pr.Hybrid("huber:0.2"), box=BOX).residual <= best.residual * 1.05 + 1e-6
    largest = pr.invert(net, x, box=BOX, method=pr.Exact("inf"))
    in_tube = pr.invert(net, x, pr.Exact("huber:0.2", tube=1.2 * largest.residual), box=BOX)
    assert in_tube.residual >= best.residual - 1e-6
    assert np.abs(net(in_tube.z) - x).max() <= 1.2 * largest.residual
    second = pr.invert(net, x, pr.Exact("inf", then="huber:0.2"), box=BOX)
    assert second.residual == pytest.approx(largest.residual, rel=1e-4)


def test_extent_holds_the_optimum():
    net, x = NETWORKS["two layers"], observation("two layers")
    for solver in ("scip", "highs"):
        found = pr.extent(net, x, pr.Exact("huber:0.2"), tol=0.1, box=BOX, solver=solver)
        assert (found.lower <= found.result.z + 1e-6).all()
        assert (found.upper >= found.result.z - 1e-6).all()
        assert all(huber(net(code) - x, 0.2) <= found.level for code in found.codes.reshape(-1, net.n_in))


@pytest.mark.parametrize("norm", ["huber:", "huber:x", "huber:-1", "huber:0", "huber:inf", "huber:nan", "hubert"])
def test_what_is_no_huber_norm_is_refused(norm):
    with pytest.raises(pr.InputError, match=r"(norm|delta) must be"):
        pr.Exact(norm)


@pytest.mark.parametrize("norm", ["inf", 1])
def test_descent_refuses_norms_with_corners(norm):
    with pytest.raises(pr.InputError, match="norm must be 2 or 'huber:<delta>' for descent"):
        pr.Descent(norm=norm)


def test_what_a_small_delta_makes_small_is_not_met():
    """Beyond delta an output misses x by more than the residual says: by 0.001, where that is 4e-8."""
    problem = Problem.of(pr.Network.from_arrays([[[1.0], [1.0]]], slopes=1.0), [1.0, 1.001])
    verdict = certify(problem, np.array([1.0]), pr.Huber(1e-12), None, "", "")
    assert verdict.residual < problem.met
    assert verdict.realizable is None
    assert not any("met" in claim.text for claim in verdict.certificate.claims)
    near = Problem.of(problem.network, [1.0, 1.0 + 1e-7])
    for delta in (1.0, 1e-8):
        verdict = certify(near, np.array([1.0]), pr.Huber(delta), None, "", "")
        claim = next(claim for claim in verdict.certificate.verified if "met" in claim.text)
        assert verdict.realizable
        assert Fraction(1, 10**7) * (1 - Fraction(1, 10**6)) <= Fraction(claim.value) <= Fraction(problem.met)


@pytest.mark.parametrize("delta", [1e-14, 1e-3, 1.0, 1e14])
def test_the_largest_deviation_of_a_residual_is_rounded_up(delta):
    rng = np.random.default_rng(0)
    for deviation in 10.0 ** rng.uniform(-9, 9, 200):
        above = pr.Huber(delta).enclosed(np.array([deviation]), np.zeros(1))[1]
        assert deviation <= pr.Huber(delta).largest(above) <= deviation * (1.0 + 1e-12)
    assert as_norm(2).largest(0.5) == 0.5


def test_costs_are_the_same_to_the_bit_and_no_delta_is_too_large_or_too_small():
    deviations = np.abs(np.random.default_rng(0).normal(size=1000)) * 10.0 ** np.random.default_rng(1).integers(-9, 9)
    for delta in (1e-300, 0.3, 1.0, 1e300):
        with np.errstate(all="raise", under="ignore"):
            costs = pr.Huber(delta).cost(deviations)
        where = deviations <= delta
        assert (costs[where] == deviations[where] ** 2).all()
        assert (costs[~where] == delta * (2.0 * deviations[~where] - delta)).all()
    assert pr.Huber(5e-324).in_unit(2.0**40).value(np.array([1.0])) < 1e-150


@pytest.mark.parametrize(("size", "delta"), [(1e9, 1e-5), (1.0, 1e-14), (1.0, 1e-100)])
def test_no_optimum_is_called_one_for_a_gap_that_a_small_delta_makes_small(size, delta):
    net, x = NETWORKS["one layer"], observation("one layer", noise=2.0)
    net = pr.Network.from_arrays([size * net[0].weight], [size * net[0].bias], [net[0].slope])
    for method in (pr.Exact(pr.Huber(delta), starts=1), pr.Hybrid(pr.Huber(delta), starts=1)):
        found = pr.invert(net, size * x, method, box=BOX)
        gap = found.residual - found.dual_bound
        assert found.status is not pr.Status.OPTIMAL or gap <= 1e-3 * found.residual


def test_a_huge_delta_overflows_nowhere():
    net, x = NETWORKS["one layer"], observation("one layer", noise=2.0)
    with np.errstate(all="raise", under="ignore"):
        found = pr.invert(net, x, pr.Exact(pr.Huber(1e300)), box=BOX)
    assert found.residual == pytest.approx(pr.invert(net, x, pr.Exact(2), box=BOX).residual, rel=1e-6)
