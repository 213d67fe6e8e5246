"""Exact re-checks: rational points of cells, Farkas multipliers, and bounds of leaves, against brute force."""

from __future__ import annotations

import itertools
from fractions import Fraction

import brute_force
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from tiny_networks import NETWORKS, observation

import pyomo_relu as pr
from pyomo_relu.certified.rational_checks import cell_system, decide_cell, is_code, leaf_bound
from pyomo_relu.certified.rational_system import decide, refutes, satisfies
from reductions import CNF, ThreeSat

HUGE = pr.Network.from_arrays([[[1e150], [-1e150]], [[1.0, 1.0]]])
ABSOLUTE = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])

small = st.fractions(-3, 3, max_denominator=7)


@settings(deadline=None, max_examples=50)
@given(st.data(), st.integers(1, 4), st.integers(1, 9))
def test_a_system_has_a_point_or_multipliers_that_refute_it(data, k, m):
    rows = data.draw(st.lists(st.lists(small, min_size=k, max_size=k), min_size=m, max_size=m))
    limits = data.draw(st.lists(small, min_size=m, max_size=m))
    found = decide(rows, limits)
    assert (found.point is None) != (found.multipliers is None)
    if found.is_empty:
        assert refutes(rows, limits, found.multipliers)
    else:
        assert satisfies(rows, limits, found.point)
    matrix, right = np.array(rows, dtype=float), np.array(limits, dtype=float)
    widened = linprog(np.zeros(k), matrix, right + 1e-7, bounds=(None, None)).status
    narrowed = linprog(np.zeros(k), matrix, right - 1e-7, bounds=(None, None)).status
    if widened == narrowed:
        assert found.is_empty == (widened == 2)


def test_what_floats_cannot_tell_is_told():
    third = Fraction(1, 3)
    tiny = Fraction(1, 10**40)
    assert decide([[third], [-third]], [third, -third]).point == (1,)
    assert decide([[third], [-third]], [third, -third - tiny]).is_empty
    assert decide([[third], [-third]], [third + tiny, -third]).point is not None


def test_multipliers_that_prove_nothing_are_told():
    rows, limits = [[Fraction(1)], [Fraction(-1)]], [Fraction(0), Fraction(-1)]
    assert refutes(rows, limits, decide(rows, limits).multipliers)
    assert not refutes(rows, limits, [Fraction(1), Fraction(2)])
    assert not refutes(rows, limits, [Fraction(-1), Fraction(-1)])
    assert not refutes(rows, limits, [Fraction(1)])
    assert not refutes(rows, [Fraction(0), Fraction(0)], [Fraction(1), Fraction(1)])
    for call in (lambda: decide([[Fraction(1)]], []), lambda: refutes([[Fraction(1)]], [], [])):
        with pytest.raises(pr.ShapeError, match="1 rows have 0 limits"):
            call()
    with pytest.raises(pr.ShapeError, match="row 0 has 2 entries, expected 1"):
        satisfies([[Fraction(1), Fraction(1)]], [Fraction(1)], [Fraction(0)])
    with pytest.raises(pr.ShapeError, match="there are no rows"):
        decide([], [])


@pytest.mark.parametrize("name", NETWORKS)
def test_just_the_cells_that_are_listed_have_a_point(name):
    net = NETWORKS[name]
    x = net(np.random.default_rng(3).uniform(-1.0, 1.0, net.n_in))
    found = pr.preimage(net, x, (-2.0, 2.0), 0.25)
    assert found.complete
    bends = np.concatenate([layer.activation.bends for layer in net])
    listed = [np.concatenate(cell.pattern) for cell in found.cells]
    for signs in itertools.product([False, True], repeat=int(bends.sum())):
        flat = np.ones(bends.size, dtype=bool)  # linear neurons count as on
        flat[bends] = signs
        pattern = tuple(np.split(flat, np.cumsum(net.sizes[1:])[:-1]))
        decision = decide_cell(net, x, pattern, (-2.0, 2.0), 0.25)
        if decision.is_empty:
            assert refutes(*cell_system(net, x, pattern, (-2.0, 2.0), 0.25), decision.multipliers)
            assert not any((np.concatenate(pattern) == one).all() for one in listed)
        else:
            assert is_code(net, x, decision.point, (-2.0, 2.0), 0.25)
            assert found.contains([float(v) for v in decision.point])


