"""Formulas as values, and random ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyomo_relu as pr
from reductions import CNF, planted_cnf, random_cnf


def test_values_are_checked_and_frozen():
    cnf = CNF(np.int64(3), [[1, -2], np.array([3])])
    assert cnf.clauses == ((1, -2), (3,))
    assert {type(literal) for clause in cnf.clauses for literal in clause} == {int}
    assert hash(cnf) == hash(CNF(3, ((1, -2), (3,))))
    for n_variables, clauses, message in (
        (-1, (), "must be at least 0"),
        (2.0, (), "expected an integer, got 2.0"),
        (True, (), "expected an integer, got True"),
        (2, [(0,)], "clause 0 has the literal 0; literals are 1 to 2"),
        (2, [(1,), (1, -3)], "clause 1 has the literal -3"),
        (2, [1], "clause 0: expected a sequence, got 1"),
        (2, "12", "clauses: expected a sequence"),
        (2, [("1",)], "clause 0: expected an integer, got '1'"),
    ):
        with pytest.raises(pr.InputError, match=message):
            CNF(n_variables, clauses)


def test_satisfied_by_checks_the_assignment():
    cnf = CNF(2, [(1, 2), ()])
    assert cnf.violated_by([False, False]) == (0, 1)
    assert cnf.violated_by(np.array([True, False])) == (1,)
    assert not cnf.satisfied_by([True, True])
    with pytest.raises(pr.ShapeError, match="assignment has 3 entries, the formula 2 variables"):
        cnf.satisfied_by([True] * 3)
    with pytest.raises(pr.InputError, match="entry 1 must be True or False, got 1"):
        cnf.satisfied_by([True, 1])


@given(st.lists(st.lists(st.sampled_from([1, -1, 2, -2, 3, -3]), max_size=4).map(tuple), max_size=8))
def test_normalising_keeps_the_models_and_the_origin(clauses):
    cnf = CNF(3, tuple(clauses))
    normal = cnf.normalise()
    assert normal.cnf.n_variables == 3
    assert len(set(normal.cnf.clauses)) == len(normal.cnf.clauses) == len(normal.origin)
    for clause, origin in zip(normal.cnf.clauses, normal.origin, strict=True):
        assert origin
        assert all(set(clauses[j]) == set(clause) for j in origin)
        assert len({abs(literal) for literal in clause}) == len(clause)
    dropped = set(range(len(clauses))).difference(*normal.origin)
    assert all(any(-literal in clauses[j] for literal in clauses[j]) for j in dropped)
    for bits in range(8):
        assignment = [bool(bits >> i & 1) for i in range(3)]
        assert cnf.satisfied_by(assignment) == normal.cnf.satisfied_by(assignment)
    assert normal.cnf.normalise().cnf == normal.cnf


@given(st.integers(1, 12), st.integers(0, 60), st.integers(1, 4), st.integers(0, 10**6))
def test_random_formulas(n, m, k, seed):
    k = min(k, n)
    cnf = random_cnf(n, m, k, seed)
    assert cnf == random_cnf(n, m, k, seed)
    planted, assignment = planted_cnf(n, m, k, seed)
    assert planted.satisfied_by(assignment)
    for drawn in (cnf, planted):
        assert drawn.n_variables == n
        assert len(drawn.clauses) == m
        assert all(len({abs(literal) for literal in clause}) == len(clause) == k for clause in drawn.clauses)


def test_random_formulas_use_all_clauses():
    assert len(set(random_cnf(3, 400, seed=0).clauses)) == 8
    assert len(set(planted_cnf(3, 400, seed=0)[0].clauses)) == 7
    with pytest.raises(pr.InputError, match="clauses of 3 distinct variables cannot be drawn from 2"):
        random_cnf(2, 5)
    with pytest.raises(pr.InputError, match="n_clauses must be an integer, at least 0, got -1"):
        planted_cnf(3, -1)
    for numbers, said in (
        ((5.0, 3), r"n_variables must be an integer, at least 0, got 5\.0"),
        ((5, 3.0), "n_clauses must be an integer"),
        ((5, 3, 1.5), "k must be an integer"),
        ((5, 3, 3, -1), "seed must be an integer, at least 0, got -1"),
    ):
        for draw in (random_cnf, planted_cnf):
            with pytest.raises(pr.InputError, match=said):
                draw(*numbers)
