"""Nobody makes the checker accept what is false: damaged JSON, strange numbers, bent proofs, and a second checker."""

from __future__ import annotations

import copy
import itertools
import json
import random
import struct
import sys

import numpy as np
import plain_checker
import pytest
from tiny_networks import NETWORKS, observation

import pyomo_relu as pr
from pyomo_relu.certified import checker
from pyomo_relu.certified.tree import prove_bound
from reductions import CNF, DepthTwo, ThreeSat

FALSE = json.loads("""{
    "format": "pyomo-relu certificate 3",
    "network": [{"weight": [[1.0], [-1.0]], "bias": [0.0, 0.0], "slopes": [0.0, 0.0]},
                {"weight": [[1.0, 1.0]], "bias": [0.0], "slopes": [0.0]}],
    "observation": [-0.5], "box": [[-3.0], [3.0]], "norm": "inf", "bound": 0.75, "code": [0.0],
    "facts": [], "tree": {"output": [1.0], "rows": [[0.0, 0.0], [0.0]]}}""")
"""That |z| misses -0.5 by 0.75; it misses it by 0.5."""

LEAF = FALSE["tree"]


def accepted(text):
    try:
        checker.check(checker.load(text))
    except checker.RejectedError:
        return False
    return True


def test_what_is_true_is_accepted():
    assert accepted(json.dumps({**FALSE, "bound": 0.5}))


def test_a_certificate_of_format_2_has_a_slope_a_layer():
    layers = [{**{key: layer[key] for key in ("weight", "bias")}, "slope": 0.0} for layer in FALSE["network"]]
    old = {**FALSE, "format": "pyomo-relu certificate 2", "network": layers}
    assert accepted(json.dumps({**old, "bound": 0.5}))
    assert not accepted(json.dumps(old))
    assert not accepted(json.dumps({**old, "bound": 0.5, "format": "pyomo-relu certificate 3"}))


def test_what_is_false_is_not_accepted():
    assert not accepted(json.dumps(FALSE))


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"tree": {"output": [v], "rows": LEAF["rows"]}}
            for v in (10**308, -(10**308), 1e308, 5e-324, True, "9", None)
        ),
        *({"tree": {"output": [1.0], "rows": [[v, v], [v]]}} for v in (10**308, -1e308, 5e-324)),
        *({"norm": norm} for norm in (True, 1, [1], "1 ", None)),
        *({"network": network} for network in ([], {}, "", [{"weight": [], "bias": [], "slopes": []}])),
        *(
            {"network": [{**FALSE["network"][0], "slopes": slopes}, FALSE["network"][1]]}
            for slopes in ([2.0, 0.0], [-1.0, 0.0], [0.0], 0.0)
        ),
        {"network": [{**FALSE["network"][0], "weight": [[1.0]]}, FALSE["network"][1]]},
        *({"box": box} for box in ([[], []], [[3.0], [-3.0]], [[0.0], [1.0], [2.0]], [[1.0], [1.0]], "ab", {})),
        *({"tree": tree} for tree in ("on off", None, ["on"], [], {"on": LEAF}, {"off": LEAF})),
        *(
            {"tree": {"layer": layer, "neuron": neuron, "on": LEAF, "off": LEAF}}
            for layer, neuron in ((0, 0), (-1, 0), (1.0, 0), (True, False), (1, 2), (1, -1), (3, 0), ("1", "0"))
        ),
        {"tree": {"layer": 1, "neuron": 0, "on": LEAF, "off": {"layer": 1, "neuron": 0, "on": LEAF, "off": LEAF}}},
        {"facts": [[{"layer": 0, "neuron": 0, "side": "both", **LEAF}]]},
        {
            "facts": [
                [{"layer": 0, "neuron": 0, "side": "lower", "output": [1e300], "rows": [[1e300, -1e300], [1e300]]}]
            ]
        },
        *({"code": code} for code in ([9.0], [], [0.0, 0.0], "0", [None])),
        {"bound": 1e308},
    ],
)
def test_no_damage_makes_it_true(change):
    assert not accepted(json.dumps({**FALSE, **change}))


