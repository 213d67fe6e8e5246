"""Colourings, sets, covers and cuts of small graphs against brute force."""

import itertools
import math
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyomo_relu as pr
from pyomo_relu.rational import residual
from reductions import (
    CNF,
    GRAPH_REDUCTIONS,
    BiasFree,
    Coloring,
    IndependentSet,
    MaxCut,
    ThreeSat,
    VertexCover,
    cut_weight,
    models,
)
from reductions.cardinality import at_most

GRAPHS = [nx.relabel_nodes(graph, str) for graph in nx.graph_atlas_g()[1:53]]


def subsets(nodes):
    return [set(chosen) for size in range(len(nodes) + 1) for chosen in itertools.combinations(nodes, size)]


def independent(graph, chosen):
    return graph.subgraph(chosen).number_of_edges() == 0


def colorable(graph, k):
    return any(
        all(colors[u] != colors[v] for u, v in graph.edges)
        for colors in (
            dict(zip(graph, choice, strict=True)) for choice in itertools.product(range(k), repeat=len(graph))
        )
    )


@pytest.mark.parametrize("n", range(6))
@pytest.mark.parametrize("bound", range(-1, 7))
def test_at_most(n, bound):
    literals = [i if i % 2 else -i for i in range(1, n + 1)]
    clauses, n_variables = at_most(literals, bound, n)
    allowed = {tuple(model[:n]) for model in models(CNF(n_variables, tuple(clauses)))}
    counts = {
        values: sum(value == (literal > 0) for value, literal in zip(values, literals, strict=True))
        for values in itertools.product([False, True], repeat=n)
    }
    assert allowed == {values for values, count in counts.items() if count <= bound}
    if 0 < bound < n:
        assert n_variables == n + (n - 1) * bound
        assert len(clauses) == 2 * n * bound + n - 4 * bound


@pytest.mark.parametrize("via", [None, ThreeSat(), BiasFree()], ids=["box", "three-sat", "bias-free"])
@pytest.mark.parametrize("name", ["coloring", "independent-set", "vertex-cover"])
def test_solutions_of_small_graphs(name, via):
    for graph in GRAPHS if via is None else GRAPHS[::7]:
        for number in range(1, 4) if name == "coloring" else range(len(graph) + 2):
            options = {} if via is None else {"via": via}
            reduction = GRAPH_REDUCTIONS[name](number, **options)
            expected = {
                "coloring": lambda n, g=graph: colorable(g, n),
                "independent-set": lambda n, g=graph: any(independent(g, s) and len(s) >= n for s in subsets(g)),
                "vertex-cover": lambda n, g=graph: any(independent(g, set(g) - s) and len(s) <= n for s in subsets(g)),
            }[name](number)
            instance = reduction.reduce(graph)
            assert (instance.name, instance.source) == (name, graph)
            model = next(models(reduction.formula(graph)), None)
            assert (model is not None) == expected
            if model is None:
                continue
            z = [1.0] * isinstance(via, BiasFree) + [float(value) for value in model]
            assert residual(instance.network, z, instance.observation) == 0
            check_solution(graph, number, name, reduction.lift(instance, z))


def check_solution(graph, number, name, solution):
    if name == "coloring":
        assert set(solution) == set(graph)
        assert set(solution.values()) <= set(range(number))
        assert all(solution[u] != solution[v] for u, v in graph.edges)
    elif name == "independent-set":
        assert independent(graph, solution)
        assert number <= len(solution)
    else:
        assert independent(graph, set(graph) - solution)
        assert len(solution) <= number


def test_sizes_of_formulas_are_as_stated():
    graph = nx.petersen_graph()
    n, e = 10, 15
    assert (Coloring(3).formula(graph).n_variables, len(Coloring(3).formula(graph).clauses)) == (3 * n, n + 3 * e)
    cover, independent_set = VertexCover(6).formula(graph), IndependentSet(4).formula(graph)
    assert cover.n_variables == independent_set.n_variables == n + (n - 1) * 6
    assert len(cover.clauses) == len(independent_set.clauses) == e + 2 * n * 6 + n - 4 * 6


