"""Propagation loses no code of the region, is exact where nothing is rounded, and finds what is empty."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from regions import assert_contains

import pyomo_relu as pr
from pyomo_relu.bounds import Region, Sought, interval_bounds, observed_region
from pyomo_relu.bounds.propagation import propagated_region
from reductions import CNF, ThreeSat


@st.composite
def networks(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = [draw(st.integers(1, 5)) for _ in range(draw(st.integers(2, 4)))]
    each = draw(st.booleans())
    slopes = [rng.choice([0.0, 0.1, 0.7, 1.0], n if each else None) for n in sizes[1:]]
    scale, share = draw(st.sampled_from([1e-3, 1.0, 1e3])), draw(st.sampled_from([0.3, 1.0]))
    weights = [scale * rng.normal(size=(m, n)) * (rng.random((m, n)) < share) for n, m in itertools.pairwise(sizes)]
    if draw(st.booleans()):
        weights = [np.round(weight) for weight in weights]
    return pr.Network.from_arrays(weights, [np.round(rng.normal(size=m), 1) for m in sizes[1:]], slopes), rng


@settings(deadline=None, max_examples=300)
@given(networks(), st.booleans(), st.booleans())
def test_no_code_near_the_observation_is_lost(case, boxed, known):
    net, rng = case
    codes = rng.uniform(-1, 1, (200, net.n_in))
    x = net(codes[0])
    residuals = np.abs(net(codes) - x).max(axis=1)
    # The sampled forward passes are rounded themselves.
    room = 1e-12 * max(1.0, *(float(np.abs(t).max()) for t in net.pre_activations(codes)))
    level = float(np.quantile(residuals, 0.2)) + room
    box = pr.Box.of((-1, 1), net.n_in) if boxed else pr.Box.everything(net.n_in)
    if known:
        region = observed_region(net, Region.everything(net, box), Sought(x, "inf", level))
    else:
        last = pr.Box(np.where(x > level, x - level, -np.inf), x + level)
        free = [pr.Box.everything(layer.n_out) for layer in net.layers[:-1]]
        region = Region(box, (*free, last if net[-1].activation.cuts.all() else pr.Box.everything(net.n_out)))
    good = codes[residuals <= level - room]
    tight = propagated_region(net, region)
    assert tight is not None
    wide = 4.0 * room
    padded = Region(
        pr.Box(tight.code.lower - wide, tight.code.upper + wide),
        tuple(pr.Box(bound.lower - wide, bound.upper + wide) for bound in tight.pre_activations),
    )
    assert_contains(padded, net, good)
    assert (tight.code.lower >= region.code.lower).all()
    assert (tight.code.upper <= region.code.upper).all()


def exactly(net, code):
    """Return the pre-activations of every layer, and the output, in rationals."""
    h, found = [Fraction(v) for v in code.tolist()], []
    for layer in net:
        found.append(
            [
                sum((Fraction(w) * v for w, v in zip(row, h, strict=True)), Fraction(b))
                for row, b in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
            ]
        )
        h = [max(t, Fraction(s) * t) for t, s in zip(found[-1], layer.activation.slope.tolist(), strict=True)]
    return found, h


@settings(deadline=None, max_examples=100)
@given(networks())
def test_bounds_hold_in_exact_arithmetic(case):
    """The code lies on the rim of its level set, so that some bounds are nearly attained."""
    net, rng = case
    code = np.where(rng.random(net.n_in) < 0.5, 1.0, rng.uniform(-1, 1, net.n_in))
    x = net(code) + rng.normal(size=net.n_out)
    before, output = exactly(net, code)
    residual = max(abs(y - Fraction(target)) for y, target in zip(output, x.tolist(), strict=True))
    level = float(np.nextafter(float(residual), np.inf))
    region = propagated_region(
        net, observed_region(net, Region.everything(net, pr.Box.of((-1, 1), net.n_in)), Sought(x, "inf", level))
    )
    for values, bound in zip([[Fraction(v) for v in code.tolist()], *before], _boxes(region), strict=True):
        assert all(
            Fraction(low) <= value <= Fraction(high)
            for low, value, high in zip(bound.lower.tolist(), values, bound.upper.tolist(), strict=True)
        )


def _boxes(region):
    return [region.code, *region.pre_activations]


@settings(deadline=None, max_examples=100)
@given(networks())
def test_an_output_out_of_reach_is_found_empty(case):
    net, _ = case
    box = pr.Box.of((-1, 1), net.n_in)
    forward = interval_bounds(net, box)
    beyond = pr.Box(forward[-1].upper + 1.0, forward[-1].upper + 2.0)
    assert propagated_region(net, Region(box, (*forward[:-1], beyond))) is None


def test_a_row_bounds_each_of_its_inputs():
    net = pr.Network.from_arrays([[[2.0, -1.0]]], [[1.0]])
    region = Region(pr.Box([-np.inf, 0.0], [np.inf, 3.0]), (pr.Box([1.0], [5.0]),))
    code = propagated_region(net, region).code
    assert code.lower == pytest.approx([0.0, 0.0], abs=1e-12)
    assert code.upper == pytest.approx([3.5, 3.0], abs=1e-12)


def test_leaky_layers_are_inverted_too():
    net = pr.Network.from_arrays([[[1.0]], [[1.0]]], slopes=[0.5, 1.0])
    everything = pr.Box.everything(1)
    code = propagated_region(net, Region(everything, (everything, pr.Box([-1.0], [2.0])))).code
    assert (code.lower[0], code.upper[0]) == pytest.approx((-2.0, 2.0))


def test_short_numbers_are_not_rounded_outwards():
    net = pr.Network.from_arrays([np.eye(2), [[1.0, 1.0]]], [[0.0, -1.0], None])
    box = pr.Box.of((0, 1), 2)
    bounds = propagated_region(net, Region(box, interval_bounds(net, box))).pre_activations
    assert bounds[0].lower.tolist() == [0.0, -1.0]
    assert bounds[0].upper.tolist() == [1.0, 0.0]


def test_the_network_of_a_formula_becomes_its_clauses():
    """Bounds alone put every s_j and d_i on one side, and turn each clause into a row of its own."""
    cnf = CNF(3, [(1, 2, 3), (-1, -2, 3), (1, -2, -3)])
    instance, k, m = ThreeSat().reduce(cnf), 3, 3
    level = instance.gap / 2.0
    box = pr.Box.of((0, 1), k)
    near = observed_region(
        instance.network, Region.everything(instance.network, box), Sought(instance.observation, "inf", level)
    )
    region = propagated_region(instance.network, near)
    first, second, third, _ = region.pre_activations
    assert (first.lower[:k] >= 0.0).all()
    assert (first.upper[k:] <= 0.0).all()
    assert second.upper[:m] == pytest.approx([1.0 / 3.0] * m)
    assert third.lower == pytest.approx([2.0 / 3.0] * (m + k))
    assert region.unstable(instance.network) == [0, m + 2 * k, 0, 0]


def test_units_are_propagated():
    cnf = CNF(3, [(1,), (-1, 2), (-2, -3)])
    instance = ThreeSat().reduce(cnf)
    box = pr.Box.of((0, 1), 3)
    near = observed_region(
        instance.network,
        Region.everything(instance.network, box),
        Sought(instance.observation, "inf", instance.gap / 2.0),
    )
    code = propagated_region(instance.network, near).code
    assert (code.lower[:2] > 0.5).all()
    assert code.upper[2] < 0.5
