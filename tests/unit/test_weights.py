import brute_force
import numpy as np
import pytest
from regions import assert_contains
from scipy.sparse import csr_array
from tiny_networks import NETWORKS, observation

import pyomo_relu as pr
from pyomo_relu.bounds import Region, Sought, deviation_caps, lagrangian_region, lp_region, observed_region
from pyomo_relu.enclosure import enclose
from pyomo_relu.norms import norm_of
from pyomo_relu.problem import Problem

BOX = (-2.0, 1.5)


def weights_of(name):
    return np.random.default_rng(len(name)).choice([0.3, 1.0, 2.5, 7.0], NETWORKS[name].n_out)


@pytest.mark.parametrize("norm", ["inf", 1, 2])
@pytest.mark.parametrize("network", NETWORKS)
def test_optimum_is_that_of_brute_force(network, norm):
    net, x, w = NETWORKS[network], observation(network), weights_of(network)
    result = pr.invert(net, x, pr.Exact(norm), weights=w, box=BOX)
    best = brute_force.optimum(net, w * x, norm, *BOX, matrix=np.diag(w))
    assert result.status is pr.Status.OPTIMAL
    assert result.residual == pytest.approx(best, abs=1e-6 if norm != 2 else 1e-4)
    assert result.dual_bound <= best + 1e-6
    assert result.residual == pytest.approx(norm_of(w * (net(result.z) - x), norm), rel=1e-12)
    assert f"||w (G(z) - x)||_{norm}" in str(result.certificate)


@pytest.mark.parametrize("method", [pr.Exact("huber:0.3"), pr.Exact(2, bounds="crown"), pr.Exact(1, encoding="sos1")])
def test_other_ways_prove_it_too(method):
    net, x, w = NETWORKS["two layers"], observation("two layers"), np.array([0.3, 4.0, 1.0])
    result = pr.invert(net, x, method, weights=w, box=BOX)
    known = {"huber:0.3": 0.3}.get(method.norm)
    matrix = np.diag(w)
    if known is None:
        best = brute_force.optimum(net, w * x, method.norm, *BOX, matrix=matrix)
    else:
        weighed = pr.Network.from_arrays(
            [*[layer.weight for layer in net], matrix],
            [*[layer.bias for layer in net], np.zeros(3)],
            slopes=(0.0, 0.0, 1.0),
        )
        assert np.allclose(weighed([0.5, 0.5]), w * net([0.5, 0.5]))
        best = brute_force.huber_optimum(weighed, w * x, known, *BOX)
    assert result.status is pr.Status.OPTIMAL
    assert result.residual == pytest.approx(best, abs=1e-4)


def test_no_code_that_the_budget_allows_is_cut_off():
    rng = np.random.default_rng(5)
    for seed, norm in enumerate(["inf", 1, 2, "huber:0.2"]):
        net = pr.Network.random((2, 5, 7), seed=seed)
        w, truth = np.exp(rng.normal(size=7)), rng.normal(size=2)
        x = net(truth) + 0.1 * rng.normal(size=7)
        most = 1.4 * norm_of(w * (net(truth) - x), norm)
        codes = np.clip(truth + 0.3 * rng.normal(size=(4000, 2)) * rng.random((4000, 1)), -4.0, 4.0)
        near = codes[[norm_of(w * (y - x), norm) <= most for y in net(codes)]]
        assert len(near) > 10
        assert (np.abs(net(near) - x) <= deviation_caps(net[-1], x, most, norm, weights=w)).all()
        region = observed_region(net, Region.everything(net, pr.Box.of((-4, 4), 2)), Sought(x, norm, most, weights=w))
        budget = None if norm == "inf" else Sought(x, norm, most, weights=w, near=np.abs(net(truth) - x))
        tighter = lagrangian_region(net, region, budget)
        tightest = lp_region(net, tighter, budget)
        assert tightest.width < region.width
        for found in (region, tighter, tightest):
            assert_contains(found, net, near, room=1e-12)


