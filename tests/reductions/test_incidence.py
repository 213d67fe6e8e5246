"""Components of formulas, and their picture."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyomo_relu as pr
from reductions import CNF, components, draw, incidence_graph, join, models
from reductions.incidence import occurring


def test_incidence_graph():
    graph = incidence_graph(CNF(3, [(1, -1, 2, 2), ()]))
    assert graph.number_of_nodes() == 5
    assert graph.edges[("clause", 0), ("variable", 1)]["signs"] == {True, False}
    assert graph.edges[("clause", 0), ("variable", 2)]["signs"] == {True}
    assert graph.degree["clause", 1] == graph.degree["variable", 3] == 0


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from([1, -1, 2, -2, 3, -3, 4, -4, 5]), max_size=2).map(tuple), max_size=4))
def test_models_are_the_products_of_the_components_models(clauses):
    cnf = CNF(5, tuple(clauses))
    parts = components(cnf)
    assert sorted(i for part in parts for i in part.variables) == [1, 2, 3, 4, 5]
    assert sum(len(part.cnf.clauses) for part in parts) == len(clauses)
    joined = [[]]
    for part in parts:
        joined = [[*before, model] for before in joined for model in models(part.cnf)]
    assert sorted(join(parts, choice) for choice in joined) == sorted(models(cnf))


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from([1, -3, 3, 90, -90]), max_size=3).map(tuple), max_size=4))
def test_clauses_keep_their_meaning_over_the_variables_that_occur(clauses):
    cnf = CNF(100, tuple(clauses))
    part = occurring(cnf)
    assert set(part.variables) == {abs(literal) for clause in clauses for literal in clause}
    for model in itertools.product([False, True], repeat=len(part.variables)):
        whole = [False] * 100
        for variable, value in zip(part.variables, model, strict=True):
            whole[variable - 1] = value
        assert part.cnf.violated_by(model) == cnf.violated_by(whole)


def test_a_picture_of_too_much_is_refused(tmp_path):
    with pytest.raises(pr.InputError, match="999999 variables and 1 clauses would show nothing"):
        draw(CNF(999_999, [(1,)]), tmp_path / "picture.svg")


def test_join_checks_sizes():
    parts = components(CNF(2, [(1, 2)]))
    with pytest.raises(pr.ShapeError, match="got 2 assignments for 1 components"):
        join(parts, [[True], [True]])
    with pytest.raises(pr.ShapeError, match="assignment 0 has 1 entries, its component 2"):
        join(parts, [[True]])


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_draw(tmp_path, suffix):
    for name, cnf in (("one", CNF(4, [(1, -2), (2, 3, -4)])), ("parts", CNF(4, [(1, -2), ()])), ("none", CNF(0, ()))):
        draw(cnf, tmp_path / (name + suffix))
        assert (tmp_path / (name + suffix)).stat().st_size > 500
    with pytest.raises(pr.InputError, match="cannot draw"):
        draw(cnf, tmp_path / "picture.gif")
