import itertools
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from pyomo.environ import value

import pyomo_relu as pr
from pyomo_relu.problem import Problem
from pyomo_relu.rational import forward, residual
from pyomo_relu.solvers import Capability, solve
from reductions.convexity import ConvexityVerdict, check_preimage_convexity
from reductions.convexity_program import build_convexity_program, regions_of
from reductions.convexity_witness import pair_of, widest_pair
from reductions.convexity_z3 import Z3Answer, ask_z3
from reductions.exact_code import exact_code
from reductions.examples import EXAMPLES, Example, draw_preimage_2d, preimage_2d

CONVEX, NONCONVEX, UNDECIDED = ConvexityVerdict


def assert_witness(found, net, x):
    """The pair stands on its own: exact passes, outside of what found it."""
    z1, z2 = found.exact
    middle = [(a + b) / 2 for a, b in zip(z1, z2, strict=True)]
    missed = max(residual(net, z1, x), residual(net, z2, x))
    violation = residual(net, middle, x)
    assert float(violation) == found.violation
    assert violation > 1000 * missed
    assert found.proved == (missed == 0)
    assert all(low <= v <= high for z in (z1, z2) for low, v, high in zip(*bounds_of(found.box, z), strict=True))
    assert np.abs(net(found.midpoint) - x).max() == pytest.approx(found.violation, rel=1e-6, abs=1e-12)


def bounds_of(box, z):
    return box.lower.tolist(), z, box.upper.tolist()


def integer_network(seed, sizes):
    rng = np.random.default_rng(seed)
    weights = [rng.integers(-2, 3, (m, n)) for n, m in itertools.pairwise(sizes)]
    biases = [rng.integers(-1, 2, m) for m in sizes[1:]]
    net = pr.Network.from_arrays(weights, biases)
    return net, net(rng.integers(-1, 2, sizes[0]))


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


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_named_examples_by_z3(name):
    pytest.importorskip("z3")
    example = EXAMPLES[name]
    found = check_preimage_convexity(example.network, example.x, example.box, proof="z3")
    assert found.verdict is (CONVEX if example.convex else NONCONVEX)
    assert found.proved
    assert found.least == 0.0
    if example.convex:
        assert found.empty == (example.n_components == 0)
        assert found.trusted_to.startswith("Z3")
    else:
        assert_witness(found, example.network, example.x)


@pytest.mark.parametrize("seed", range(10))
def test_what_z3_says_alone(seed):
    pytest.importorskip("z3")
    net, x = integer_network(seed, ((2, 3, 1), (2, 4, 2), (3, 4, 1), (2, 3, 3, 1), (1, 5, 2))[seed % 5])
    problem = Problem.of(net, x, box=(-2, 2))
    answer = ask_z3(problem, regions_of(problem, 1.0), None)
    found = check_preimage_convexity(net, x, (-2, 2))
    assert answer.convex is (found.verdict is CONVEX)
    assert answer.convex or answer.pair.is_proof


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
    assert "SCIP" in found.trusted_to or "bounds" in str(found.certificate)


def test_one_code_needs_no_program_and_no_box():
    net = pr.Network.random((4, 30, 120), seed=0)
    found = check_preimage_convexity(net, net([1.0, -1.0, 0.5, 0.0]))
    assert found.verdict is CONVEX
    assert not found.box.is_bounded
    assert "one code" in str(found.certificate)


@pytest.mark.parametrize("seed", range(25))
def test_it_agrees_with_z3_on_integer_networks(seed):
    pytest.importorskip("z3")
    net, x = integer_network(seed, ((2, 3, 1), (2, 4, 2), (3, 4, 1), (2, 3, 3, 1), (1, 5, 2))[seed % 5])
    exact = check_preimage_convexity(net, x, (-2, 2), proof="z3", seconds=60)
    found = check_preimage_convexity(net, x, (-2, 2))
    assert exact.proved
    assert found.verdict is exact.verdict
    assert exact.empty is False
    if exact.verdict is NONCONVEX:
        assert_witness(exact, net, x)
        assert_witness(found, net, x)


@pytest.mark.parametrize("solver", ["scip", "highs"])
@pytest.mark.parametrize("seed", range(14))
def test_the_program_alone_agrees_with_z3(seed, solver, monkeypatch):
    pytest.importorskip("z3")
    monkeypatch.setattr("reductions.convexity.find_pair", lambda *_: None)
    sizes = ((2, 3, 1), (2, 4, 2), (2, 3, 3, 1), (1, 5, 2), (2, 4, 3), (3, 4, 1), (3, 5, 2))[seed % 7]
    net, _ = integer_network(seed, sizes)
    slopes = [[0.0, 0.25][(seed + i) % 2] for i in range(len(net))]
    net = pr.Network.from_arrays([layer.weight for layer in net], [layer.bias for layer in net], slopes)
    x = net(np.random.default_rng(seed).integers(-1, 2, sizes[0]))
    exact = check_preimage_convexity(net, x, (-2, 2), proof="z3", seconds=60)
    found = check_preimage_convexity(net, x, (-2, 2), solver)
    assert found.verdict is exact.verdict is not UNDECIDED
    if found.verdict is NONCONVEX:
        assert found.proved
        assert_witness(found, net, x)


@pytest.mark.parametrize("seed", range(12))
def test_it_agrees_with_sampling_in_the_plane(seed):
    net = pr.Network.from_arrays(
        [w := np.random.default_rng(seed).normal(size=(5, 2)), np.random.default_rng(seed + 50).normal(size=(1, 5))],
        [0.5 * w[:, 0], [0.1]],
    )
    rng = np.random.default_rng(seed)
    box = pr.Box.of((-2, 2), 2)
    x = np.maximum(net(rng.uniform(-2, 2, 2)), 0.0)
    parts = preimage_2d(Example("drawn", net, x, box, True, 1, ""))
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
        regions = regions_of(problem, 1.0)
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