@pytest.mark.parametrize("norm", ["inf", 1, 2, "huber:0.5"])
def test_caps_are_rounded_outwards(norm):
    """A weight of a third: the deviation that is exactly the budget over the weight must not be cut off."""
    layer, w = pr.Layer(np.eye(1)), np.array([1.0 / 3.0])
    for most in np.random.default_rng(0).uniform(0.1, 0.4, 50):
        assert deviation_caps(layer, np.ones(1), most, norm, weights=w)[0] >= most / w[0]


def test_the_residual_is_enclosed():
    net, w = pr.Network.random((3, 6, 8), seed=1), np.linspace(0.1, 3.0, 8)
    problem, z = Problem.of(net, np.linspace(-1.0, 2.0, 8), weights=w), np.array([0.3, -1.0, 0.7])
    for norm in ("inf", 1, 2, "huber:0.4"):
        found = enclose(problem, z, norm)
        assert found.low <= norm_of(w * (net(z) - problem.x), norm) <= found.high
        assert found.width < 1e-12


def test_a_weight_of_zero_is_a_mask():
    net = pr.Network.random((2, 6, 12), seed=0)
    x, mask = net([1.0, -0.5]) + 0.1, np.arange(12) % 3 != 0
    x[0] = np.nan
    for method in (pr.Layerwise(), pr.Exact(2), pr.Descent()):
        by_mask = pr.invert(net, x, method, mask=mask, box=(-3, 3))
        by_weights = pr.invert(net, x, method, weights=mask.astype(float), box=(-3, 3))
        assert by_weights.residual == pytest.approx(by_mask.residual, rel=1e-9)


def test_a_store_belongs_to_its_weights(tmp_path):
    net = pr.Network.random((2, 6, 12), seed=0)
    X, w = net(np.random.default_rng(0).normal(size=(2, 2))) + 0.1, np.linspace(0.5, 2.0, 12)
    given = {"store": tmp_path / "store", "progress": False}
    first = pr.invert_many(net, X, pr.Descent(), weights=w, **given)
    again = pr.invert_many(net, X, pr.Descent(), weights=w, resume=True, **given)
    assert (again.codes == first.codes).all()
    for other in (None, 2.0 * w):
        with pytest.raises(pr.InputError, match="store"):
            pr.invert_many(net, X, pr.Descent(), weights=other, resume=True, **given)


def test_sparse_layers_take_weights():
    net, w = pr.Network.random((2, 6, 12), seed=0), np.linspace(0.5, 2.0, 12)
    sparse = pr.Network.from_arrays([csr_array(layer.weight) for layer in net], [layer.bias for layer in net])
    x = net([1.0, -0.5]) + 0.1
    one, other = (pr.invert(n, x, pr.Exact(1), weights=w, box=(-3, 3)).residual for n in (net, sparse))
    assert one == pytest.approx(other, abs=1e-6)


METHODS = [
    pr.Layerwise(),
    pr.Layerwise(pr.LayerL1()),
    pr.Layerwise(pr.LinearSolve()),
    pr.Descent(),
    pr.Descent(norm="huber:0.05"),
    pr.GradientDescent(step=1e-3, iterations=3000),
    pr.Hybrid(1),
    pr.ProjectedGradient(),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: repr(method)[:40])
def test_every_method_takes_weights(method):
    """Two groups of outputs that contradict each other: the heavy one is met."""
    half, truths = pr.Network.random((2, 12), seed=3), np.array([[0.7, -0.4], [-0.5, 0.9]])
    net = pr.Network.from_arrays([np.vstack([half[0].weight, half[0].weight])], slopes=1.0)
    x = np.concatenate([half[0].weight @ truth for truth in truths])
    for heavy in (0, 1):
        w = np.repeat([1.0, 1.0], 12)
        w[12 * heavy : 12 * heavy + 12] = 10.0
        result = pr.invert(net, x, method, weights=w)
        assert np.abs(result.z - truths[heavy]).max() < 0.2


