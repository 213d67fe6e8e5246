import numpy as np
import pytest

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
    with pytest.raises(ValueError, match="read-only"):
        net[0].weight[0, 0] = 7.0
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
        ({"weights": [[[1.0]]], "slopes": 1.5}, r"slope must be one number in \[0, 1\]"),
        ({"weights": [[[1.0]]], "slopes": float("nan")}, r"slope must be one number in \[0, 1\]"),
        ({"weights": [[1.0, 2.0]]}, "weight must have 2 axes"),
        ({"weights": [[[np.nan]]]}, "not finite, the first at"),
        ({"weights": [[[1.0], [1.0, 2.0]]]}, "ragged"),
        ({"weights": [[["a"]]]}, "real numbers"),
        ({"weights": [np.array([[1j]])]}, "real numbers"),
        ({"weights": [np.zeros((0, 2))]}, "empty"),
        ({"weights": [np.array([[None]])]}, "dtype object"),
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


def test_sizes_must_be_positive():
    with pytest.raises(pr.InputError, match="two or more positive"):
        pr.Network.random((3,), seed=0)


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
