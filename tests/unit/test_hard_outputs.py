"""Outputs of infinite weight: constraints, and no part of the residual."""

import brute_force
import numpy as np
import pytest
from regions import assert_contains
from tiny_networks import NETWORKS

import pyomo_relu as pr
from pyomo_relu.bounds import Region, Sought, lagrangian_region, lp_region, observed_region
from pyomo_relu.certificate import Standing
from pyomo_relu.norms import norm_of
from pyomo_relu.solvers import MILP, Solver, solve
from pyomo_relu.tube import Tube

BOX = (-2.0, 1.5)
INF = np.inf

TWO = ["one layer", "two layers", "leaky", "mixed slopes, three layers", "a slope each", "a skip", "linear output"]


def asked(name):
    """Return a network, an observation of which the first output can be met, a code that does, and weights."""
    net, rng = NETWORKS[name], np.random.default_rng(len(name))
    codes = rng.uniform(-1.0, 1.0, (50, net.n_in))
    code = next((code for code in codes if net(code)[0] > 0.05), codes[0])
    x, w = net(code) + 0.4 * rng.normal(size=net.n_out), rng.choice([0.5, 1.0, 3.0], net.n_out)
    x[0], w[0] = net(code)[0], INF
    return net, x, code, w


def best_of(net, x, w, norm):
    hard, met = np.isinf(w), 1e-6 * max(1e-3, np.abs(x[w > 0.0]).max())
    counted = np.where(hard, 0.0, w)
    known = {"matrix": np.diag(counted), "met": (hard, x, met)}
    if str(norm).startswith("huber"):
        return brute_force.huber_optimum(net, counted * x, float(norm[6:]), *BOX, **known)
    return brute_force.optimum(net, counted * x, norm, *BOX, **known)


@pytest.mark.parametrize("norm", ["inf", 1, 2, "huber:0.1"])
@pytest.mark.parametrize("network", TWO)
def test_optimum_is_that_of_brute_force(network, norm):
    net, x, _, w = asked(network)
    result = pr.invert(net, x, pr.Exact(norm), weights=w, box=BOX)
    best = best_of(net, x, w, norm)
    assert result.status is pr.Status.OPTIMAL
    assert result.residual == pytest.approx(best, abs=1e-5 if norm in ("inf", 1) else 1e-4)
    assert result.dual_bound <= best + 1e-5
    assert abs(net(result.z)[0] - x[0]) <= 1e-6 * np.abs(x).max()
    assert result.residual == pytest.approx(norm_of((w * (net(result.z) - x))[1:], norm), rel=1e-9, abs=1e-12)
    assert "z is a code that meets the outputs of infinite weight up to" in str(result.certificate)


@pytest.mark.parametrize("norm", ["inf", 1, 2])
def test_zero_finite_and_infinite_weights(norm):
    net = pr.Network.random((2, 3, 6), seed=3)
    rng, code = np.random.default_rng(0), np.array([0.7, -0.4])
    x, w = net(code) + 0.3 * rng.normal(size=6), np.array([1.0, 0.0, 2.0, 0.0, 0.5, 1.0])
    hard = int(np.argmax(net(code)))
    x[hard], w[hard] = net(code)[hard], INF
    x[w == 0.0] = np.nan
    result = pr.invert(net, x, pr.Exact(norm), weights=w, box=BOX)
    best = best_of(net, np.where(w == 0.0, 0.0, x), w, norm)
    assert result.status is pr.Status.OPTIMAL
    assert result.residual == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize("norm", ["inf", 1, 2, "huber:0.2"])
@pytest.mark.parametrize("seed", range(3))
def test_no_code_that_meets_them_within_the_budget_is_cut_off(seed, norm):
    """In tubes so wide that codes of them are drawn."""
    net, rng = pr.Network.random((2, 5, 7), seed=seed), np.random.default_rng(seed)
    w, truth = np.exp(rng.normal(size=7)), rng.normal(size=2)
    x, hard = net(truth) + 0.1 * rng.normal(size=7), np.arange(7) % 3 == 0
    x[6] = -0.05
    counted = np.where(hard, 0.0, w)
    most, held = 1.4 * norm_of(counted * (net(truth) - x), norm), 1.2 * float((w * np.abs(net(truth) - x))[hard].max())
    codes = np.clip(truth + 0.3 * rng.normal(size=(4000, 2)) * rng.random((4000, 1)), -4.0, 4.0)
    missed = w * (net(codes) - x)
    inside = [norm_of(row * ~hard, norm) <= most and np.abs(row[hard]).max() <= held for row in missed]
    near = codes[inside]
    assert len(near) > 10
    sought = Sought(x, norm, most, Tube(0.9 * most, held, hard), w, np.abs(net(truth) - x))
    near = near[np.abs(missed[inside] * ~hard).max(axis=1) <= 0.9 * most]
    region = observed_region(net, Region.everything(net, pr.Box.of((-4, 4), 2)), sought)
    tighter = lagrangian_region(net, region, sought)
    for found in (region, tighter, lp_region(net, tighter, sought)):
        assert_contains(found, net, near, room=1e-12)


