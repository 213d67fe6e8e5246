"""Random numbers of the package's own: no seed of a user's draws them, and no two purposes share them."""

import ast
from pathlib import Path

import numpy as np
import pytest

import pyomo_relu as pr
import reductions
from pyomo_relu.streams import stream

SOURCES = [path for package in (pr, reductions) for path in Path(package.__file__).parent.rglob("*.py")]

OWN_INSTANCES = ("experiments", "theorem_1.py")
"""What draws the instances of published tables: from lists of seed, experiment and run, and once from those."""


def calls(name):
    """Yield where a function of that name is called, and the call."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and name in (getattr(node.func, "attr", ""), getattr(node.func, "id", "")):
                yield path, node


def test_every_purpose_has_a_tag_of_its_own():
    tags = [call.args[0].value for _, call in calls("stream")]
    assert {"network", "descent", "gradient descent"} < set(tags)
    assert len(tags) == len(set(tags))


def test_nothing_draws_from_a_bare_seed():
    found = {path for path, _ in calls("default_rng") if path.name != "streams.py"}
    assert not [path for path in found if not set(OWN_INSTANCES) & set(path.parts)]


@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_a_stream_is_that_of_its_seed_and_of_no_other_tag_or_user(seed):
    again = stream("descent", seed).normal(size=20)
    assert (stream("descent", seed).normal(size=20) == again).all()
    users = [np.random.default_rng(entropy) for entropy in (seed, [seed, 0], [seed, *b"descent"])]
    for other in (*users, stream("descents", seed), stream("descent", seed + 1)):
        assert not np.isin(other.normal(size=20), again).any()


@pytest.mark.parametrize("method", [pr.Descent(starts=1), pr.GradientDescent(), pr.Hybrid(), pr.Exact("inf")])
def test_a_truth_of_seed_0_is_as_hard_to_find_as_any_other(method):
    """More inputs than outputs: x is met by many codes, and the search is to have no way to the truth."""
    net = pr.Network.random((30, 10), seed=5)
    for seed in range(2):
        truth = np.random.default_rng(seed).normal(size=30)
        found = pr.invert(net, net(truth), method, box=(-5.0, 5.0))
        assert np.abs(found.z - truth).max() > 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_no_row_of_a_random_network_lies_along_the_code_of_its_seed(seed):
    rows, code = pr.Network.random((5, 20, 40), seed=seed)[0].weight, np.random.default_rng(seed).normal(size=5)
    assert np.abs(rows @ code / np.linalg.norm(rows, axis=1) / np.linalg.norm(code)).max() < 0.9999


def test_random_and_planted_formulas_of_a_seed_are_not_alike():
    clauses = set(reductions.random_cnf(30, 200, seed=0).clauses)
    assert len(clauses & set(reductions.planted_cnf(30, 200, seed=0)[0].clauses)) < 10
