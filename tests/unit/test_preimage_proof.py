"""Certificates in exact arithmetic: true bounds are proved, false ones never, however a certificate is bent."""

from __future__ import annotations

import copy
import itertools
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import brute_force
import numpy as np
import pytest
from tiny_networks import NETWORKS, observation

import pyomo_relu as pr
from pyomo_relu.certified import checker
from pyomo_relu.certified.tree import prove_bound
from pyomo_relu.rational import residual
from reductions import CNF, DepthTwo, ThreeSat

BOX = (-2.0, 2.0)

MET = "absolute value"
"""Its observation is met: there is no bound to prove."""


@pytest.mark.parametrize("norm", ["inf", 1])
@pytest.mark.parametrize("name", [name for name in NETWORKS if name != MET])
def test_a_bound_below_the_optimum_is_proved_and_one_above_is_not(name, norm):
    net, x = NETWORKS[name], observation(name)
    best = brute_force.optimum(net, x, norm, *BOX)
    assert best > 1e-6
    proof = prove_bound(net, x, 0.9999 * best, BOX, norm, code=np.zeros(net.n_in))
    assert proof.status is pr.Status.OPTIMAL
    verdict = checker.check(json.loads(json.dumps(proof.certificate)))
    assert verdict.claim.bound == Fraction(0.9999 * best)
    assert verdict.residual == residual(net, [0] * net.n_in, x, norm)
    false = prove_bound(net, x, 1.001 * best, BOX, norm)
    assert (false.status, false.certificate) == (pr.Status.SOLVED, None)
    with pytest.raises(checker.RejectedError):
        checker.check({**proof.certificate, "bound": 1.001 * best})


@pytest.fixture(scope="module")
def proved():
    """A proof with facts and a tree of several leaves, and a bound that is false."""
    cnf = CNF(3, list(itertools.product((1, -1), (2, -2), (3, -3))))
    instance = DepthTwo().reduce(cnf)
    proof = prove_bound(instance.network, instance.observation, 0.9, (0.0, 1.0))
    assert proof.leaves > 4
    return proof.certificate


def numbers_in(node, path=()):
    """Yield the path of every number of a certificate."""
    if isinstance(node, (int, float)) and not isinstance(node, bool):
        yield path
    elif isinstance(node, (dict, list)):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from numbers_in(value, (*path, key))


def parent_of(node, path):
    for key in path[:-1]:
        node = node[key]
    return node


def splits_in(node, path=()):
    """Yield the path of every split of a tree."""
    if "on" in node:
        yield path
        yield from splits_in(node["on"], (*path, "on"))
        yield from splits_in(node["off"], (*path, "off"))


def bent(certificate, rng):
    """Return a certificate with its proof, not its claim, changed somewhere."""
    found = copy.deepcopy(certificate)
    proof = {"facts": found["facts"], "tree": found["tree"]}
    kind = rng.integers(3)
    splits = list(splits_in(found["tree"]))
    if kind == 0 or not splits:
        paths = list(numbers_in(proof))
        path = paths[rng.integers(len(paths))]
        place = parent_of(proof, path)
        place[path[-1]] = float(rng.choice([-1.0, 0.0, 2.0, 1e3])) * place[path[-1]] + float(rng.normal() * 1e-3)
        return found
    node = found["tree"]
    for key in splits[rng.integers(len(splits))]:
        node = node[key]
    if kind == 1:
        del node[rng.choice(["on", "off"])]
    else:
        node["on"], node["off"] = node["off"], node["on"]
    return found


def accepted(certificate):
    try:
        checker.check(certificate)
    except checker.RejectedError:
        return False
    return True


def test_a_false_claim_is_never_accepted(proved):
    rng = np.random.default_rng(0)
    false = {**proved, "bound": 1.01}  # the least residual is 1
    assert not any(accepted(bent(false, rng)) for _ in range(300))