@pytest.mark.parametrize("norm", [1, 2])
def test_a_tube_beside_them(norm):
    net, x, _, w = asked("two layers")
    largest = pr.invert(net, x, pr.Exact("inf"), weights=w, box=BOX)
    result = pr.invert(net, x, pr.Exact(norm, tube=1.1 * largest.residual), weights=w, box=BOX)
    assert result.status is pr.Status.OPTIMAL
    assert norm_of((w * (net(result.z) - x))[1:], "inf") <= 1.1 * largest.residual
    assert abs(net(result.z)[0] - x[0]) <= 1e-6 * np.abs(x).max()
    empty = pr.invert(net, x, pr.Exact(norm, tube=0.9 * largest.residual), weights=w, box=BOX)
    assert (empty.status, empty.z, empty.norm) == (pr.Status.INFEASIBLE, None, norm)
    assert "that meets the outputs of infinite weight" in str(empty.certificate)


def test_a_second_norm_beside_them():
    net, x, _, w = asked("two layers")
    first = pr.invert(net, x, pr.Exact("inf"), weights=w, box=BOX)
    second = pr.invert(net, x, pr.Exact("inf", then=2), weights=w, box=BOX)
    assert second.status is pr.Status.OPTIMAL
    assert second.residual == pytest.approx(first.residual, abs=1e-5)
    assert abs(net(second.z)[0] - x[0]) <= 1e-6 * np.abs(x).max()
    w_finite = w.copy()
    w_finite[0] = 0.0
    assert second.residual >= pr.invert(net, x, pr.Exact("inf"), weights=w_finite, box=BOX).dual_bound - 1e-6


@pytest.mark.parametrize("norm", ["inf", 1, 2, "huber"])
def test_what_cannot_be_met_is_infeasible(norm):
    net = pr.Network.random((2, 5, 4), seed=1)
    x = np.array([*net([0.5, 0.5])[:3], -0.5])
    result = pr.invert(net, x, pr.Exact(norm), weights=[1.0, 1.0, 1.0, INF], box=BOX)
    assert (result.status, result.z, result.realizable) == (pr.Status.INFEASIBLE, None, False)
    assert result.message.startswith("no code was found that meets the outputs of infinite weight")
    # Two outputs that contradict each other: |z| is 1 and 2.
    net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0], [1.0, 1.0], [1.0, -1.0]]])
    result = pr.invert(net, [1.0, 2.0, 0.0], pr.Exact(norm), weights=[INF, INF, 1.0], box=BOX)
    assert (result.status, result.z, result.realizable) == (pr.Status.INFEASIBLE, None, False)
    assert "x is not met by any code in the box" in str(result.certificate)


def test_what_is_missed_by_less_than_solvers_tell_is_undecided():
    net = pr.Network.from_arrays([[[1.0], [1.0], [1.0]]], slopes=1.0)
    result = pr.invert(net, [1.0, 1.0 + 6e-6, 0.5], pr.Exact(1), weights=[INF, INF, 1.0], box=(-2, 2))
    assert (result.status, result.z, result.realizable) == (pr.Status.LIMIT, None, None)


@pytest.mark.parametrize("norm", ["inf", 1, 2])
def test_every_output_may_be_one(norm):
    net = pr.Network.random((2, 5, 6), seed=1)
    x = net([0.5, 0.5])
    result = pr.invert(net, x, pr.Exact(norm), weights=np.full(6, INF), box=BOX)
    assert (result.status, result.residual, result.realizable) == (pr.Status.OPTIMAL, 0.0, True)
    assert np.abs(net(result.z) - x).max() <= 1e-6
    missed = pr.invert(net, x + 0.1, pr.Exact(norm), weights=np.full(6, INF), box=BOX)
    assert (missed.status, missed.z) == (pr.Status.INFEASIBLE, None)
    model = pr.Exact(norm).model(net, x, weights=np.full(6, INF), box=BOX)
    assert solve(model, Solver("highs"), MILP).status is pr.Status.OPTIMAL