def test_a_violation_near_the_tolerance_is_no_evidence():
    net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])
    problem = Problem.of(net, [1.0])
    near = pair_of(problem, [Fraction(1) + Fraction(1, 100)], [Fraction(-1)])
    assert (near.missed, near.violation) == (Fraction(1, 100), Fraction(199, 200))
    assert not near.is_evidence(1e-4)
    assert pair_of(problem, [Fraction(1)], [Fraction(-1)]).is_proof
    assert not pair_of(problem, [Fraction(1)], [Fraction(1)]).is_proof


def test_the_widest_pair_of_two_cells():
    net = EXAMPLES["two-half-planes"].network
    problem = Problem.of(net, [0.0], box=(-4, 4))
    codes = np.array([-1.0, 3.0]), np.array([3.0, -1.0])
    patterns = tuple(tuple(t > 0.0 for t in net.pre_activations(z)) for z in codes)
    pair = widest_pair(problem, codes, patterns, 1e-4)
    assert pair.is_proof
    assert pair.violation == 2


def test_exact_codes():
    net = pr.Network.from_arrays([[[1.0], [-1.0]], [[3.0, 3.0]]])
    assert exact_code(Problem.of(net, [1.0]), np.array([1 / 3])) == [Fraction(1, 3)]
    assert exact_code(Problem.of(net, [1.0], box=(-1, 0.25)), np.array([1 / 3])) is None
    both = pr.Network.from_arrays([[[1.0], [-1.0]], [[3.0, 3.0], [7.0, 7.0]]])
    assert exact_code(Problem.of(both, [1.0, 7 / 3]), np.array([1 / 3])) is None


@pytest.mark.parametrize("seed", range(10))
def test_exact_codes_meet_x(seed):
    rng = np.random.default_rng(seed)
    net = pr.Network.random((6, 10, 3), seed=seed)
    z = rng.uniform(-1, 1, 6)
    x = net(z)
    exact = exact_code(Problem.of(net, x, box=(-1, 1)), z)
    assert exact is not None
    assert forward(net, exact) == [Fraction(v) for v in x]
    assert max(abs(float(a) - b) for a, b in zip(exact, z, strict=True)) < 1e-9


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
    with pytest.raises(pr.InputError, match="give box="):
        check_preimage_convexity(EXAMPLES["two-half-planes"].network, [0.0])


def test_a_loose_box_is_refused():
    example = EXAMPLES["two-half-planes"]
    with pytest.raises(pr.InputError, match="give a smaller box"):
        check_preimage_convexity(example.network, example.x, (-1e7, 1e7))


def test_z3_is_asked_for_by_its_pip_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "z3", None)
    example = EXAMPLES["ball"]
    with pytest.raises(pr.MissingDependencyError, match=r'pip install "pyomo-relu\[z3\]"'):
        check_preimage_convexity(example.network, example.x, example.box, proof="z3")


def test_where_z3_is_not_done_the_solvers_answer_stays(monkeypatch):
    monkeypatch.setattr("reductions.convexity.ask_z3", lambda *_: Z3Answer(None, None, None, "Z3"))
    example = EXAMPLES["ball"]
    found = check_preimage_convexity(example.network, example.x, example.box, proof="z3")
    assert found.verdict is CONVEX
    assert not found.proved
    assert found.trusted_to.startswith("SCIP")
    assert found.message == "Z3: not decided in the time given"


def test_a_time_limit_leaves_it_undecided(monkeypatch):
    monkeypatch.setattr("reductions.convexity.find_pair", lambda *_: None)
    net = pr.Network.random((8, 30, 12), seed=0)
    x = net(np.random.default_rng(100).uniform(-2, 2, 8))
    found = check_preimage_convexity(net, x, (-2, 2), "highs", seconds=2.0)
    assert found.verdict is UNDECIDED
    assert found.status is pr.Status.TIME_LIMIT
    assert found.z1 is None
    assert found.seconds < 30.0


@pytest.mark.parametrize("name", ["two-half-planes", "sphere-2d", "ball", "nothing"])
def test_the_parts_of_a_drawn_preimage(name):
    example = EXAMPLES[name]
    parts = preimage_2d(example)
    assert bool(parts) == (example.n_components > 0)
    for part in parts:
        assert np.abs(example.network(part) - example.x).max() < 1e-9
    if name == "two-half-planes":
        assert sum(map(area, parts)) == pytest.approx(48.0)


def area(corners):
    after = np.roll(corners, -1, axis=0)
    return abs(float((corners[:, 0] * after[:, 1] - corners[:, 1] * after[:, 0]).sum())) / 2.0


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_pictures(tmp_path, suffix):
    pytest.importorskip("matplotlib")
    target = tmp_path / f"ball{suffix}"
    draw_preimage_2d(EXAMPLES["ball"], target)
    assert target.stat().st_size > 5000
    with pytest.raises(pr.InputError, match="cannot draw"):
        draw_preimage_2d(EXAMPLES["ball"], tmp_path / "ball.gif")
    with pytest.raises(pr.InputError, match="2 inputs"):
        draw_preimage_2d(EXAMPLES["sphere-3d"], target)


def test_importing_it_loads_neither_z3_nor_matplotlib():
    loaded = "print('z3' in sys.modules, 'matplotlib' in sys.modules)"
    code = f"import sys, reductions.convexity, reductions.examples; {loaded}"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "False"]
