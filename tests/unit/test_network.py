import copy
import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array

import pyomo_relu as pr


def test_forward_pass_by_hand():
    net = pr.Network.from_arrays([[[1.0, -1.0], [2.0, 0.0]], [[1.0, 1.0]]], [[0.5, -1.0], None], [0.1, 1.0])
    # layer 1 at (1, 2): t = (-0.5, 1.0), h = (-0.05, 1.0); layer 2: 0.95
    assert net([1.0, 2.0]).tolist() == pytest.approx([0.95])
    assert net([[1.0, 2.0], [0.0, 0.0]]).shape == (2, 1)
    assert [t.tolist() for t in net.pre_activations([1.0, 2.0])] == [[-0.5, 1.0], pytest.approx([0.95])]


def test_it_is_frozen_and_copies_its_arrays():
    weight = np.eye(2)
    net = pr.Network.from_arrays([weight])
    weight[0, 0] = 7.0
    assert net[0].weight[0, 0] == 1.0
    assert not net[0].weight.flags.writeable
    with pytest.raises(AttributeError):
        net.layers = ()


def test_random_is_seeded_and_scaled():
    one, same = pr.Network.random((400, 300), seed=3), pr.Network.random((400, 300), seed=3)
    np.testing.assert_array_equal(one[0].weight, same[0].weight)
    assert one[0].weight.std() == pytest.approx(400**-0.5, rel=0.02)
    assert one.sizes == (400, 300)
    assert one.n_parameters == 400 * 300 + 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": []}, "at least one layer"),
        ({"weights": [[[1.0]], [[1.0, 2.0]]]}, "layer 2 expects 2 inputs, layer 1 gives 1"),
        ({"weights": [[[1.0]]], "biases": [[1.0, 2.0]]}, "layer 1: bias has 2 entries, weight has 1 rows"),
        ({"weights": [[[1.0]]], "biases": []}, "1 weights but 0 biases"),
        ({"weights": [[[1.0]]], "slopes": [0.0, 0.0]}, "1 weights but 2 slopes"),
        ({"weights": [[[1.0]]], "slopes": 1.5}, r"slope must lie in \[0, 1\]"),
        ({"weights": [[[1.0]]], "slopes": float("nan")}, r"slope must lie in \[0, 1\]"),
        ({"weights": [[1.0, 2.0]]}, "weight must have 2 axes"),
        ({"weights": [[[np.nan]]]}, "not finite, the first at"),
        ({"weights": [[[1.0], [1.0, 2.0]]]}, "ragged"),
        ({"weights": [[["a"]]]}, "real numbers"),
        ({"weights": [np.array([[1j]])]}, "real numbers"),
        ({"weights": [np.zeros((0, 2))]}, "empty"),
        ({"weights": [np.array([[None]])]}, "dtype object"),
        ({"weights": [[[1.0]]], "slopes": 1e-310}, "else at least 1e-150"),
        ({"weights": [[[0.0, -1e-151]]]}, r"layer 1: weight is -1e-151 at \(0, 1\): .* set it to 0"),
        ({"weights": [[[0.0], [1e151]]]}, r"layer 1: weight is 1e\+151 at \(1, 0\): .* scale the layers"),
        ({"weights": [[[2**53 + 1]]]}, "the integer 9007199254740993, which float64 would round"),
        ({"weights": [np.ma.array([[1.0, 2.0]], mask=[[False, True]])]}, "masked array"),
        ({"weights": [np.eye(2)], "biases": [csr_array(np.eye(2))]}, "sparse matrix: give it dense"),
    ],
)
def test_bad_arrays_are_refused_in_one_line(arguments, message):
    with pytest.raises(pr.InputError, match=message) as caught:
        pr.Network.from_arrays(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("z", [[1.0], [[1.0]], np.zeros((2, 2, 2)), 1.0])
def test_codes_of_the_wrong_shape_are_refused(z):
    with pytest.raises(pr.ShapeError, match=r"code"):
        pr.Network.random((2, 3), seed=0)(z)


@pytest.mark.parametrize("sizes", [(3,), (2.0, 3.0), (2, float("nan")), ("a", 3), (2, 0), (2, -1)])
def test_sizes_must_be_positive(sizes):
    with pytest.raises(pr.InputError, match=r"two or more positive|a size must be an integer, at least 1"):
        pr.Network.random(sizes, seed=0)


@pytest.mark.parametrize("seed", [-1, 0.5, "a"])
def test_a_seed_must_be_a_non_negative_integer(seed):
    with pytest.raises(pr.InputError, match="seed must be an integer, at least 0"):
        pr.Network.random((2, 3), seed=seed)


def test_sizes_and_seeds_may_be_those_of_numpy():
    sizes = np.array([2, 3])
    assert pr.Network.random(sizes, seed=np.int64(1))([1.0, 2.0]).shape == (3,)


@pytest.mark.parametrize("layers", [[np.eye(2)], [np.eye(2), np.eye(2)], [pr.Layer([[1.0]]), None]])
def test_a_network_is_made_of_layers(layers):
    with pytest.raises(pr.InputError, match=r"layer \d is no Layer but \w+: use Network.from_arrays"):
        pr.Network(layers)


def test_large_integers_that_float64_holds_are_taken():
    assert pr.Layer([[2**60, -(2**53)]]).weight.tolist() == [[2.0**60, -(2.0**53)]]


@pytest.mark.parametrize("z", [[np.nan, 0.0], [[0.0, 0.0], [np.inf, 0.0]]])
def test_codes_must_be_finite(z):
    with pytest.raises(pr.InputError, match="code has 1 entry that is not finite"):
        pr.Network.random((2, 3), seed=0)(z)


@pytest.mark.parametrize("h", [1.0, [1.0], [1.0, 2.0, 3.0], [[1.0]]])
def test_a_layer_tells_an_input_of_the_wrong_size(h):
    with pytest.raises(pr.ShapeError, match=r"input has shape .*, expected \(2,\) or \(N, 2\)"):
        pr.Layer(np.eye(2))(h)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_copy_is_frozen_too(copied):
    layer, box = copied(pr.Layer([[1.0], [-1.0]], slope=0.5)), copied(pr.Box.of((0.0, 1.0), 2))
    assert (layer([2.0]).tolist(), layer.slope, box.upper.tolist()) == ([2.0, -1.0], 0.5, [1.0, 1.0])
    for array in (layer.weight, layer.bias, box.lower, box.upper):
        assert not array.flags.writeable


def test_products_of_weights_may_leave_the_range_of_weights():
    """A hidden neuron whose weights have decayed: what is solved is written in products of them."""
    small = [[1e-100, 0.0], [0.0, 1.0]]
    net = pr.Network.from_arrays([[[1.0], [-1.0]], small, small], [None, [1.0, 0.0], None])
    result = pr.invert(net, [0.5, 0.5], pr.Exact(starts=0), box=(-2, 2))
    assert result.status is pr.Status.OPTIMAL
    assert result.residual == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ((1.0, -1.0), "lower 1 exceeds upper -1 at 0"),
        ((np.nan, 1.0), "NaN"),
        ((np.inf, np.inf), "lower bound of"),
        (([0.0], 1.0), "expected a number or 2 entries"),
        (3.0, "pair"),
        ((0.0, 1.0, 2.0), "pair"),
        (pr.Box([0.0], [1.0]), "size 1, expected 2"),
    ],
)
def test_bad_boxes_are_refused_in_one_line(spec, message):
    with pytest.raises(pr.InputError, match=message):
        pr.Box.of(spec, 2)


def test_box_of_scalars_and_vectors():
    box = pr.Box.of((-1, [1, 2]), 2)
    assert box.lower.tolist() == [-1.0, -1.0]
    assert box.upper.tolist() == [1.0, 2.0]
    assert box.contains(np.array([0.0, 2.0]))
    assert not box.contains(np.array([0.0, 2.1]))
    assert not pr.Box.everything(2).is_bounded
