"""Convexity by Z3, and that the program agrees with it."""

import os
import signal
import sys
import threading
import time
from fractions import Fraction

import numpy as np
import pytest
from midpoints import assert_witness, integer_network
from scripted_solver import Solve

import pyomo_relu as pr
from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.problem import Problem
from pyomo_relu.solvers import MILP, Solver, solve
from reductions.convexity import ANY_GAP, ConvexityVerdict, check_preimage_convexity
from reductions.convexity_program import build_convexity_program, read_pair, regions_of
from reductions.convexity_witness import pair_of, widest_pair
from reductions.convexity_z3 import ask_z3
from reductions.examples import EXAMPLES

CONVEX, NONCONVEX, _ = ConvexityVerdict


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_named_examples_by_z3(name):
    pytest.importorskip("z3")
    example = EXAMPLES[name]
    found = check_preimage_convexity(example.network, example.x, example.box, proof="z3")
    assert found.verdict is (CONVEX if example.convex else NONCONVEX)
    assert found.least == 0.0
    assert found.proved == (not found.trusted_to)
    if example.convex:
        assert found.empty == (example.n_components == 0)
        # That nothing meets x follows from bounds here: nobody is trusted.
        assert found.trusted_to == "" if found.empty else found.trusted_to.startswith("Z3")
    else:
        assert found.proved
        assert_witness(found, example.network, example.x)


@pytest.mark.parametrize("seed", range(10))
def test_what_z3_says_alone(seed):
    pytest.importorskip("z3")
    net, x = integer_network(seed, ((2, 3, 1), (2, 4, 2), (3, 4, 1), (2, 3, 3, 1), (1, 5, 2))[seed % 5])
    problem = Problem.of(net, x, box=(-2, 2))
    answer = ask_z3(problem, regions_of(problem, NO_LIMIT), NO_LIMIT)
    found = check_preimage_convexity(net, x, (-2, 2))
    assert answer.convex is (found.verdict is CONVEX)
    assert answer.convex or answer.pair.is_proof


@pytest.mark.parametrize("seed", range(25))
def test_it_agrees_with_z3_on_integer_networks(seed):
    pytest.importorskip("z3")
    net, x = integer_network(seed, ((2, 3, 1), (2, 4, 2), (3, 4, 1), (2, 3, 3, 1), (1, 5, 2))[seed % 5])
    exact = check_preimage_convexity(net, x, (-2, 2), proof="z3", seconds=60)
    found = check_preimage_convexity(net, x, (-2, 2))
    assert exact.proved or exact.trusted_to.startswith("Z3")
    assert exact.least == 0.0
    assert found.verdict is exact.verdict
    assert exact.empty is False
    if exact.verdict is NONCONVEX:
        assert_witness(exact, net, x)
        assert_witness(found, net, x)


def by_program_alone(net, x, solver, least=1e-4):
    """The pair that the program gives, None where it has none; nothing was sought before."""
    problem = Problem.of(net, x, box=(-2, 2))
    regions = regions_of(problem, NO_LIMIT)
    model = None if regions is None else build_convexity_program(problem, regions, least)
    if model is None:
        return None
    outcome = solve(model, Solver(solver, rel_gap=ANY_GAP), MILP, lean=True)
    assert outcome.status in (pr.Status.OPTIMAL, pr.Status.INFEASIBLE)
    return widest_pair(problem, *read_pair(model, regions), least) if outcome.has_solution else None


@pytest.mark.parametrize("solver", ["scip", "highs"])
@pytest.mark.parametrize("seed", range(14))
def test_the_program_alone_agrees_with_z3(seed, solver):
    pytest.importorskip("z3")
    sizes = ((2, 3, 1), (2, 4, 2), (2, 3, 3, 1), (1, 5, 2), (2, 4, 3), (3, 4, 1), (3, 5, 2))[seed % 7]
    net, _ = integer_network(seed, sizes)
    slopes = [[0.0, 0.25][(seed + i) % 2] for i in range(len(net))]
    net = pr.Network.from_arrays([layer.weight for layer in net], [layer.bias for layer in net], slopes)
    x = net(np.random.default_rng(seed).integers(-1, 2, sizes[0]))
    exact = check_preimage_convexity(net, x, (-2, 2), proof="z3", seconds=60)
    pair = by_program_alone(net, x, solver)
    assert exact.verdict is (CONVEX if pair is None else NONCONVEX)
    assert pair is None or pair.is_proof


def test_z3_holds_the_codes_to_the_box_itself():
    # |z| = 1: only z = 1 lies in the first box, neither code in the second, by less than Z3's short bounds tell.
    pytest.importorskip("z3")
    net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])
    for box, empty in (((-0.999995, 3.0), False), ((1.000005, 3.0), True)):
        problem = Problem.of(net, [1.0], box=box)
        answer = ask_z3(problem, regions_of(problem, NO_LIMIT), NO_LIMIT)
        assert (answer.convex, answer.empty, answer.pair) == (True, empty, None)
        found = check_preimage_convexity(net, [1.0], box, proof="z3")
        assert (found.verdict, found.empty) == (CONVEX, empty)
    assert check_preimage_convexity(net, [1.0], (-1.0, 3.0), proof="z3").proved


def test_a_pair_outside_of_the_box_is_no_witness():
    net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])
    problem = Problem.of(net, [1.0], box=(-0.999995, 3.0))
    pair = pair_of(problem, [Fraction(-1)], [Fraction(1)])
    assert (pair.missed, pair.violation) == (0, 1)
    assert [pair.inside, pair.is_proof, pair.is_evidence(1e-4)] == [False] * 3


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_ends_z3_and_is_no_time_limit():
    pytest.importorskip("z3")
    net = pr.Network.random((4, 16, 16, 2), seed=0)
    problem = Problem.of(net, net([0.3] * 4), box=(-2, 2))
    regions = regions_of(problem, NO_LIMIT)
    # Given up after 1.5 s of what Z3 does not do in 20.
    timer = threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            ask_z3(problem, regions, Deadline.after(20.0))
    finally:
        timer.cancel()
    assert ask_z3(problem, regions, Deadline.after(0.5)).convex is None


def test_z3_is_asked_for_by_its_pip_line_before_any_work(monkeypatch, scripted):
    monkeypatch.setitem(sys.modules, "z3", None)
    calls = scripted(Solve.honestly)
    example = EXAMPLES["ball"]
    with pytest.raises(pr.MissingDependencyError, match=r'pip install "pyomo-relu\[z3\]"'):
        check_preimage_convexity(example.network, example.x, example.box, "scripted", proof="z3")
    assert calls == []


def test_where_z3_is_not_done_the_solvers_answer_stays(scripted):
    """The solver takes all of the time."""
    pytest.importorskip("z3")

    def late(solve):
        said = solve.honestly()
        time.sleep(solve.seconds)
        return said

    calls = scripted(late)
    example = EXAMPLES["ball"]
    found = check_preimage_convexity(example.network, example.x, example.box, "scripted", proof="z3", seconds=3.0)
    assert len(calls) == 1
    assert found.verdict is CONVEX
    assert not found.proved
    assert found.trusted_to.startswith("Scripted")
    assert found.message.endswith(": not decided in the time given")