@pytest.mark.parametrize("key", FALSE)
def test_nothing_may_be_left_out(key):
    assert not accepted(json.dumps({name: value for name, value in FALSE.items() if name != key}))


def test_text_that_is_no_honest_json_is_rejected():
    text = json.dumps({**FALSE, "bound": 0.5})
    assert accepted(text)
    for old, new in (
        ('"bound": 0.5', '"bound": 0.75, "bound": 0.5'),
        ('"slopes": [0.0]', '"slopes": [1.0], "slopes": [0.0]'),
        ('"output": [1.0]', '"output": [1.0], "output": [1.0]'),
        ('"output": [1.0]', '"output": [NaN]'),
        ('"output": [1.0]', '"output": [Infinity]'),
        ('"output": [1.0]', f'"output": [{"9" * 400}]'),
        ('"output": [1.0]', f'"output": [{"9" * 5000}]'),
        ('"tree": {', '"tree": ' + '{"on":' * 5000 + "{"),
    ):
        assert text.count(old) >= 1
        assert not accepted(text.replace(old, new, 1))
    for other in ("", "[]", "3", "null", '"on"', "[" * 100_000, b"\xff\xfe"):
        assert not accepted(other)


def calls_of(certificate):
    """How many calls of Python functions a check takes: it counts work, and does not depend on the machine."""
    text, calls = json.dumps(certificate), []
    accepted(text)  # what is done once, as filling caches, is not counted
    sys.setprofile(lambda frame, event, _: calls.append(None) if event == "call" else None)
    try:
        found = accepted(text)
    finally:
        sys.setprofile(None)
    assert found
    return len(calls)


def test_rounds_without_facts_cost_nothing_and_prove_nothing(originals):
    true, many = {**FALSE, "bound": 0.5}, [[]] * 10_000
    # Some calls are those of others, as of a garbage collector's callbacks: one a round would be ten thousand.
    assert calls_of({**true, "facts": many}) < calls_of(true) + 1000
    assert not accepted(json.dumps({**FALSE, "facts": many}))
    for original in originals:
        spread = [part for facts in original["facts"] for part in ([], facts, [])]
        assert calls_of({**original, "facts": spread}) < 1.05 * calls_of(original)


@pytest.mark.parametrize("facts", [[None], [{}], [""], [0], {"a": []}, [[], None], ["ab"]])
def test_a_round_of_facts_is_a_list(facts):
    assert not accepted(json.dumps({**FALSE, "bound": 0.5, "facts": facts}))


def test_a_tree_costs_the_same_a_split_however_deep():
    costs = []
    for depth in (50, 100, 200):
        tree = LEAF
        for i in range(depth):
            # The other side of every second split is empty: the inner one says the contrary.
            tree = {"layer": 1, "neuron": i % 2, "on": tree, "off": LEAF}
        costs.append(calls_of({**FALSE, "bound": 0.5, "tree": tree}))
    fifty, another_hundred = costs[1] - costs[0], costs[2] - costs[1]
    assert 0 < another_hundred <= 2 * fifty + 10


def test_a_certificate_too_long_is_rejected(monkeypatch):
    text = json.dumps({**FALSE, "bound": 0.5})
    monkeypatch.setattr(checker, "MOST_BYTES", len(text))
    assert accepted(text)
    assert not accepted(text + " ")


