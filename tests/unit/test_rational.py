import gc
import time
import weakref
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyomo_relu as pr
from pyomo_relu.rational import as_fractions, forward, residual


def by_fractions(net, z):
    """G(z), as the definition reads."""
    h = [Fraction(v) for v in z]
    for layer in net:
        t = [
            sum((Fraction(float(w)) * v for w, v in zip(row, h, strict=True)), Fraction(float(b)))
            for row, b in zip(layer.weight, layer.bias, strict=True)
        ]
        h = [max(v, Fraction(s) * v) for v, s in zip(t, layer.activation.slope.tolist(), strict=True)]
    return h


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.1, 1.0]), st.lists(st.fractions(), min_size=3, max_size=3))
def test_it_is_the_definition(seed, slope, z):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(4, 3)) * (rng.random((4, 3)) < 0.7), rng.normal(size=(2, 4)) * 10.0**-20]
    net = pr.Network.from_arrays(weights, [rng.normal(size=4), rng.normal(size=2)], slope)
    assert forward(net, z) == by_fractions(net, z)


@given(st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=5), st.integers(0, 50))
def test_floats_agree_to_rounding(z, seed):
    net = pr.Network.random((5, 20, 10, 7), seed=seed)
    exact = forward(net, z)
    assert np.abs(net(z) - np.array([float(y) for y in exact])).max() <= 1e-12 * max(1.0, np.abs(z).max())


def test_a_tenth_is_not_the_float_of_that_name():
    net = pr.Network.from_arrays([[[10.0]]], [[-1.0]])
    assert forward(net, [Fraction(1, 10)]) == [0]
    assert forward(net, [0.1]) == [Fraction(0.1) * 10 - 1] != [0]


def test_numpy_integers_do_not_overflow():
    net = pr.Network.from_arrays([[[2.0**40]]])
    assert forward(net, np.array([2**62])) == [Fraction(2**102)]
    assert forward(net, np.array([0.5], dtype=np.float32)) == [Fraction(2**39)]


def test_weights_of_all_magnitudes_are_exact():
    net = pr.Network.from_arrays([[[1e-150, 1e150]], [[1.0]]], [[5e-324], [1e308]])
    assert forward(net, [1, 0]) == [Fraction(1e-150) + Fraction(5e-324) + Fraction(1e308)]
    assert forward(net, [1, 1]) == [Fraction(1e-150) + Fraction(1e150) + Fraction(5e-324) + Fraction(1e308)]


def test_residuals():
    net = pr.Network.from_arrays([[[1.0], [3.0]]])
    assert residual(net, [Fraction(1, 3)], [0, 0]) == 1
    assert residual(net, [Fraction(1, 3)], [0, 0], 1) == Fraction(4, 3)
    assert residual(net, [Fraction(1, 3)], [Fraction(1, 3), 1]) == 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "1", None, 1j, [1.0]])
def test_what_is_no_real_number_is_refused(bad):
    net = pr.Network.from_arrays([[[1.0, 1.0]]])
    with pytest.raises(pr.InputError, match="code has an entry that is not a finite real number"):
        forward(net, [0, bad])


def test_sizes_and_norms_are_checked():
    net = pr.Network.from_arrays([[[1.0, 1.0]]])
    with pytest.raises(pr.ShapeError, match="code has 1 entries, expected 2"):
        forward(net, [0])
    with pytest.raises(pr.ShapeError, match="observation has 2 entries, expected 1"):
        residual(net, [0, 0], [1, 1])
    with pytest.raises(pr.InputError, match="norm must be 'inf' or 1"):
        residual(net, [0, 0], [1], 2)
    assert as_fractions([], 0, "code") == []


def test_a_thousand_passes_take_seconds():
    net = pr.Network.random((20, 100, 20), seed=0)
    z = np.random.default_rng(0).normal(size=(1000, 20)).tolist()
    started = time.process_time()
    outputs = [forward(net, code) for code in z]
    assert time.process_time() - started < 20.0
    assert len(outputs) == 1000


def test_integers_go_with_their_layer():
    net = pr.Network.random((3, 20, 5), seed=0)
    forward(net, [0, 1, 2])
    kept = [weakref.ref(layer) for layer in net]
    del net
    gc.collect()
    assert [layer() for layer in kept] == [None, None]
