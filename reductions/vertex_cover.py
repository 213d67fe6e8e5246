"""Vertex covers of a graph to inversion, by way of SAT."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

import networkx as nx

from pyomo_relu.validation import as_count
from reductions.cardinality import at_most
from reductions.cnf import CNF
from reductions.graphs import numbered
from reductions.through_cnf import ThroughCNF


@dataclass(frozen=True)
class VertexCover(ThroughCNF):
    """Reduce VERTEX COVER: at most `size` nodes that touch every edge.

    **Formula.** Variable i says that node i is in the cover. An edge is a clause of two literals; at most r of n
    nodes are chosen (``reductions/cardinality.py``).

    **Size.** For 0 < r < n: n + (n - 1) r variables, and 2 n r + n - 4 r clauses besides one an edge.

    Parameters
    ----------
    size : int
        r, at least 0.
    via : Reduction
        From the formula to the network; :class:`BoxForm` where not given.

    Notes
    -----
    The counter is Sinz's (2005); the network was derived for this project.

    Examples
    --------
    >>> import networkx as nx
    >>> reduction = VertexCover(1)
    >>> instance = reduction.reduce(nx.star_graph(2))
    >>> reduction.lift(instance, [1, 0, 0, 1, 1]), reduction.lift(instance, [0, 1, 1, 1, 1])
    ({0}, None)
    """

    size: int
    name: ClassVar[str] = "vertex-cover"

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", as_count(self.size, "size", 0))

    def formula(self, source: nx.Graph) -> CNF:
        """Return the formula; its first variables are the nodes, in the graph's order."""
        number = numbered(source)
        counter, n_variables = at_most(list(number.values()), self.size, len(number))
        edges = [(number[u], number[v]) for u, v in source.edges]
        return CNF(n_variables, (*edges, *counter))

    def solution(self, source: nx.Graph, assignment: list[bool]) -> set[Hashable] | None:
        """Return the nodes whose variable is true, or None if they are too many or miss an edge."""
        chosen = {node for node, i in numbered(source).items() if assignment[i - 1]}
        covers = all(u in chosen or v in chosen for u, v in source.edges)
        return chosen if covers and len(chosen) <= self.size else None
