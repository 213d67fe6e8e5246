"""The graph of a formula: which variables occur in which clauses, its components, and a picture of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import networkx as nx

from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.figure import ACCENT, INK, SOFT, check_picture, new_figure, save_figure
from reductions.cnf import CNF

LARGE = 200
"""Nodes beyond which a picture is laid out by springs, in less than quadratic time and less well."""

LARGEST = 2000
"""Nodes of a picture: of more nothing can be told apart, and the springs take minutes."""


def incidence_graph(cnf: CNF) -> nx.Graph:
    """Return the bipartite graph of variables and clauses.

    Parameters
    ----------
    cnf : CNF

    Returns
    -------
    networkx.Graph
        Nodes ``("variable", i)``, i from 1, and ``("clause", j)``, j from 0; an edge has
        ``signs``, the set of True and False with which the variable occurs in the clause.

    Examples
    --------
    >>> graph = incidence_graph(CNF(3, [(1, -2)]))
    >>> len(graph), graph.edges[("clause", 0), ("variable", 2)]
    (4, {'signs': {False}})
    """
    graph = nx.Graph()
    graph.add_nodes_from((("variable", i) for i in range(1, cnf.n_variables + 1)), bipartite=0)
    graph.add_nodes_from((("clause", j) for j in range(len(cnf.clauses))), bipartite=1)
    for j, clause in enumerate(cnf.clauses):
        for literal in set(clause):
            edge = ("clause", j), ("variable", abs(literal))
            signs = graph.edges[edge]["signs"] if graph.has_edge(*edge) else set()
            graph.add_edge(*edge, signs=signs | {literal > 0})
    return graph


@dataclass(frozen=True)
class Component:
    """One connected part of a formula, as a formula of its own.

    Parameters
    ----------
    cnf : CNF
        Over its own variables 1, 2, ...; an empty clause is a component without variables.
    variables : tuple of int
        The original variable of each, in rising order.

    Examples
    --------
    >>> components(CNF(4, [(1, -4), (2,)]))[0]
    Component(cnf=CNF(n_variables=2, clauses=((1, -2),)), variables=(1, 4))
    """

    cnf: CNF
    variables: tuple[int, ...]


def components(cnf: CNF) -> list[Component]:
    """Return the connected components of the incidence graph; a formula is satisfiable iff each of them is.

    A variable that occurs nowhere is a component without clauses.

    Parameters
    ----------
    cnf : CNF

    Returns
    -------
    list of Component
        In the order of their first variables.

    Examples
    --------
    >>> for part in components(CNF(4, [(1, -4), (2,)])):
    ...     print(part.variables, part.cnf.clauses)
    (1, 4) ((1, -2),)
    (2,) ((1,),)
    (3,) ()
    """
    found = []
    for nodes in nx.connected_components(incidence_graph(cnf)):
        variables = tuple(sorted(i for kind, i in nodes if kind == "variable"))
        found.append(_part(cnf, variables, sorted(j for kind, j in nodes if kind == "clause")))
    return found


def occurring(cnf: CNF) -> Component:
    """Return all clauses, as a formula over the variables that occur in them; any value will do for the others.

    Parameters
    ----------
    cnf : CNF

    Returns
    -------
    Component

    Examples
    --------
    >>> occurring(CNF(1000, [(7, -900), (7,)]))
    Component(cnf=CNF(n_variables=2, clauses=((1, -2), (1,))), variables=(7, 900))
    """
    variables = sorted({abs(literal) for clause in cnf.clauses for literal in clause})
    return _part(cnf, tuple(variables), range(len(cnf.clauses)))


def _part(cnf: CNF, variables: tuple[int, ...], clauses: Iterable[int]) -> Component:
    """Return some clauses over their own variables."""
    new = {variable: i for i, variable in enumerate(variables, start=1)}
    own = (tuple(new[abs(i)] * (1 if i > 0 else -1) for i in cnf.clauses[j]) for j in clauses)
    return Component(CNF(len(variables), tuple(own)), variables)


def join(parts: Sequence[Component], assignments: Sequence[Sequence[bool]]) -> list[bool]:
    """Return the assignment of the whole formula from one assignment a component.

    Parameters
    ----------
    parts : sequence of Component
        All that :func:`components` gave.
    assignments : sequence of sequence of bool
        In the same order; its satisfying assignments give one of the whole.

    Returns
    -------
    list of bool

    Raises
    ------
    ShapeError
        If their numbers or lengths do not fit.

    Examples
    --------
    >>> parts = components(CNF(4, [(1, -4), (2,)]))
    >>> join(parts, [[True, True], [False], [False]])
    [True, False, False, True]
    """
    if len(parts) != len(assignments):
        raise ShapeError(f"got {len(assignments)} assignments for {len(parts)} components")
    whole = [False] * sum(len(part.variables) for part in parts)
    for i, (part, assignment) in enumerate(zip(parts, assignments, strict=True)):
        if len(assignment) != len(part.variables):
            raise ShapeError(f"assignment {i} has {len(assignment)} entries, its component {len(part.variables)}")
        for variable, value in zip(part.variables, assignment, strict=True):
            whole[variable - 1] = bool(value)
    return whole


def draw(cnf: CNF, path: str | PathLike[str]) -> None:
    """Draw the incidence graph: variables as circles, clauses as squares, negated literals dashed.

    Parameters
    ----------
    cnf : CNF
    path : path
        ``.png``, ``.svg`` or ``.pdf``; written whole or not at all.

    Raises
    ------
    InputError
        If the formula has more than `LARGEST` variables and clauses, the suffix is unknown or the file cannot be
        written.
    MissingDependencyError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     draw(CNF(3, [(1, -2, 3)]), Path(folder) / "formula.svg")
    ...     [path.name for path in Path(folder).iterdir()]
    ['formula.svg']
    """
    target = check_picture(path)
    if cnf.n_variables + len(cnf.clauses) > LARGEST:
        counted = f"{cnf.n_variables} variables and {len(cnf.clauses)} clauses"
        raise InputError(f"a picture of {counted} would show nothing: draw a formula of at most {LARGEST} in all")
    side = min(5.0 + 0.08 * (cnf.n_variables + len(cnf.clauses)), 16.0)
    figure = new_figure(side, side)
    axes = figure.subplots()
    axes.set_axis_off()
    _draw_graph(incidence_graph(cnf), axes)
    axes.set_title(f"{cnf.n_variables} variables, {len(cnf.clauses)} clauses; dashed: negated", fontsize=10, color=INK)
    save_figure(figure, target)


def _draw_graph(graph: nx.Graph, axes: Any) -> None:
    place = _layout(graph)
    for colour, style, sign in ((INK, "solid", True), (SOFT, "dashed", False)):
        edges = [(u, v) for u, v, signs in graph.edges(data="signs") if sign in signs]
        nx.draw_networkx_edges(graph, place, edges, ax=axes, edge_color=colour, style=style, width=0.9)
    for kind, shape, colour in (("variable", "o", ACCENT), ("clause", "s", INK)):
        nodes = [node for node in graph if node[0] == kind]
        names = {node: f"x{node[1]}" if kind == "variable" else f"c{node[1]}" for node in nodes}
        nx.draw_networkx_nodes(graph, place, nodes, ax=axes, node_shape=shape, node_color=colour, node_size=260)
        nx.draw_networkx_labels(graph, place, names, ax=axes, font_size=7, font_color="white")


def _layout(graph: nx.Graph) -> Any:
    if len(graph) > LARGE:
        return nx.spring_layout(graph, seed=0)
    steps = dict(nx.all_pairs_shortest_path_length(graph))
    # Components at a finite distance, or they would shrink to points far apart.
    apart = max([3, *(max(to.values()) for to in steps.values())])
    return nx.kamada_kawai_layout(graph, {u: {v: steps[u].get(v, apart) for v in graph} for u in graph})
