"""Whether pre-images are convex: known ones, sampled ones, limits and bad input."""

import numpy as np
import pytest
from midpoints import assert_witness
from pyomo.environ import value
from tiny_networks import clipped

import pyomo_relu as pr
from pyomo_relu.certificate import Claim, Standing
from pyomo_relu.deadline import NO_LIMIT
from pyomo_relu.problem import Problem
from pyomo_relu.rounding import down
from pyomo_relu.solvers import Capability, Outcome, solve
from reductions.convexity import ConvexityVerdict, check_preimage_convexity
from reductions.convexity_program import build_convexity_program, regions_of
from reductions.examples import EXAMPLES

CONVEX, NONCONVEX, UNDECIDED = ConvexityVerdict


@pytest.mark.parametrize("solver", ["scip", "highs"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_named_examples(name, solver):
    example = EXAMPLES[name]
    found = check_preimage_convexity(example.network, example.x, example.box, solver)
    assert found.verdict is (CONVEX if example.convex else NONCONVEX)
    assert found.status is pr.Status.SOLVED
    if example.convex:
        assert found.empty == (example.n_components == 0)
        assert not found.proved
        assert found.trusted_to
        assert found.z1 is None
    else:
        assert found.proved
        assert not found.trusted_to
        assert_witness(found, example.network, example.x)


@pytest.mark.parametrize("slope", [0.0, 0.25, 1.0])
def test_one_layer_is_convex_by_argument(slope):
    net = pr.Network.random((3, 5), slope, seed=0)
    found = check_preimage_convexity(net, net([1.0, -1.0, 0.5]))
    assert found.verdict is CONVEX
    assert found.proved
    assert not found.trusted_to
    folded = pr.Network((*pr.Network.random((3, 3), 1.0, seed=1), *net))
    assert check_preimage_convexity(folded, folded([1.0, -1.0, 0.5])).proved


def test_an_observation_that_relu_cannot_reach_is_met_by_nothing():
    net = pr.Network.random((2, 6, 3), seed=0)
    found = check_preimage_convexity(net, [0.0, -1e-9, 1.0], (-1, 1))
    assert (found.verdict, found.proved, found.empty) == (CONVEX, True, True)
    assert "entry 1 is negative" in str(found.certificate)


def test_a_box_can_make_it_convex():
    example = EXAMPLES["two-half-planes"]
    found = check_preimage_convexity(example.network, example.x, box=([-4, -4], [0, 4]))
    assert found.verdict is CONVEX
    (claim,) = found.certificate.claims
    assert (claim.standing, claim.by) == (Standing.VERIFIED, "bounds, rounded outwards")


def test_one_code_needs_no_program_and_no_box():
    net = pr.Network.random((4, 30, 120), seed=0)
    found = check_preimage_convexity(net, net([1.0, -1.0, 0.5, 0.0]))
    assert found.verdict is CONVEX
    assert not found.box.is_bounded
    unique, rounded = found.certificate.claims
    assert unique.standing is Standing.VERIFIED
    assert "one code" in unique.text
    # x was rounded to float64: no code need meet it.
    assert found.trusted_to == rounded.by == "floating point"
    assert not found.proved


def test_one_code_that_meets_x_without_rounding_is_proved():
    found = check_preimage_convexity(pr.Network.from_arrays([[[1.0]], [[1.0]]]), [0.5])
    assert (found.verdict, found.empty, found.least) == (CONVEX, False, 0.0)
    assert found.proved
    assert not found.trusted_to


@pytest.mark.parametrize(("seed", "standing"), [(2, Standing.TRUSTED), (4, Standing.VERIFIED)])
def test_that_no_code_meets_x_is_trusted_to_who_says_so(seed, standing):
    net, x = clipped(seed)
    nearest = pr.invert(net, x, pr.Exact(), box=(-1, 1), solver="scip")
    found = check_preimage_convexity(net, x, (-1, 1))
    text = f"every code misses x by at least {down(nearest.dual_bound)}"
    said = Claim(text, standing, nearest.bound_by, nearest.dual_bound)
    assert (found.verdict, found.empty, found.certificate.claims) == (CONVEX, True, (said,))
    assert found.proved == (standing is Standing.VERIFIED)
    assert found.trusted_to == ("" if found.proved else nearest.bound_by)


@pytest.mark.parametrize("proof", [None, "z3"])
def test_a_search_that_is_interrupted_leaves_it_undecided(scripted, proof):
    if proof is not None:
        pytest.importorskip("z3")
    calls = scripted(Outcome.without_point(pr.Status.INTERRUPTED))
    net, x = clipped(2)
    found = check_preimage_convexity(net, x, (-1, 1), "scripted", proof=proof)
    assert (len(calls), found.verdict, found.status) == (1, UNDECIDED, pr.Status.INTERRUPTED)
    assert not found.proved


@pytest.mark.parametrize("seed", range(12))
def test_it_agrees_with_sampling_in_the_plane(seed):
    net = pr.Network.from_arrays(
        [w := np.random.default_rng(seed).normal(size=(5, 2)), np.random.default_rng(seed + 50).normal(size=(1, 5))],
        [0.5 * w[:, 0], [0.1]],
    )
    rng = np.random.default_rng(seed)
    box = pr.Box.of((-2, 2), 2)
    x = np.maximum(net(rng.uniform(-2, 2, 2)), 0.0)
    parts = [cell.vertices for cell in pr.preimage(net, x, box).cells]
    corners = np.vstack(parts)
    assert np.abs(net(corners) - x).max() < 1e-7
    inside = np.vstack([rng.dirichlet(np.ones(len(part)), 20) @ part for part in parts])
    points = np.vstack([corners, inside])
    middles = (points[:, None, :] + points[None, :, :]).reshape(-1, 2) / 2.0
    sampled = np.abs(net(middles) - x).max()
    found = check_preimage_convexity(net, x, box)
    if found.verdict is NONCONVEX:
        assert_witness(found, net, x)
    else:
        assert found.verdict is CONVEX
        assert sampled <= found.least
    assert found.verdict is NONCONVEX or sampled < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["scip", "highs"])
@pytest.mark.parametrize("reach", [1.0, 2.0])
@pytest.mark.parametrize("sizes", [(2, 6, 3), (3, 10, 4), (4, 12, 4)])
def test_random_networks_are_decided_within_a_minute(sizes, reach, solver):
    for seed in range(5):
        net = pr.Network.random(sizes, seed=seed)
        x = net(np.random.default_rng(100 + seed).uniform(-reach, reach, sizes[0]))
        found = check_preimage_convexity(net, x, (-reach, reach), solver, seconds=60)
        assert found.verdict is not UNDECIDED
        assert found.seconds < 60.0
        if found.verdict is NONCONVEX:
            assert_witness(found, net, x)


@pytest.mark.slow
def test_solvers_agree_where_the_search_is_left_out():
    for seed in range(12):
        sizes = ((2, 6, 3), (3, 10, 4), (3, 8, 2))[seed % 3]
        net = pr.Network.random(sizes, seed=seed)
        problem = Problem.of(net, net(np.random.default_rng(seed).uniform(-1, 1, sizes[0])), box=(-1, 1))
        regions = regions_of(problem, NO_LIMIT)
        best = []
        for solver in ("scip", "highs"):
            model = build_convexity_program(problem, regions, 1e-3)
            outcome = None if model is None else solve(model, solver, frozenset({Capability.MILP}))
            best.append(None if outcome is None or not outcome.has_solution else outcome.objective)
            if best[-1] is not None:
                codes = [np.array([value(v) for v in block.z.values()]) for block in (model.first, model.second)]
                assert max(problem.residual(z, "inf") for z in codes) < 1e-5
                assert problem.residual(sum(codes) / 2.0, "inf") == pytest.approx(best[-1], abs=1e-4)
        assert (best[0] is None) == (best[1] is None)
        assert best[0] is None or best[0] == pytest.approx(best[1], abs=1e-4)


def test_evidence_without_exact_codes_is_marked_as_such():
    # Six active outputs of three inputs: x, rounded to float64, is in general met by no code exactly.
    rng = np.random.default_rng(3)
    fold = np.vstack([np.eye(2), -np.eye(2)])
    net = pr.Network.from_arrays([fold, np.abs(rng.normal(size=(5, 2))) @ np.hstack([np.eye(2), np.eye(2)])])
    x = net([0.3, 0.7])
    found = check_preimage_convexity(net, x, (-1, 1))
    assert found.verdict is NONCONVEX
    assert_witness(found, net, x)
    assert not found.proved
    assert found.trusted_to == "floating point"
    assert "evidence" in found.message


def test_bad_input_is_refused_at_the_door():
    net = EXAMPLES["ball"].network
    with pytest.raises(pr.ShapeError, match="observation has 2 entries, expected 1"):
        check_preimage_convexity(net, [0.0, 0.0])
    with pytest.raises(pr.InputError, match="proof must be None or 'z3', got 'cvc5'"):
        check_preimage_convexity(net, [0.0], proof="cvc5")
    for name, bad in (("tol", 0.0), ("tol", float("nan")), ("seconds", -1.0)):
        with pytest.raises(pr.InputError, match=f"{name} must be a positive number"):
            check_preimage_convexity(net, [0.0], (-2, 2), **{name: bad})
    with pytest.raises(pr.SolverConfigError, match="unknown solver"):
        check_preimage_convexity(net, [0.0], (-2, 2), "z3")
    with pytest.raises(pr.InputError, match="box must be given, and bounded"):
        check_preimage_convexity(EXAMPLES["two-half-planes"].network, [0.0])


def test_a_loose_box_leaves_it_undecided_where_no_pair_is_found():
    net = pr.Network.from_arrays([[[1.0]], [[1.0]]], [[0.0], [-1.0]])  # zero where z <= 1
    found = check_preimage_convexity(net, [0.0], (-1e7, 1e7))
    assert found.verdict is UNDECIDED
    assert found.status is pr.Status.WIDE_BOUNDS
    assert "give a smaller box" in found.message


def test_a_time_limit_leaves_it_undecided(scripted):
    calls = scripted(Outcome.without_point(pr.Status.TIME_LIMIT))
    example = EXAMPLES["ball"]
    found = check_preimage_convexity(example.network, example.x, example.box, "scripted", seconds=20.0)
    assert len(calls) == 1
    assert 0.0 < calls[0].seconds < 20.0
    assert found.verdict is UNDECIDED
    assert found.status is pr.Status.TIME_LIMIT
    assert found.z1 is None
