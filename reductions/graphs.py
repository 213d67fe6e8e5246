"""Checks of graphs."""

from __future__ import annotations

from typing import Any

import networkx as nx

from pyomo_relu.errors import InputError


def numbered(graph: Any) -> dict[Any, int]:
    """Return the nodes of a graph, numbered from 1 in the graph's own order.

    Raises
    ------
    InputError
        If it is not a simple undirected graph with at least one node.

    Examples
    --------
    >>> numbered(nx.Graph([("a", "b")]))
    {'a': 1, 'b': 2}
    """
    if not isinstance(graph, nx.Graph) or graph.is_directed() or graph.is_multigraph():
        raise InputError(f"expected an undirected networkx.Graph, got {type(graph).__name__}")
    if not graph:
        raise InputError("the graph has no nodes")
    loop = next((node for node in graph if graph.has_edge(node, node)), None)
    if loop is not None:
        raise InputError(f"the graph has an edge from node {loop!r} to itself")
    return {node: i for i, node in enumerate(graph, start=1)}