@pytest.mark.parametrize("index", range(0, 52, 3))
def test_max_cut_on_small_graphs(index):
    graph = GRAPHS[index].copy()
    rng = np.random.default_rng(index)
    for u, v in graph.edges:
        graph.edges[u, v]["weight"] = int(rng.integers(1, 4))
    maximum = max(cut_weight(graph, side) for side in subsets(graph))
    for target in range(maximum + 3):
        reduction = MaxCut(target)
        instance = reduction.reduce(graph)
        corners = np.array(list(itertools.product([0.0, 1.0], repeat=len(graph))))
        outputs = instance.network(corners)[:, 0]
        assert outputs.max() == maximum
        best = corners[outputs.argmax()]
        if target > maximum:
            assert reduction.lift(instance, best) is None
            continue
        assert cut_weight(graph, reduction.lift(instance, best)) >= target
        # Every value between 0 and the maximum is taken on the way there from 0.
        z = [Fraction(target, max(maximum, 1)) * int(value) for value in best]
        assert residual(instance.network, z, instance.observation) == 0
        assert cut_weight(graph, reduction.lift(instance, z)) >= target


@given(st.integers(0, 51), st.integers(0, 12), st.data())
@settings(max_examples=200, deadline=None)
def test_max_cut_gap(index, target, data):
    graph = GRAPHS[index]
    reduction = MaxCut(target)
    instance = reduction.reduce(graph)
    z = data.draw(st.lists(st.fractions(0, 1, max_denominator=8), min_size=len(graph), max_size=len(graph)))
    if residual(instance.network, z, instance.observation) < Fraction(instance.gap):
        assert cut_weight(graph, reduction.lift(instance, z)) >= target


def test_exact_inversion_finds_a_colouring_and_a_cut():
    coloring = Coloring(3)
    instance = coloring.reduce(nx.cycle_graph(5))
    result = pr.invert(instance.network, instance.observation, pr.Exact(), box=instance.box)
    check_solution(nx.cycle_graph(5), 3, "coloring", coloring.lift(instance, result.z))
    for target, exists in ((4, True), (5, False)):
        cut = MaxCut(target)
        instance = cut.reduce(nx.cycle_graph(5))
        result = pr.invert(instance.network, instance.observation, pr.Exact(), box=instance.box)
        assert (cut.lift(instance, result.z) is not None) == exists == (result.residual < 0.5)
        assert exists or math.isclose(result.dual_bound, 1.0, rel_tol=1e-4)


@pytest.mark.parametrize("reduction", [Coloring(3), IndependentSet(1), VertexCover(1), MaxCut(1)], ids=str)
def test_bad_graphs_are_refused(reduction):
    for graph, message in (
        (nx.DiGraph([(1, 2)]), "expected an undirected networkx.Graph, got DiGraph"),
        (nx.MultiGraph([(1, 2)]), "got MultiGraph"),
        ([(1, 2)], "got list"),
        (nx.Graph(), "the graph has no nodes"),
        (nx.Graph([(1, 1)]), "an edge from node 1 to itself"),
    ):
        with pytest.raises(pr.InputError, match=message):
            reduction.reduce(graph)
    instance = reduction.reduce(nx.path_graph(3))
    with pytest.raises(pr.ShapeError, match="code has 1 entries"):
        reduction.lift(instance, [0.5])


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64])
def test_numpy_integers_are_numbers_like_any_other(kind):
    long, short = nx.path_graph(60), nx.path_graph(3)
    assert Coloring(kind(3)).formula(long) == Coloring(3).formula(long)
    for reduction in (IndependentSet, VertexCover):
        assert reduction(kind(5)).formula(short) == reduction(5).formula(short)
    assert MaxCut(kind(100)) == MaxCut(100)
    assert type(MaxCut(kind(100)).target) is int


def test_bad_numbers_are_refused():
    for make, number, message in (
        (Coloring, 0, "n_colors must be an integer, at least 1, got 0"),
        (IndependentSet, -1, "size must be an integer, at least 0"),
        (VertexCover, 1.5, "size must be an integer"),
        (MaxCut, True, "target must be an integer"),
        (MaxCut, 2**53, r"target must be less than 2\^53"),
        (MaxCut, 10**400, r"target must be less than 2\^53"),
    ):
        with pytest.raises(pr.InputError, match=message):
            make(number)
    for weight in (0, -1, 0.5, "2"):
        graph = nx.Graph()
        graph.add_edge("a", "b", weight=weight)
        with pytest.raises(pr.InputError, match="weight of the edge 'a', 'b' must be an integer"):
            MaxCut(1).reduce(graph)
    graph.add_edge("a", "b", weight=2**60)
    with pytest.raises(pr.InputError, match="too much for exact"):
        MaxCut(1).reduce(graph)
