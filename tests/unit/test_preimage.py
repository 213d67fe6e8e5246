"""The pre-image: against brute force over all patterns, known sets, models of formulas, and random codes."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math

import brute_force
import highspy
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from tiny_networks import NETWORKS

import pyomo_relu as pr
from pyomo_relu.deadline import Deadline
from pyomo_relu.linear_program import LinearProgram, LinearProgramError
from pyomo_relu.preimages import iterate_cells, slice_of
from pyomo_relu.preimages.enumeration import _maximal
from pyomo_relu.preimages.polytope import polytope_of
from pyomo_relu.preimages.union_convexity import is_convex
from reductions import CNF, ConvexityFamily, ConvexityVerdict, DepthTwo, ThreeSat, check_preimage_convexity
from reductions.examples import EXAMPLES

ABSOLUTE = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])
MINIMUM = pr.Network.from_arrays([[[1, 0], [-1, 0], [1, -1]], [[1, -1, -1]]])


def brute_reach(net, x, box, tol, direction):
    """Return the ends of ``direction . z`` over the pre-image, by all 2^N patterns; None where it is empty."""
    ends = []
    for affine, offset, rows, right in brute_force.cells(net):
        matrix = np.vstack([rows, affine, -affine])
        most = np.concatenate([right, x - offset + tol, offset - x + tol]) + 1e-10
        for sign in (1.0, -1.0):
            found = linprog(sign * direction, A_ub=matrix, b_ub=most, bounds=[box] * net.n_in)
            if found.status == 0:
                ends.append(sign * found.fun)
    return (min(ends), max(ends)) if ends else None


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=list(EXAMPLES))
def test_named_examples(example):
    found = pr.preimage(example.network, example.x, example.box)
    assert found.complete
    assert found.n_components == example.n_components
    assert found.convex is example.convex
    assert found.unique is False


def test_what_the_sphere_and_the_ball_measure():
    sphere = pr.preimage(EXAMPLES["sphere-3d"].network, [1.0])
    assert (sphere.dimension, len(sphere.cells)) == (2, 8)
    assert sphere.volume() == pytest.approx(8 * math.sqrt(3) / 2)
    assert nx.number_of_edges(sphere.graph) == 28 - 4  # all pairs of octants meet but the opposite ones
    ball = pr.preimage(EXAMPLES["ball"].network, [0.0])
    assert (ball.dimension, ball.volume()) == (2, pytest.approx(2.0))
    assert ball.reach([1.0, 0.0]) == pytest.approx((-1.0, 1.0))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("tol", [0.0, 0.2])
def test_reach_is_that_of_all_patterns(name, tol):
    net = NETWORKS[name]
    rng = np.random.default_rng(3)
    x = net(rng.uniform(-1.0, 1.0, net.n_in))
    found = pr.preimage(net, x, (-2.0, 2.0), tol)
    assert found.complete
    for direction in (np.eye(net.n_in)[0], rng.normal(size=net.n_in)):
        assert found.reach(direction) == pytest.approx(brute_reach(net, x, (-2.0, 2.0), tol, direction), abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), tol=st.sampled_from([0.0, 0.05, 0.5]))
def test_cells_hold_just_the_codes_that_meet_x(seed, tol):
    rng = np.random.default_rng(seed)
    net = pr.Network.from_arrays(
        [rng.normal(size=(5, 2)), rng.normal(size=(3, 5))], [rng.normal(size=5), rng.normal(size=3)]
    )
    truth = rng.uniform(-1.0, 1.0, 2)
    found = pr.preimage(net, net(truth), (-2.0, 2.0), tol)
    assert found.complete
    assert found.contains(truth)
    for cell in found.cells:
        assert np.abs(net(cell.interior) - net(truth)).max() <= tol + 1e-6
    codes = rng.uniform(-2.0, 2.0, (500, 2))
    missed = np.abs(net(codes) - net(truth)).max(axis=1)
    for code, miss in zip(codes, missed, strict=True):
        if abs(miss - tol) > 1e-5:
            assert found.contains(code) == (miss < tol)


def test_volume_is_that_of_random_codes():
    net = pr.Network.random((2, 6, 3), seed=4)
    x = net([0.3, -0.8])
    found = pr.preimage(net, x, (-1.0, 1.0), 0.3)
    codes = np.random.default_rng(0).uniform(-1.0, 1.0, (40_000, 2))
    share = (np.abs(net(codes) - x).max(axis=1) <= 0.3).mean()
    assert found.dimension == 2
    assert found.volume() / 4.0 == pytest.approx(share, abs=4.0 * math.sqrt(share / 40_000))


def test_without_an_observation_the_cells_are_the_activation_regions_and_tile_the_box():
    net = NETWORKS["two layers"]
    regions = pr.preimage(net, np.zeros(3), (-2.0, 2.0), math.inf)
    assert regions.complete
    assert regions.volume() == pytest.approx(16.0)
    assert regions.convex is True
    signs = {np.hstack([t > 0.0 for t in net.pre_activations(cell.interior)]).tobytes() for cell in regions.cells}
    assert len(signs) == len(regions.cells)


@pytest.mark.parametrize("sizes", [(2, 6, 3), (3, 10, 4), (4, 12, 4)])
def test_random_networks_are_complete(sizes):
    net = pr.Network.random(sizes, seed=1)
    z = np.random.default_rng(1).normal(size=sizes[0])
    found = pr.preimage(net, net(z), (-3.0, 3.0))
    assert found.complete
    assert found.contains(z)
    assert sum(map(len, found.components)) == len(found.cells)


def formulas():
    rng = np.random.default_rng(0)
    yield CNF(1, [])
    yield CNF(2, [(1, 2), (-1, 2)])
    yield CNF(3, list(itertools.product((1, -1), (2, -2), (3, -3))))
    for k, m in ((3, 5), (4, 8), (4, 16), (5, 14), (6, 24)):
        signs = rng.choice([-1, 1], (m, 3))
        yield CNF(k, [tuple((rng.permutation(k)[:3] + 1) * row) for row in signs])


def models(cnf):
    return [list(a) for a in itertools.product([False, True], repeat=cnf.n_variables) if cnf.satisfied_by(a)]


@pytest.mark.parametrize("cnf", list(formulas()), ids=lambda cnf: f"{cnf.n_variables}-{len(cnf.clauses)}")
def test_a_formula_has_as_many_models_as_its_pre_image_has_components(cnf):
    reduction = ThreeSat()
    instance = reduction.reduce(cnf)
    found = pr.preimage(instance.network, instance.observation)
    assert found.complete
    lifted = [reduction.lift(instance, found.cells[part[0]].interior) for part in found.components]
    assert sorted(lifted) == sorted(models(cnf))
    for cell, assignment in ((found.cells[part[0]], lifted[i]) for i, part in enumerate(found.components)):
        box = reduction.component(assignment)
        np.testing.assert_allclose(cell.box.lower, box.lower, atol=1e-7)
        np.testing.assert_allclose(cell.box.upper, box.upper, atol=1e-7)


@pytest.mark.parametrize(
    "cnf", [CNF(1, [(1,)]), CNF(1, [(1,), (-1,)]), CNF(2, [(1, 2), (-1,)]), CNF(2, [(1,), (-1, 2), (-2,)])]
)
@pytest.mark.parametrize("via", [ThreeSat(), DepthTwo()])
@pytest.mark.parametrize("form", ["empty", "nonempty"])
def test_a_pre_image_is_convex_iff_the_formula_is_unsatisfiable(cnf, via, form):
    instance = ConvexityFamily(form, via).reduce(cnf)
    found = pr.preimage(instance.network, instance.observation)
    assert found.complete
    assert found.convex is (not models(cnf))


@pytest.mark.parametrize("seed", range(8))
def test_convexity_by_cells_is_that_by_midpoints(seed):
    rng = np.random.default_rng(seed)
    weights = [rng.integers(-2, 3, (4, 2)), rng.integers(-2, 3, (1, 4))]
    net = pr.Network.from_arrays(weights, [rng.integers(-1, 2, 4), rng.integers(-1, 2, 1)])
    x = net(rng.integers(-2, 3, 2).astype(float))
    found = check_preimage_convexity(net, x, (-3, 3))
    assert found.verdict in (ConvexityVerdict.CONVEX, ConvexityVerdict.NONCONVEX)
    assert pr.preimage(net, x, (-3, 3)).convex is (found.verdict is ConvexityVerdict.CONVEX)


def test_a_path_stays_inside():
    found = pr.preimage(MINIMUM, [0.0], (-4.0, 4.0))
    corners = found.path([-1.0, 3.0], [3.0, -1.0])
    shares = np.linspace(0.0, 1.0, 50)[:, None]
    for start, end in itertools.pairwise(corners):
        assert np.abs(MINIMUM(start + shares * (end - start))).max() <= 1e-6
    assert pr.preimage(ABSOLUTE, [1.0]).path([-1.0], [1.0]) is None
    with pytest.raises(pr.InputError, match="z2 is in no cell"):
        found.path([-1.0, 3.0], [1.0, 1.0])


def test_a_single_point_is_unique():
    net = pr.Network.from_arrays([np.eye(2)])
    found = pr.preimage(net, [0.5, 2.0])
    assert found.unique is True
    np.testing.assert_allclose(found.cells[0].interior, [0.5, 2.0], atol=1e-9)
    assert found.cells[0].volume() == 1.0
    assert pr.preimage(net, [0.0, 2.0]).unique is False
    assert pr.preimage(net, [0.0, 2.0]).cells[0].volume() == math.inf


def test_limits_are_told():
    net = pr.Network.random((3, 10, 4), seed=1)
    x = net([0.5, -0.5, 1.0])
    few = pr.preimage(net, x, (-3.0, 3.0), 0.1, max_cells=2)
    assert (few.status, few.complete, len(few.cells)) == (pr.Status.LIMIT, False, 2)
    assert few.convex is None
    short = pr.preimage(net, x, (-3.0, 3.0), 0.1, seconds=1e-9)
    assert (short.status, short.unique) == (pr.Status.TIME_LIMIT, None)
    cells = iterate_cells(net, x, (-3.0, 3.0), 0.1)
    assert np.abs(net(next(cells).interior) - x).max() <= 0.1 + 1e-6


def test_limits_of_the_graph_and_of_convexity_are_told():
    net = NETWORKS["two layers"]
    found = pr.preimage(net, np.zeros(3), (-2.0, 2.0), math.inf)
    assert (found.complete, found.graph_complete, found.n_components, found.convex) == (True, True, 1, True)
    short = dataclasses.replace(found, limit=1e-9)
    assert (short.graph_complete, short.n_components, short.convex) == (False, None, None)
    assert len(short.components) == len(found.cells)
    assert short.to_dict()["n_components"] is None
    assert is_convex(found.cells, deadline=Deadline.after(0.0)) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"x": [1.0, 2.0]}, "observation has 2 entries, expected 1"),
        ({"x": [1.0], "tol": -1.0}, "tol must be a non-negative number"),
        ({"x": [1.0], "tol": math.nan}, "tol must be a non-negative number"),
        ({"x": [1.0], "max_cells": 0}, "max_cells must be an integer, at least 1"),
        *(
            ({"x": [1.0], "max_cells": most}, "max_cells must be an integer")
            for most in (math.nan, math.inf, "x", True)
        ),
        ({"x": [1.0], "seconds": 0.0}, "seconds must be a positive number"),
    ],
)
def test_bad_input_is_refused(arguments, said):
    with pytest.raises(pr.InputError, match=said):
        pr.preimage(ABSOLUTE, **arguments)


def test_a_slice_is_the_pre_image_on_a_plane():
    net = pr.Network.random((4, 12, 4), seed=2)
    z = np.random.default_rng(2).normal(size=4)
    plane = np.random.default_rng(3).normal(size=(2, 4))
    found = pr.preimage(slice_of(net, z, plane), net(z), (-1.0, 1.0), 0.1)
    assert found.complete
    for cell in found.cells:
        assert np.abs(net(z + cell.interior @ plane) - net(z)).max() <= 0.1 + 1e-6


def test_polytopes_know_when_they_are_flat():
    rows = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    flat = polytope_of(np.zeros((0, 2)), np.zeros(0), rows, np.array([1.0, -1.0, 2.0, 0.0]))
    assert (flat.dimension, flat.volume()) == (1, pytest.approx(2.0))
    np.testing.assert_allclose(flat.interior, [1.0, 1.0], atol=1e-9)
    assert polytope_of(np.zeros((0, 2)), np.zeros(0), rows, np.array([1.0, -2.0, 2.0, 0.0])) is None
    corner = polytope_of(np.zeros((0, 2)), np.zeros(0), rows, np.array([1.0, -1.0, 0.0, 0.0]))
    assert (corner.dimension, flat.includes(corner), corner.includes(flat)) == (0, True, False)


@pytest.fixture
def lose(monkeypatch):
    """Let HiGHS not say how its solves end, but for the first so many; each time it is asked is noted."""
    says, asked = highspy.Highs.getModelStatus, []

    def lose(after=0):
        asked.clear()

        def status(highs):
            asked.append(None)
            return says(highs) if len(asked) <= after else highspy.HighsModelStatus.kUnknown

        monkeypatch.setattr(highspy.Highs, "getModelStatus", status)
        return asked

    return lose


def test_an_lp_that_is_lost_leaves_the_graph_and_convexity_open(lose):
    found = pr.preimage(ABSOLUTE, [2.0], (-3, 3), tol=0.5)
    lose()
    assert (found.complete, found.graph_complete, found.n_components) == (True, False, None)
    assert pr.preimage(ABSOLUTE, [2.0], (-3, 3), tol=0.5).status is pr.Status.SOLVER_ERROR
    with pytest.raises(LinearProgramError, match="could not solve"):
        found.reach([1.0])


def test_an_lp_that_is_lost_leaves_convexity_open(lose):
    net = NETWORKS["two layers"]
    found = pr.preimage(net, np.zeros(3), (-2.0, 2.0), math.inf)
    assert found.graph_complete
    lose()
    assert found.convex is None


def test_cells_too_near_to_each_other_leave_the_graph_and_convexity_open():
    found = pr.preimage(ABSOLUTE, [1e-6], (-3, 3))
    assert (len(found.cells), found.complete) == (2, True)
    assert (found.graph_complete, found.n_components, found.convex) == (False, None, None)


def test_cells_that_could_not_be_compared_are_not_complete(lose):
    asked = lose(after=10**6)
    assert len(list(iterate_cells(MINIMUM, [0.0], (-3, 3)))) == 4
    searched = len(asked)
    assert len(pr.preimage(MINIMUM, [0.0], (-3, 3)).cells) == 3
    lose(after=searched)
    found = pr.preimage(MINIMUM, [0.0], (-3, 3))
    assert (found.status, len(found.cells)) == (pr.Status.SOLVER_ERROR, 4)


def test_comparing_cells_has_a_time_limit_too():
    cells = list(iterate_cells(MINIMUM, [0.0], (-3, 3)))
    kept, ended = _maximal(cells, Deadline.after(0.0))
    assert ended is pr.Status.TIME_LIMIT
    assert 3 <= len(kept) <= 4


def test_a_program_that_highs_does_not_take_is_told():
    one = np.ones(1)
    program = LinearProgram(np.array([[1e16]]), one, one, -one, one)
    with pytest.raises(LinearProgramError, match="could not solve a linear program of 1 variables"):
        program.maximum(one)


def test_regions_without_an_observation_are_json_too():
    found = pr.preimage(ABSOLUTE, [1.0], (-3, 3), tol=math.inf)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["tol"] == "inf"
