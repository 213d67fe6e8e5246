"""Outputs far from one: the program is solved in a unit of their own."""

from __future__ import annotations

import numpy as np
import pytest

import pyomo_relu as pr
from benchmarks.claims.cases import draw

FACTOR = 2.0**27


@pytest.mark.parametrize("solver", ["highs", "scip"])
@pytest.mark.parametrize("method", [pr.Exact(1), pr.Exact(2), pr.Exact("inf"), pr.Exact("inf", then=2)])
def test_a_network_in_another_unit_has_the_same_codes(method: pr.Exact, solver: str) -> None:
    net = pr.Network.random((2, 4, 6), seed=3)
    large = pr.Network((net[0], pr.Layer(net[1].weight * FACTOR, net[1].bias * FACTOR)))
    x = net(np.array([0.4, -1.1])) + np.random.default_rng(1).uniform(-0.1, 0.1, 6)
    here = pr.invert(net, x, method, box=(-3, 3), solver=solver)
    there = pr.invert(large, x * FACTOR, method, box=(-3, 3), solver=solver)
    assert here.status is pr.Status.OPTIMAL
    assert there.status is pr.Status.OPTIMAL
    assert there.residual == pytest.approx(here.residual * FACTOR, rel=2e-4)


def test_squares_of_a_hundred_million_end_without_a_time_limit() -> None:
    case = draw(177)
    result = pr.invert(case.net, case.x, pr.Exact("inf", then=2), box=case.box, solver="scip")
    assert result.status in (pr.Status.OPTIMAL, pr.Status.SOLVED)
