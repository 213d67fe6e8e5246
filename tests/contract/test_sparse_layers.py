"""A layer's weights may be sparse: everything says the same of them as of dense ones, and they stay sparse."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import coo_array, csr_array, issparse
from tiny_networks import NETWORKS, observation

import pyomo_relu as pr
from pyomo_relu.bounds import FORWARD, Region, Sought, lp_region, observed_region, propagated_region
from pyomo_relu.layer import scaled
from pyomo_relu.rational import forward
from reductions import check_preimage_convexity

BOX = (-2.0, 2.0)


def sparse(net):
    return pr.Network(tuple(pr.Layer(csr_array(layer.weight), layer.bias, layer.activation) for layer in net))


@pytest.fixture(params=NETWORKS)
def case(request):
    return NETWORKS[request.param], observation(request.param)


def test_passes_are_the_same(case):
    net, _ = case
    codes = np.random.default_rng(0).normal(size=(5, net.n_in))
    assert_allclose(sparse(net)(codes), net(codes), rtol=1e-14, atol=1e-14)
    assert_allclose(sparse(net)(codes[0]), net(codes[0]), rtol=1e-14, atol=1e-14)
    exact = [Fraction(float(v)) for v in codes[0]]
    assert forward(sparse(net), exact) == forward(net, exact)


@pytest.mark.parametrize("bounds", FORWARD)
def test_forward_bounds_are_the_same(case, bounds):
    net, _ = case
    box = pr.Box.of(BOX, net.n_in)
    for one, other in zip(FORWARD[bounds](net, box), FORWARD[bounds](sparse(net), box), strict=True):
        assert_allclose(one.lower, other.lower, rtol=1e-12, atol=1e-12)
        assert_allclose(one.upper, other.upper, rtol=1e-12, atol=1e-12)


def test_bounds_of_the_observation_are_the_same(case):
    net, x = case
    regions = []
    for each in (net, sparse(net)):
        region = observed_region(each, Region.everything(each, pr.Box.of(BOX, net.n_in)), Sought(x, "inf", 2.0))
        region = None if region is None else propagated_region(each, region)
        regions.append(None if region is None else lp_region(each, region))
    assert [region is None for region in regions] in ([True, True], [False, False])
    if regions[0] is not None:
        assert_allclose(regions[0].code.lower, regions[1].code.lower, rtol=1e-7, atol=1e-7)
        assert_allclose(regions[0].code.upper, regions[1].code.upper, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    "method",
    [
        pr.Exact("inf"),
        pr.Exact(1),
        pr.Exact(2),
        pr.Exact("inf", then=2),
        pr.Descent(),
        pr.Hybrid(),
        pr.Layerwise(pr.LayerL1()),
    ],
    ids=repr,
)
def test_inversions_are_the_same(case, method):
    net, x = case
    one, other = (pr.invert(each, x, method, box=BOX) for each in (net, sparse(net)))
    assert other.status is one.status
    assert_allclose(
        np.nan if other.residual is None else other.residual,
        np.nan if one.residual is None else one.residual,
        rtol=1e-6,
        atol=1e-6,
    )


def test_preimages_and_proofs_are_the_same(case):
    net, x = case
    one, other = (pr.preimage(each, np.maximum(x, 0.0), BOX, 0.2) for each in (net, sparse(net)))
    assert (len(one.cells), one.n_components, one.complete) == (len(other.cells), other.n_components, other.complete)
    least = pr.invert(net, x, pr.Exact("inf"), box=BOX).residual
    if least > 0.01:
        assert pr.prove_bound(sparse(net), x, least / 2, BOX).status is pr.Status.OPTIMAL


def test_convexity_is_the_same():
    net = NETWORKS["absolute value"]
    said = [check_preimage_convexity(each, [1.0], (-3, 3)).verdict for each in (net, sparse(net))]
    assert said[0] is said[1]


@pytest.mark.parametrize("suffix", [".npz", ".onnx"])
def test_files_keep_what_is_sparse(tmp_path, suffix):
    rng = np.random.default_rng(1)
    places = np.divmod(rng.choice(1800, 90, replace=False), 30)
    weights = [rng.normal(size=(30, 4)), coo_array((rng.normal(size=90), places), shape=(60, 30)), csr_array((5, 60))]
    net = pr.Network.from_arrays(weights, slopes=[0.0, rng.choice([0.0, 0.5, 1.0], 60), 1.0])
    net.save(tmp_path / f"net{suffix}")
    read = pr.load_network(tmp_path / f"net{suffix}")
    for one, other in zip(read, net, strict=True):
        assert issparse(one.weight) is issparse(other.weight)
        assert_array_equal(one.dense(), other.dense())
        assert_array_equal(one.activation.slope, other.activation.slope)
    assert net.n_parameters == 120 + 90 + 0 + 95


def test_a_sparse_layer_is_a_value():
    given = coo_array(([1.0, 2.0, 0.0], ([0, 0, 1], [0, 0, 1])), shape=(2, 2))
    layer = pr.Layer(given)
    assert_array_equal(layer.dense(), [[3.0, 0.0], [0.0, 0.0]])
    assert layer.n_weights == 1
    for each in (layer, pickle.loads(pickle.dumps(layer))):
        with pytest.raises(ValueError, match="read-only"):
            each.weight.data[0] = 1.0
    assert_array_equal(layer.row_sizes, [3.0, 0.0])
    assert_array_equal(scaled(layer.weight, rows=np.array([2.0, 1.0]), columns=0.5).toarray(), [[3.0, 0.0], [0.0, 0.0]])


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (
            csr_array(([np.nan], ([0], [1])), shape=(2, 2)),
            r"weight has 1 entry that is not finite, the first at \(0, 1\)",
        ),
        (csr_array(([1e200], ([1], [0])), shape=(2, 2)), r"weight is 1e\+200 at \(1, 0\)"),
        (csr_array((0, 2)), r"weight must have 2 axes, none of them empty, got shape \(0, 2\)"),
        (csr_array(([1j], ([0], [0])), shape=(2, 2)), "weight must be an array of real numbers, got dtype complex128"),
    ],
)
def test_what_is_wrong_with_sparse_weights_is_told(weight, message):
    with pytest.raises(pr.InputError, match=message) as caught:
        pr.Layer(weight)
    assert "\n" not in str(caught.value)


def test_a_sparse_operator():
    net = NETWORKS["two layers"]
    matrix = np.array([[1.0, 0.0, -2.0]])
    x = matrix @ net([0.3, -0.2]) + 0.1
    one, other = (pr.invert(net, x, pr.Exact(), operator=each, box=BOX) for each in (matrix, csr_array(matrix)))
    assert other.status is pr.Status.OPTIMAL
    assert other.residual == pytest.approx(one.residual, abs=1e-9)
    many = pr.invert_many(net, [x, x], pr.Exact(), operator=csr_array(matrix), box=BOX)
    assert [answer.residual for answer in many] == [other.residual] * 2


@pytest.mark.parametrize(
    "entries", [np.array([True, True]), np.array([100, 100], np.int8), np.array([2**24, 1], np.float32)]
)
@pytest.mark.parametrize("kind", ["csr", "coo", "csc"])
def test_entries_that_stand_twice_are_what_scipy_makes_of_them(entries, kind):
    given = csr_array((entries, np.array([1, 1]), np.array([0, 2])), shape=(1, 2)).asformat(kind)
    assert_array_equal(pr.Layer(given).dense(), given.toarray().astype(float))


def test_sparse_weights_of_half_precision_are_read(tmp_path):
    onnx = pytest.importorskip("onnx")
    array, half = onnx.numpy_helper.from_array, onnx.TensorProto.FLOAT16
    entries, places = array(np.array([1.0, 2.5], np.float16), "W"), array(np.array([1, 2]), "places")
    ends = [onnx.helper.make_tensor_value_info(name, half, [1, 2]) for name in "xy"]
    nodes = [onnx.helper.make_node("MatMul", ["x", "W"], ["t"]), onnx.helper.make_node("Relu", ["t"], ["y"])]
    weight = onnx.helper.make_sparse_tensor(entries, places, (2, 2))
    graph = onnx.helper.make_graph(nodes, "net", ends[:1], ends[1:], sparse_initializer=[weight])
    (tmp_path / "net.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    assert_array_equal(pr.load_network(tmp_path / "net.onnx")[0].dense(), [[0.0, 2.5], [1.0, 0.0]])
