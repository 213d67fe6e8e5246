"""Random networks x methods against brute force and fractions: nothing that is claimed is false.

`benchmarks/soundness.py` is the same at any size; it prints Python that makes a network again.
"""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import pyomo_relu as pr
from benchmarks.claims.cases import Case, draw
from benchmarks.claims.judge import Assertion, another_code, of_preimage, of_result, power
from benchmarks.claims.truth import Truth
from benchmarks.soundness import judge_network, summed

BATCHES, EACH = 10, 20


def faults(lines: list[dict[str, Any]]) -> list[Any]:
    """Return the false verified claims, what was raised, and claims that nobody here can read, by their networks."""
    return [(line["network"], found) for line in lines if (found := [*_false(line), *line["crashed"], *line["unread"]])]


def _false(line: dict[str, Any]) -> list[Any]:
    return [wrong for wrong in line["false"] if wrong["standing"] == "verified"]


def test_no_verified_claim_of_a_few_networks_is_false() -> None:
    lines = [judge_network(number, 20) for number in range(4, 9)]
    assert not faults(lines)
    assert summed(lines)["verified"] > 200


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_verified_claim_is_false(batch: int) -> None:
    lines = [judge_network(number) for number in range(batch * EACH, (batch + 1) * EACH)]
    assert not faults(lines)
    assert summed(lines)["pairs"] == 25 * EACH


NET = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])  # |z|


def case_of(net: pr.Network, x: list[float], truth: list[float], half: float = 3.0) -> Case:
    return Case(0, "gaussian", net, np.array(x), (-half, half), None, None, np.array(truth), True)


def excesses(assertions: Iterable[Assertion]) -> dict[str, float]:
    return {assertion.kind: float(assertion.excess()) for assertion in assertions}


def test_what_is_made_false_is_found() -> None:
    """The instrument itself: a result in which one thing after the other is changed."""
    truth = Truth(case_of(NET, [-0.5], [0.0]))
    truth.search()
    assert (truth.best("inf").inf, truth.best("2").two) == (Fraction(1, 2), Fraction(1, 4))
    found = pr.invert(NET, [-0.5], pr.Exact(), box=(-3, 3))
    assert not any(excesses(of_result(truth, found)).values())
    claims = found.certificate.claims

    def with_claim(text: str, value: float, standing: pr.Standing = pr.Standing.VERIFIED) -> dict[str, float]:
        claim = pr.Claim(text, standing, "somebody", value)
        return excesses(of_result(truth, replace(found, certificate=pr.Certificate((*claims, claim)))))

    for standing, bound, false in (
        ("verified", 0.5000001, True),
        ("trusted", 0.5000001, False),
        ("trusted", 0.6, True),
    ):
        said = with_claim("||G(z) - x||_inf >= 0.5 for every code in the box", bound, pr.Standing(standing))
        assert (said["bound"] > 0.0) is false
    assert with_claim("||G(z) - x||_inf = 0.5", 0.500001)["residual"] > 0.0
    assert with_claim("x is met up to 1e-06", 0.5)["met"] > 0.0
    assert with_claim("something else", 0.5)["unread"] > 0.0
    worse = replace(found, z=np.array([1.0]), residual=1.5)
    assert excesses(of_result(truth, worse))["optimal"] > 0.0
    assert excesses(of_result(truth, replace(found, residual=0.4)))["residual, as a field"] > 0.0
    assert excesses(of_result(truth, replace(found, z=np.array([4.0]))))["in the box"] > 0.0


def test_cases_have_every_trait_and_are_made_again_by_their_source() -> None:
    cases = [draw(number) for number in range(60)]
    assert {trait for case in cases for trait in case.traits} == {"skip", "slopes", "sparse", "weights"}
    for case in cases:
        made: dict[str, Any] = {}
        exec(case.source(), made)
        assert np.array_equal(made["net"](case.truth), case.net(case.truth))
        assert made["delta"] == case.delta


def test_weights_and_hubers_function_are_measured_without_rounding() -> None:
    weights = np.array([0.0, 3.0])
    net = pr.Network.from_arrays([[[1.0], [1.0]]], slopes=[[0.5, 1.0]])
    case = replace(case_of(net, [9.0, 2.0], [1.0]), weights=weights, delta=0.5)
    truth = Truth(case)
    truth.search()
    code = truth.add([1.0])
    assert (code.inf, code.residual("huber:0.5")) == (3, Fraction(11, 4))
    assert power(0.5, "huber:0.5") == Fraction(1, 4)
    assert truth.best("huber:0.5").two < Fraction(1, 10**20)
    found = pr.invert(net, [9.0, 2.5], pr.Exact(pr.Huber(0.5)), box=(-3, 2), weights=weights)
    truth = Truth(replace(case, x=np.array([9.0, 2.5]), box=(-3, 2)))
    truth.search()
    assert not any(excesses(of_result(truth, found)).values())
    assert excesses(of_result(truth, replace(found, residual=1.1)))["residual, as a field"] > 0.0


def test_a_code_that_is_not_alone_is_told() -> None:
    wide = pr.Network.from_arrays([[[1.0, 0.0], [1.0, 0.0], [0.0, -1.0]]])
    truth = Truth(case_of(wide, [1.0, 1.0, 0.0], [1.0, 1.0]))
    assert another_code(truth, truth.add([1.0, 1.0]))
    narrow = pr.Network.from_arrays([[[1.0, 0.0], [0.0, 1.0]]])
    truth = Truth(case_of(narrow, [1.0, 1.0], [1.0, 1.0]))
    assert not another_code(truth, truth.add([1.0, 1.0]))


def test_a_pre_image_without_a_cell_is_told() -> None:
    truth = Truth(case_of(NET, [2.0], [2.0]))
    truth.search()
    found = pr.preimage(NET, [2.0], (-3, 3))
    assert not any(excesses(of_preimage(truth, found)).values())
    half = replace(found, cells=found.cells[:1])
    told = excesses(of_preimage(truth, half))
    assert told["preimage: complete"] > 0.0
    assert told["preimage: components"] > 0.0
    assert told["preimage: uniqueness"] > 0.0