def test_dropped_leaves_and_swapped_splits_are_rejected(proved):
    assert accepted(proved)
    for path in splits_in(proved["tree"]):
        for side in ("on", "off"):
            found = copy.deepcopy(proved)
            del parent_of(found["tree"], (*path, side))[side]
            assert not accepted(found)
    found = copy.deepcopy(proved)
    found["tree"]["on"], found["tree"]["off"] = found["tree"]["off"], found["tree"]["on"]
    assert not accepted(found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "another"}, "its format"),
        ({"norm": "2"}, "its norm"),
        ({"bound": float("nan")}, "not a finite number"),
        ({"bound": True}, "not a finite number"),
        ({"box": [[1.0] * 3, [0.0] * 3]}, "or its box is empty"),
        ({"code": [9.0] * 3}, "its code is not in the box"),
        ({"network": []}, "damaged: IndexError"),
        ({"tree": []}, "damaged: TypeError"),
        ({"tree": {"layer": 9, "neuron": 0, "on": {}, "off": {}}}, "is about no neuron"),
        ({"tree": {"layer": 1, "neuron": -1, "on": {}, "off": {}}}, "is about no neuron"),
        ({"observation": []}, "a list has not"),
    ],
)
def test_damage_is_told(proved, change, said):
    with pytest.raises(checker.RejectedError, match=said):
        checker.check({**proved, **change})


def test_the_checker_runs_alone(proved):
    script = Path(checker.__file__)

    def run(certificate):
        command, text = [sys.executable, "-I", str(script)], json.dumps(certificate)
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)

    good = run(proved)
    assert (good.returncode, good.stderr) == (0, "")
    assert ">= 0.9 for every code in the box" in good.stdout
    bad = run({**proved, "bound": 1.01})
    assert bad.returncode == 1
    assert bad.stderr.startswith("rejected: leaf")
    assert len(script.read_text().splitlines()) < 320


@pytest.mark.parametrize("reduction", [ThreeSat(), DepthTwo()])
def test_unsatisfiable_formulas_are_proved_so(reduction):
    cnf = CNF(3, [(1, 2, 3), (1, 2, -3), (1, -2), (-1, 2), (-1, -2, 3), (-2, -3), (-1, -3)])
    assert not any(cnf.satisfied_by(a) for a in itertools.product([False, True], repeat=3))
    instance = reduction.reduce(cnf)
    proof = prove_bound(instance.network, instance.observation, 0.9 * instance.gap, (0, 1), instance.gap_norm)
    assert checker.check(proof.certificate).claim.bound > 0


@pytest.mark.parametrize(
    ("sizes", "norm", "noise"),
    [
        ((5, 20, 40), "inf", 0.1),
        ((10, 40, 80), "inf", 0.1),
        ((5, 20, 40), 1, 0.01),
        pytest.param((10, 40, 80), 1, 0.01, marks=pytest.mark.slow),
    ],
)
def test_an_exact_inversion_is_proved(sizes, norm, noise):
    net = pr.Network.random(sizes, seed=3)
    rng = np.random.default_rng(3)
    x = net(rng.uniform(-1.0, 1.0, sizes[0])) + rng.uniform(-noise, noise, sizes[-1])
    result = pr.invert(net, x, pr.Exact(norm=norm), box=(-3, 3))
    proof = prove_bound(net, x, result.residual * (1.0 - 1e-6), (-3, 3), norm, code=result.z, seconds=600.0)
    verdict = checker.check(proof.certificate)
    assert 0 <= verdict.residual - verdict.claim.bound <= 2e-6 * verdict.residual


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"box": None}, "box must be given, and bounded"),
        ({"norm": 2}, "norm must be 'inf' or 1"),
        ({"norm": "two"}, "norm must be 'inf', 1, 2 or 'huber:<delta>'"),
        ({"seconds": float("nan")}, "seconds must be a positive number"),
        ({"max_leaves": 0}, "max_leaves must be an integer, at least 1"),
        ({"bound": 0.0}, "bound must be a positive number"),
        ({"code": [9.0]}, "code is not in the box"),
    ],
)
def test_bad_input_is_refused(change, said):
    arguments = {"bound": 0.5, "box": (-3, 3), **change}
    with pytest.raises(pr.InputError, match=said):
        prove_bound(NETWORKS["absolute value"], [-0.5], **arguments)
