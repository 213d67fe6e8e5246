"""Bounds contain what they bound, for every network, box and code that hypothesis thinks of."""

import itertools
from fractions import Fraction

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from regions import assert_contains

import pyomo_relu as pr
from pyomo_relu.activation import Activation
from pyomo_relu.bounds import (
    crown_bounds,
    interval_bounds,
    lagrangian_region,
    lp_region,
    observed_region,
)
from pyomo_relu.bounds.region import Region
from pyomo_relu.bounds.sought import Sought
from pyomo_relu.norms import norm_of


@st.composite
def networks(draw):
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    sizes = [draw(st.integers(1, 4)) for _ in range(draw(st.integers(2, 4)))]
    each = draw(st.booleans())
    slopes = [rng.choice([0.0, 0.1, 0.7, 1.0], n if each else None) for n in sizes[1:]]
    scale = draw(st.sampled_from([1e-3, 1.0, 1e3]))
    weights = [scale * rng.normal(size=(m, n)) for n, m in itertools.pairwise(sizes)]
    return pr.Network.from_arrays(weights, [rng.normal(size=m) for m in sizes[1:]], slopes), rng


@settings(deadline=None, max_examples=150)
@given(networks())
def test_forward_bounds_contain_samples(case):
    net, rng = case
    box = pr.Box(-rng.uniform(0, 2, net.n_in), rng.uniform(0, 2, net.n_in))
    interval, crown = interval_bounds(net, box), crown_bounds(net, box)
    codes = np.vstack([rng.uniform(box.lower, box.upper, (200, net.n_in)), box.lower, box.upper])
    for t, wide, tight in zip(net.pre_activations(codes), interval, crown, strict=True):
        assert (t >= tight.lower).all()
        assert (t <= tight.upper).all()
        assert (tight.lower >= wide.lower).all()
        assert (tight.upper <= wide.upper).all()


@settings(deadline=None, max_examples=60)
@given(networks())
def test_interval_bounds_hold_in_exact_arithmetic(case):
    net, rng = case
    box = pr.Box(-rng.uniform(0, 2, net.n_in), rng.uniform(0, 2, net.n_in))
    corner = np.where(rng.random(net.n_in) < 0.5, box.lower, box.upper)
    h = [Fraction(v) for v in corner.tolist()]
    for layer, bound in zip(net, interval_bounds(net, box), strict=True):
        t = [
            sum((Fraction(w) * v for w, v in zip(row, h, strict=True)), Fraction(b))
            for row, b in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
        ]
        assert all(
            Fraction(low) <= v <= Fraction(high) for v, low, high in zip(t, bound.lower, bound.upper, strict=True)
        )
        h = [max(v, Fraction(s) * v) for v, s in zip(t, layer.activation.slope.tolist(), strict=True)]


@settings(deadline=None, max_examples=200)
@given(networks(), st.sampled_from(["inf", 1, 2]), st.booleans())
def test_observed_region_contains_every_code_as_good_as_the_incumbent(case, norm, boxed):
    net, rng = case
    codes = rng.uniform(-1, 1, (300, net.n_in))
    x = net(codes[0]) + 0.1 * rng.normal(size=net.n_out)
    residuals = np.array([norm_of(net(z) - x, norm) for z in codes])
    room = 1e-12 * max(float(np.abs(t).max()) for t in net.pre_activations(codes))
    incumbent = float(np.quantile(residuals, 0.3)) + room
    box = pr.Box.of((-1, 1), net.n_in) if boxed else pr.Box.everything(net.n_in)
    region = observed_region(net, Region.everything(net, box), Sought(x, norm, incumbent))
    good = codes[residuals <= incumbent - room]
    assert_contains(region, net, good)


@settings(deadline=None, max_examples=300)
@given(
    networks(),
    st.sampled_from(["inf", 1, 2]),
    st.sampled_from([0.05, 0.3, 0.9]),
    st.sampled_from([0.0, 0.01, 1.0]),
    st.booleans(),
)
def test_tightened_regions_contain_every_code_as_good_as_the_incumbent(case, norm, share, noise, by_lps):
    net, rng = case
    codes = rng.uniform(-1, 1, (400, net.n_in))
    codes[200:] = codes[0] + 0.05 * codes[200:]  # many near the truth, where the region shrinks to
    codes = np.clip(codes, -1.0, 1.0)
    clean = net(codes[0])
    x = clean + noise * rng.normal(size=net.n_out) * max(1e-3, float(np.abs(clean).max()))
    residuals = np.array([norm_of(net(z) - x, norm) for z in codes])
    room = 1e-11 * max(float(np.abs(t).max()) for t in net.pre_activations(codes))
    incumbent = float(np.quantile(residuals, share)) + room
    region = observed_region(net, Region.everything(net, pr.Box.of((-1, 1), net.n_in)), Sought(x, norm, incumbent))
    budget = None
    if norm != "inf":
        centre = np.abs(net(codes[residuals.argmin()]) - x)
        budget = Sought(x, norm, incumbent, near=centre)
    tight = lp_region(net, region, budget, work=1e9) if by_lps else lagrangian_region(net, region, budget)
    assert tight.width <= region.width
    good = codes[residuals <= incumbent - room]
    assume(len(good))
    assert (good >= tight.code.lower).all()
    assert (good <= tight.code.upper).all()
    for t, bound in zip(net.pre_activations(good), tight.pre_activations, strict=True):
        slack = 1e-13 * max(1.0, float(np.abs(t).max()))  # of this forward pass
        assert (t >= bound.lower - slack).all()
        assert (t <= bound.upper + slack).all()


@given(st.floats(-10, 10), st.floats(0, 10), st.sampled_from([0.0, 0.1, 0.9]), st.floats(0, 1))
def test_relaxation_lies_on_both_sides_of_the_activation(low, width, slope, share):
    t = low + share * width
    up, offset, down = Activation.of(slope, 1).relaxation(np.array([low]), np.array([low + width]))
    h = max(t, slope * t)
    assert down[0] * t <= h + 1e-9
    assert h <= up[0] * t + offset[0] + 1e-9