def test_many_and_extent_and_tube():
    net = pr.Network.random((2, 6, 12), seed=0)
    w, truth = np.linspace(0.5, 2.0, 12), np.array([1.0, -0.5])
    x = net(truth) + 0.05 * np.random.default_rng(1).normal(size=12)
    one = pr.invert(net, x, pr.Exact(1), weights=w, box=(-3, 3))
    batch = pr.invert_many(net, x[None], pr.Exact(1), weights=w, box=(-3, 3), progress=False)
    assert batch[0].residual == one.residual
    found = pr.extent(net, x, pr.Exact(1), weights=w, box=(-3, 3), tol=0.05)
    assert (found.lower <= one.z + 1e-6).all()
    assert (found.upper >= one.z - 1e-6).all()
    assert all(norm_of(w * (net(z) - x), 1) <= found.level for z in found.codes.reshape(-1, 2))
    largest = pr.invert(net, x, pr.Exact("inf"), weights=w, box=(-3, 3)).residual
    tube = pr.invert(net, x, pr.Exact(2, tube=1.1 * largest), weights=w, box=(-3, 3))
    assert np.abs(w * (net(tube.z) - x)).max() <= 1.1 * largest
    then = pr.invert(net, x, pr.Exact("inf", then=2), weights=w, box=(-3, 3))
    assert then.residual == pytest.approx(largest, rel=1e-4)
    model = pr.Exact(2).model(net, x, weights=w, box=(-3, 3))
    assert model.nvariables() > 0


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1.0, -1.0], "weights must be 0, infinite, or lie between"),
        ([1.0, 1e9], "weights must be 0, infinite, or lie between"),
        ([0.0, 0.0], "weights observe nothing"),
        ([1.0, np.nan], "weights has 1 entry that is not finite"),
        ([1.0, np.inf], "weights must be finite for Layerwise, which holds no single output exactly: take Exact"),
        ([1.0, -np.inf], "weights has 1 entry that is not finite"),
        ([1.0], "weights has 1 entries, expected 2"),
    ],
)
def test_bad_weights_are_refused(weights, said):
    net = pr.Network.from_arrays([[[1.0], [-1.0]]])
    with pytest.raises(pr.InputError, match=said):
        pr.invert(net, [1.0, 0.0], weights=weights)


def test_weights_go_with_neither_mask_nor_operator():
    net = pr.Network.from_arrays([[[1.0], [-1.0]]])
    with pytest.raises(pr.InputError, match="weights go with neither"):
        pr.invert(net, [1.0, 0.0], weights=[1.0, 2.0], mask=[True, True])


@pytest.mark.parametrize("box", [None, (0.0, np.inf)])
def test_weights_of_a_million_make_no_bounded_lp_unbounded(box):
    """The costs of the relaxed LP are then 1e12; whatever it gives, the row is at its upper end."""
    layer = pr.Layer([[0.0, -0.8, -0.9, 0.8, -1.0]])
    found = pr.invert_layer(layer, [2.2], pr.LayerRelaxed(0.1), weights=[1e6], box=box)
    assert found.status is pr.Status.SOLVED
    assert layer(found.z)[0] == pytest.approx(2.2 + 1e-7, abs=1e-9)


def test_a_side_that_no_code_moves_does_not_overflow_beside_a_weight_of_a_million():
    net = pr.Network.from_arrays(
        [[[0.0, 0.0], [0.2, -0.04]], [[0.0, -0.08], [0.0, 0.0]]],
        [[0.75, -0.54], [-0.18, 0.67]],
        [[1e-150, 1e-9], [0.0, 0.01]],
    )
    found = pr.invert(
        net, [-0.01, 0.67], pr.Exact(then=2, starts=1), box=(-18, 100), weights=[1e-6, 1e6], solver="scip"
    )
    assert found.residual == pytest.approx(1e-8, rel=1e-6)
    assert found.status is pr.Status.OPTIMAL
