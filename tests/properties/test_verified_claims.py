"""Whatever stands as verified is true in exact rationals, at whatever scale the network's weights are."""

from __future__ import annotations

import itertools
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyomo_relu as pr
from pyomo_relu.tolerance import REFUTED

METHODS = [
    pr.Descent(starts=2),
    pr.Layerwise(),
    pr.Layerwise(pr.LayerLinf(schedule=pr.Geometric())),
    pr.Layerwise(pr.LayerL1()),
    pr.Layerwise(pr.LayerRelaxed()),
    pr.Layerwise(pr.LayerRealizable(), nonnegative=False),
    pr.Layerwise(pr.LinearSolve()),
    pr.Exact("inf", starts=2),
    pr.Exact(1, starts=2),
    pr.Exact(2, starts=2),
    pr.Hybrid("inf", starts=2),
    pr.Hybrid(2, starts=2),
]


def wild_case(seed: int) -> tuple[pr.Network, np.ndarray, np.ndarray, tuple[float, float] | None]:
    """Draw layers of sizes from 1e-12 to 1e16, in which rows nearly cancel; an observation, a code near it, a box."""
    rng = np.random.default_rng(seed)
    sizes = [int(n) for n in rng.integers(1, 4, int(rng.integers(2, 5)))]
    weights, biases = [], []
    for n_in, n_out in itertools.pairwise(sizes):
        weight, bias = rng.normal(size=(n_out, n_in)), rng.normal(size=n_out)
        if n_out > 1 and rng.random() < 0.5:  # two rows that differ by little
            weight[1] = weight[0] * (1.0 + rng.choice([0.0, 1e-16, 1e-9]) * rng.normal())
        if n_in > 1 and rng.random() < 0.5:  # the next layer takes one from the other
            weight[:, 1] = -weight[:, 0]
        size = 10.0 ** (rng.uniform(-12, 16) if rng.random() < 0.6 else 0.0)
        weights.append(size * weight)
        biases.append(bias * rng.choice([0.0, 1.0, size]))
    each = rng.random() < 0.5
    slopes = [rng.choice([0.0, 0.0, 0.01, 0.3, 1.0], len(weight) if each else None) for weight in weights]
    truth = rng.uniform(-2.0, 2.0, sizes[0])
    x = pr.Network.from_arrays(weights, biases, slopes)(truth)
    if np.abs(x).max() > 1e11:
        weights[-1], biases[-1] = weights[-1] / np.abs(x).max(), biases[-1] / np.abs(x).max()
    net = pr.Network.from_arrays(weights, biases, slopes)
    x = net(truth) + rng.choice([0.0, 0.0, 1e-9, 1e-3, 1.0]) * rng.normal(size=sizes[-1])
    return net, x, truth, (-2.0, 2.0) if rng.random() < 0.7 else None


def rows_and_values(layer: pr.Layer, h: list[Fraction]) -> tuple[list[list[Fraction]], list[Fraction]]:
    """The rows of a layer, and its pre-activation."""
    rows = [[Fraction(w) for w in row] for row in layer.weight.tolist()]
    biases = layer.bias.tolist()
    return rows, [
        sum((w * v for w, v in zip(row, h, strict=True)), Fraction(b)) for row, b in zip(rows, biases, strict=True)
    ]


def missed(net: pr.Network, z: Any, x: np.ndarray, norm: str) -> Fraction:
    """``||G(z) - x||`` as the definition reads, for p = 2 its square."""
    h = [Fraction(float(v)) for v in z]
    for layer in net:
        _, t = rows_and_values(layer, h)
        h = [max(v, Fraction(s) * v) for v, s in zip(t, layer.activation.slope.tolist(), strict=True)]
    apart = [abs(v - Fraction(float(target))) for v, target in zip(h, x, strict=True)]
    if norm == "inf":
        return max(apart)
    return sum((v ** int(norm) for v in apart), Fraction(0))


