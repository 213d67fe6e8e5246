"""The SAT oracle against truth tables, and proofs against a checker that does not know it."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from special_files import watched

import pyomo_relu as pr
from reductions import CNF, check_proof, models, random_cnf, solve, unsat_proof

SQUARE = CNF(2, [(1, 2), (-1, 2), (1, -2), (-1, -2)])


def test_oracle_agrees_with_truth_tables(formulas):
    for cnf, table in formulas:
        found = solve(cnf)
        assert (found is not None) == table.any()
        if found is None:
            assert check_proof(cnf, unsat_proof(cnf))
        else:
            assert len(found) == cnf.n_variables
            assert cnf.satisfied_by(found)


def test_models_are_complete(formulas):
    for cnf, table in formulas[:100]:
        found = list(models(cnf))
        assert len(found) == len(set(map(tuple, found))) == table.sum()
    assert list(models(CNF(0, ()))) == [[]]
    assert list(models(CNF(0, ((),)))) == []


def test_proofs_of_larger_formulas():
    for seed in range(3):
        cnf = random_cnf(40, 260, seed=seed)
        proof = unsat_proof(cnf)
        assert len(proof) > 10
        assert check_proof(cnf, proof)
        assert not check_proof(cnf, ["0"])
        assert not check_proof(cnf, proof[:-1])


def test_a_satisfiable_formula_has_no_proof():
    with pytest.raises(pr.InputError, match="the formula is satisfiable"):
        unsat_proof(CNF(2, [(1, 2)]))


LITERAL = st.sampled_from([1, -1, 2, -2, 3, -3])


@given(
    st.lists(st.lists(LITERAL, max_size=3).map(tuple), max_size=9),
    st.lists(st.tuples(st.booleans(), st.lists(LITERAL, max_size=2)), max_size=6),
)
@settings(max_examples=400)
def test_no_lines_prove_a_satisfiable_formula_unsatisfiable(clauses, steps):
    cnf = CNF(3, tuple(clauses))
    lines = [("d " if deletes else "") + " ".join(map(str, (*clause, 0))) for deletes, clause in steps]
    if check_proof(cnf, [*lines, "0"]):
        assert solve(cnf) is None


def test_each_step_is_checked():
    assert check_proof(SQUARE, ["c comment", "", "  1 2 1 0 ", "d 1 2 0", "2 0", "0"])
    assert not check_proof(CNF(3, SQUARE.clauses), ["3 0", "2 0", "0"])
    assert check_proof(CNF(1, [()]), ["0"])
    for line in ("2", "2 0 0", "x 0", "d", "- 0", "1_0 0"):
        with pytest.raises(pr.InputError, match="proof, line 2: "):
            check_proof(SQUARE, ["1 2 0", line])


def test_without_python_sat(monkeypatch):
    monkeypatch.setitem(sys.modules, "pysat.solvers", None)
    with pytest.raises(pr.MissingDependencyError, match=r'pip install "pyomo-relu\[sat\]"'):
        solve(SQUARE)


@pytest.mark.parametrize("line", ["2 0", "1 2 0", "2 1 0"])
def test_a_line_that_is_repeated_costs_nothing(line):
    with watched():
        assert check_proof(SQUARE, [*[line] * 50_000, "2 0", "0"])
        assert not check_proof(SQUARE, [line] * 50_000)