def test_random_proofs_of_what_is_false_are_rejected():
    rng = random.Random(0)
    numbers = [0, 1, -1, 0.5, -0.5, 2, 3, 1e-300, 1e300, -1e300, 2.0**-1074]

    def leaf():
        row = [rng.choice([*numbers, rng.gauss(0, 1)]) for _ in range(4)]
        return {"output": row[:1], "rows": [row[1:3], row[3:]]}

    def tree(depth):
        if depth and rng.random() < 0.5:
            return {"layer": rng.choice([1, 2]), "neuron": 0, "on": tree(depth - 1), "off": tree(depth - 1)}
        return leaf()

    def fact():
        layer = rng.choice([0, 1, 2])
        place = {"layer": layer, "neuron": rng.choice([0, 1]) if layer == 1 else 0}
        return {**place, "side": rng.choice(["lower", "upper"]), **leaf()}

    for _ in range(1000):
        x, best = rng.choice([(-0.5, 0.5), (0.25, 0.0), (2.0, 0.0), (4.0, 1.0)])
        facts = [[fact() for _ in range(rng.randint(0, 4))] for _ in range(rng.randint(0, 3))]
        bound, norm = max(best * 1.0000001, 1e-9), rng.choice(["inf", "1"])
        proof = {**FALSE, "observation": [x], "bound": bound, "norm": norm, "facts": facts, "tree": tree(3)}
        assert not accepted(json.dumps(proof))


def leaves_and_facts(certificate):
    """Yield everything with multipliers."""
    yield from (fact for facts in certificate["facts"] for fact in facts)
    waiting = [certificate["tree"]]
    while waiting:
        node = waiting.pop()
        if "on" in node:
            waiting += [node["on"], node["off"]]
        else:
            yield node


def splits(node):
    if "on" in node:
        yield node
        yield from splits(node["on"])
        yield from splits(node["off"])


def flipped(value, bit):
    (integer,) = struct.unpack("<Q", struct.pack("<d", value))
    return struct.unpack("<d", struct.pack("<Q", integer ^ (1 << bit)))[0]


def bent(certificate, rng):
    """Return a certificate in which a bit of a multiplier is flipped, a leaf dropped, or a split's sides swapped."""
    found, kind = copy.deepcopy(certificate), rng.integers(3)
    nodes = list(splits(found["tree"]))
    if kind == 0 or not nodes:
        places = list(leaves_and_facts(found))
        place = places[rng.integers(len(places))]
        row = [place["output"], *place["rows"]][rng.integers(1 + len(place["rows"]))]
        j = rng.integers(len(row))
        row[j] = flipped(float(row[j]), int(rng.integers(64)))
        return found
    node = nodes[rng.integers(len(nodes))]
    if kind == 1:
        del node["on" if rng.integers(2) else "off"]
    else:
        node["on"], node["off"] = node["off"], node["on"]
    return found


@pytest.fixture(scope="module")
def originals():
    return list(proofs())


def proofs():
    """Yield proofs of all kinds: both norms, slopes, formulas."""
    for name, norm in itertools.product(("two layers", "leaky", "contracting"), ("inf", 1)):
        net, x = NETWORKS[name], observation(name)
        best = pr.invert(net, x, pr.Exact(norm=norm), box=(-2, 2))
        yield prove_bound(net, x, best.residual * (1 - 1e-6), (-2, 2), norm, code=best.z).certificate
    cnf = CNF(3, tuple(itertools.product((1, -1), (2, -2), (3, -3))))
    for reduction in (ThreeSat(), DepthTwo()):
        instance = reduction.reduce(cnf)
        net, x, norm = instance.network, instance.observation, instance.gap_norm
        yield prove_bound(net, x, 0.9 * instance.gap, (0, 1), norm, code=np.zeros(3)).certificate


@pytest.mark.parametrize("count", [8, pytest.param(1000, marks=pytest.mark.slow)])
def test_bent_proofs_are_rejected_or_prove_it_still(count, originals):
    rng, kept = np.random.default_rng(0), 0
    for i in range(count):
        original = originals[i % len(originals)]
        found = bent(original, rng)
        if accepted(json.dumps(found)):
            kept += 1
            assert plain_checker.proves(found)
        # The same bends of a proof of what its own code refutes.
        false = {**found, "bound": float(checker.check(original).residual) * (1 + 1e-6)}
        assert not accepted(json.dumps(false))
    assert kept < count


def test_both_checkers_agree_on_what_was_proved(originals):
    for certificate in originals:
        assert accepted(json.dumps(certificate))
        assert plain_checker.proves(certificate)