@pytest.mark.parametrize("norm", ["inf", 1, 2])
def test_extent_stays_where_they_are_met(norm):
    """The first output is |z_0|, and must be 1; the others say what z_1 is."""
    net = pr.Network.from_arrays(
        [[[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]], slopes=[np.array([0, 0, 1.0]), 1.0]
    )
    found = pr.extent(net, [1.0, 0.5], pr.Exact(norm), weights=[INF, 1.0], box=(-3, 3), tol=0.25)
    assert found.unique is False
    assert found.lower == pytest.approx([-1.0, 0.25], abs=1e-4)
    assert found.upper == pytest.approx([1.0, 0.75], abs=1e-4)
    assert found.attained_lower == pytest.approx([-1.0, 0.25], abs=1e-4)
    assert found.attained_upper == pytest.approx([1.0, 0.75], abs=1e-4)
    codes = found.codes.reshape(-1, 2)
    assert (np.abs(net(codes)[:, 0] - 1.0) <= 1e-6).all()
    assert "that meets the outputs of infinite weight up to" in str(found.certificate)


def test_extent_refuses_a_result_that_does_not_meet_them():
    net, x, _, w = asked("two layers")
    plain = pr.invert(net, x, pr.Exact(1), weights=np.where(np.isinf(w), 0.0, w), box=BOX)
    with pytest.raises(pr.InputError, match="result has a code that does not meet the outputs of infinite weight"):
        pr.extent(net, x, pr.Exact(1), weights=w, box=BOX, result=plain)


@pytest.mark.parametrize("norm", ["inf", 1])
def test_the_model_holds_them(norm):
    net, x, _, w = asked("two layers")
    model = pr.Exact(norm).model(net, x, weights=w, box=BOX)
    outcome = solve(model, Solver("highs"), MILP)
    assert outcome.objective == pytest.approx(best_of(net, x, w, norm), abs=1e-4)
    code = np.array([v.value for v in model.z.values()])
    assert abs(net(code)[0] - x[0]) <= 1e-5


def test_the_model_needs_no_box_where_a_code_is_found():
    net = pr.Network.random((2, 10, 30), seed=0)
    code = np.array([1.0, -0.5])
    x = net(code) + 0.005 * np.random.default_rng(0).normal(size=30)
    w = np.ones(30)
    hard = int(np.argmax(net(code)))
    x[hard], w[hard] = net(code)[hard], INF
    model = pr.Exact(1).model(net, x, weights=w)
    result = pr.invert(net, x, pr.Exact(1), weights=w)
    assert result.status is pr.Status.OPTIMAL
    assert all(v.lb <= z <= v.ub for v, z in zip(model.z.values(), result.z, strict=True))


@pytest.mark.parametrize(
    "method",
    [pr.Layerwise(), pr.Descent(), pr.GradientDescent(step=1e-3), pr.Hybrid(), pr.ProjectedGradient(pr.Exact())],
)
def test_a_method_that_holds_no_output_refuses(method):
    net = pr.Network.random((2, 5, 4), seed=1)
    said = f"weights must be finite for {type(method).__name__}, which holds no single output exactly: take Exact"
    with pytest.raises(pr.InputError, match=said):
        pr.invert(net, net([0.5, 0.5]), method, weights=[1.0, 1.0, 1.0, INF])
    with pytest.raises(pr.InputError, match=said):
        pr.invert_many(net, net([[0.5, 0.5]]), method, weights=[1.0, 1.0, 1.0, INF], progress=False)


def test_one_layer_and_plain_bounds_refuse_too():
    net = pr.Network.random((2, 5), seed=1)
    with pytest.raises(pr.InputError, match="weights must be finite for Layerwise"):
        pr.invert_layer(net[0], np.ones(5), weights=[1.0, 1.0, 1.0, 1.0, INF])
    with pytest.raises(pr.InputError, match="weights that are infinite go with observed bounds"):
        pr.invert(net, np.ones(5), pr.Exact(bounds="crown"), weights=[1.0, 1.0, 1.0, 1.0, INF], box=BOX)


def test_a_batch_and_its_store(tmp_path):
    net, x, _, w = asked("two layers")
    given = {"weights": w, "box": BOX, "progress": False, "store": tmp_path / "store"}
    one = pr.invert(net, x, pr.Exact(1), weights=w, box=BOX)
    first = pr.invert_many(net, x[None], pr.Exact(1), **given)
    again = pr.invert_many(net, x[None], pr.Exact(1), resume=True, **given)
    assert first[0].residual == again[0].residual == one.residual
    told = {claim.text for claim in first[0].certificate.claims if claim.standing is Standing.VERIFIED}
    assert {claim.text for claim in again[0].certificate.claims if claim.standing is Standing.VERIFIED} <= told
    with pytest.raises(pr.InputError, match="store"):
        pr.invert_many(net, x[None], pr.Exact(1), resume=True, **given | {"weights": np.where(np.isinf(w), 4.0, w)})