def test_the_cells_of_a_formula_have_rational_points_that_are_models():
    cnf = CNF(3, [(1, 2, 3), (-1, 2), (-2, 3)])
    reduction = ThreeSat()
    instance = reduction.reduce(cnf)
    found = pr.preimage(instance.network, instance.observation)
    assert found.complete
    assert found.cells
    for cell in found.cells:
        decision = decide_cell(instance.network, instance.observation, cell.pattern)
        assert is_code(instance.network, instance.observation, decision.point)
        assert cnf.satisfied_by(reduction.lift(instance, np.array([float(v) for v in decision.point])))


def test_an_observation_that_was_rounded_is_met_by_no_code_and_that_is_proved():
    net = pr.Network.random((2, 6, 3), seed=6)
    z = [0.3, -0.8]
    x, pattern = net(z), tuple(t > 0.0 for t in net.pre_activations(z))
    assert decide_cell(net, x, pattern).is_empty
    assert not decide_cell(net, x, pattern, tol=1e-12).is_empty
    assert is_code(net, x, z, tol=1e-12)


def test_codes_outside_of_the_box_are_none():
    assert is_code(ABSOLUTE, [2], [-2])
    assert not is_code(ABSOLUTE, [2], [-2], (-1, 1))
    assert is_code(ABSOLUTE, [2], [0.5], (-1, 1), tol=float("inf"))


@pytest.mark.parametrize("norm", ["inf", 1])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_leaf_bound_is_below_the_optimum_and_reaches_it_where_all_phases_are_fixed(name, norm):
    net, x = NETWORKS[name], observation(name)
    best = brute_force.optimum(net, x, norm, -2.0, 2.0)
    assert float(leaf_bound(net, x, (-2.0, 2.0), norm)) <= best + 1e-8
    bent = [(i, j) for i, layer in enumerate(net, 1) for j in np.flatnonzero(layer.activation.bends).tolist()]
    bounds = [
        leaf_bound(net, x, (-2.0, 2.0), norm, dict(zip(bent, signs, strict=True)))
        for signs in itertools.product([False, True], repeat=len(bent))
    ]
    assert float(min(bound for bound in bounds if bound is not None)) == pytest.approx(best, abs=1e-8)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: is_code(ABSOLUTE, [1], [1], tol=-1), "tol must be a non-negative number"),
        (lambda: decide_cell(ABSOLUTE, [1], (np.array([True]), np.array([True]))), "pattern has layers of"),
        (lambda: decide_cell(ABSOLUTE, [float("nan")], (np.ones(2, bool), np.ones(1, bool))), "not a finite real"),
        (lambda: leaf_bound(ABSOLUTE, [1], (-1, 1), phases={(3, 0): True}), r"phases has neuron \(3, 0\)"),
        (lambda: leaf_bound(ABSOLUTE, [1], None), "box must be given, and bounded"),
        (lambda: leaf_bound(ABSOLUTE, [1], (-1, 1), True), "norm must be 'inf', 1, 2 or 'huber:<delta>'"),
        (lambda: leaf_bound(ABSOLUTE, [1], (-1, 1), 2), "norm must be 'inf' or 1 for a rational proof"),
        (lambda: leaf_bound(HUGE, [0.5], (-1e200, 1e200)), "beyond 1e308 in this box: give a smaller box"),
    ],
)
def test_bad_input_is_refused(call, said):
    with pytest.raises(pr.InputError, match=said):
        call()


@pytest.mark.parametrize("norm", [1, 1.0, "1"])
def test_a_norm_may_be_spelt_as_everywhere(norm):
    net = pr.Network.random((2, 3, 3), seed=0)
    assert leaf_bound(net, [1, 2, 3], (-1, 1), norm) == leaf_bound(net, [1, 2, 3], (-1, 1), 1) > 0


def test_fractions_beyond_floats_are_decided():
    assert decide([[Fraction(10**400)]], [Fraction(1)]).point is not None
    assert decide([[Fraction(1)], [Fraction(-1)]], [Fraction(10**400), Fraction(-(10**400)) - 1]).is_empty


def test_a_cell_without_a_row_is_the_whole_space():
    net = pr.Network.from_arrays([[[1.0, 2.0]]], slopes=1.0)
    assert decide_cell(net, [1.0], (np.array([True]),), tol=np.inf).point == (0, 0)
