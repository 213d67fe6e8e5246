"""Random formulas with everything that can go wrong in them, and their truth tables."""

import itertools

import numpy as np
import pytest

from reductions import CNF


def random_formula(rng):
    """Draw up to eight variables, clauses of up to three literals, repeated, tautological, rarely empty."""
    k = int(rng.integers(1, 9))
    clauses = []
    for _ in range(int(rng.integers(0, rng.integers(2, 7 * k + 2)))):
        length = 0 if rng.random() < 0.004 else int(rng.choice([1, 2, 3, 3, 3]))
        clauses.append(tuple(int(i) for i in rng.integers(1, k + 1, length) * rng.choice([-1, 1], length)))
        if rng.random() < 0.1:
            clauses.append(clauses[-1][::-1])
    return CNF(k, tuple(clauses))


def all_points(k):
    return np.array(list(itertools.product([0.0, 1.0], repeat=k)))


def models_of(cnf):
    """Return which of all points satisfy the formula, without a word of the package."""
    values = all_points(cnf.n_variables) == 1.0
    true = np.ones(len(values), dtype=bool)
    for clause in cnf.clauses:
        holds = np.zeros(len(values), dtype=bool)
        for literal in clause:
            holds |= values[:, abs(literal) - 1] == (literal > 0)
        true &= holds
    return true


@pytest.fixture(scope="session")
def formulas():
    """500 formulas, each with the array that says which of the 2^k points are models."""
    rng = np.random.default_rng(20)
    drawn = [random_formula(rng) for _ in range(500)]
    found = [(cnf, models_of(cnf)) for cnf in drawn]
    satisfiable = sum(bool(models.any()) for _, models in found)
    assert 150 <= satisfiable <= 350
    assert any(not clause for cnf in drawn for clause in cnf.clauses)
    assert any(not cnf.clauses for cnf in drawn)
    return found