def is_one_to_one(net: pr.Network, z: Any) -> bool:
    """Whether in every layer the rows that are on, in exact arithmetic, have full column rank."""
    h = [Fraction(float(v)) for v in z]
    for layer in net:
        rows, t = rows_and_values(layer, h)
        if (
            rank([row for row, v, s in zip(rows, t, layer.activation.slope, strict=True) if s > 0.0 or v > 0])
            < layer.n_in
        ):
            return False
        h = [max(v, Fraction(s) * v) for v, s in zip(t, layer.activation.slope.tolist(), strict=True)]
    return True


def rank(rows: list[list[Fraction]]) -> int:
    found, rows = 0, [list(row) for row in rows]
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in rows if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        found += 1
        rows = [[a - row[column] / pivot[column] * b for a, b in zip(row, pivot, strict=True)] for row in rows]
    return found


def to_power(text: str | float, norm: str) -> Fraction:
    return Fraction(float(text)) ** (2 if norm == "2" else 1)


def is_true(claim: pr.Claim, net: pr.Network, x: np.ndarray, z: Any, known: list[Any], box: Any) -> bool:
    """Whether a claim holds, of the code z and, where it is of every code, of the codes that are known."""
    said = re.fullmatch(r"\|\|G\(z\) - x\|\|_(inf|1|2) (=|<=|>=) (\S+)( for every .*)?", claim.text)
    if said is not None:
        norm, relation, number, _ = said.groups()
        return relates(relation, [to_power(v, norm) for v in (number, claim.value)], norm, net, x, z, known)
    last = claim.text.split()[-1]
    scale = max(1.0, float(np.abs(x).max()))
    tests = {
        "x is met up to ": lambda: missed(net, z, x, "inf") <= min(Fraction(float(last)), Fraction(claim.value)),
        "x is not met by any ": lambda: (
            min(missed(net, code, x, "1") for code in known) >= Fraction(0.99 * REFUTED * scale)
        ),
        "z lies in the box": lambda: bool((z >= box[0]).all() and (z <= box[1]).all()),
        "z is the only code with this output": lambda: is_one_to_one(net, z),
        "a bound of ": lambda: missed(net, z, x, "inf") < Fraction(float(claim.text.split()[3])),
    }
    return next(test for start, test in tests.items() if claim.text.startswith(start))()


def relates(
    relation: str, numbers: list[Fraction], norm: str, net: pr.Network, x: np.ndarray, z: Any, known: list[Any]
) -> bool:
    """Whether the residual of z, or those of all that are known, are as both of the claim's numbers say."""
    if relation == ">=":
        return min(missed(net, code, x, norm) for code in known) >= max(numbers)
    exact = missed(net, z, x, norm)
    if relation == "<=":
        return exact <= min(numbers)
    # Right to nine digits: half a unit of the last is up to 5e-9, of squares twice that.
    return max(abs(exact - number) for number in numbers) <= Fraction(13, 10**9) * exact


@pytest.mark.filterwarnings("ignore::pyomo_relu.inversion.task.BigMWarning", "ignore::RuntimeWarning")
@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from(METHODS))
def test_what_is_verified_is_true(seed: int, method: Any) -> None:
    check(seed, method)


def check(seed: int, method: Any) -> pr.Result | None:
    net, x, truth, box = wild_case(seed)
    linear = isinstance(method, pr.Layerwise) and isinstance(method.formulation, pr.LinearSolve)
    box = None if linear else box
    try:
        result = pr.invert(net, x, method, box=box, solver=pr.Solver(time_limit=5.0))
    except pr.InputError:  # nothing bounds the code, or no solver's answer could be trusted at this scale
        return None
    known = [truth] if result.z is None else [truth, result.z]
    for claim in result.certificate.verified:
        assert is_true(claim, net, x, result.z, known, box), (seed, method, str(claim))
    if result.status is pr.Status.OPTIMAL and result.dual_bound is not None:
        room = max(1e-5 * max(1.0, float(np.abs(x).max())), 1e-3 * result.residual)
        assert missed(net, result.z, x, str(result.norm)) <= to_power(
            result.dual_bound + 1.001 * room, str(result.norm)
        )
    if result.realizable:
        assert missed(net, result.z, x, "inf") <= Fraction(1.001e-6 * max(1e-3, float(np.abs(x).max())))
    return result
