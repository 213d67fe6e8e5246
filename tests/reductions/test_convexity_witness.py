"""Pairs that refute convexity, and the exact codes that make a proof of them."""

from fractions import Fraction

import numpy as np
import pytest

import pyomo_relu as pr
from pyomo_relu.problem import Problem
from pyomo_relu.rational import forward
from reductions.convexity_witness import pair_of, widest_pair
from reductions.exact_code import exact_code
from reductions.examples import EXAMPLES


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
