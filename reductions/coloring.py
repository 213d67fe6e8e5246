"""Colouring of a graph to inversion, by way of SAT."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

import networkx as nx

from pyomo_relu.validation import as_count
from reductions.cnf import CNF
from reductions.graphs import numbered
from reductions.through_cnf import ThroughCNF


@dataclass(frozen=True)
class Coloring(ThroughCNF):
    """Reduce k-colouring: a colour for every node, no two neighbours alike.

    **Formula.** A variable says that a node has a colour. Every node has one of them (a clause of k literals), and no
    two neighbours share one (k clauses of two). A node may have several; any of them will do.

    **Size.** k n variables, n + k e clauses for n nodes and e edges.

    Parameters
    ----------
    n_colors : int
        k, at least 1. From 3 on the problem is NP-complete.
    via : Reduction
        From the formula to the network; :class:`BoxForm` where not given.

    Notes
    -----
    The textbook reduction to SAT; the network was derived for this project.

    Examples
    --------
    >>> import networkx as nx
    >>> reduction = Coloring(2)
    >>> instance = reduction.reduce(nx.path_graph(["a", "b", "c"]))
    >>> reduction.lift(instance, [1, 0, 0, 1, 1, 0]), reduction.lift(instance, [1, 0, 1, 0, 0, 1])
    ({'a': 0, 'b': 1, 'c': 0}, None)
    """

    n_colors: int = 3
    name: ClassVar[str] = "coloring"

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_colors", as_count(self.n_colors, "n_colors", 1))

    def formula(self, source: nx.Graph) -> CNF:
        """Return the formula: variable ``k (i - 1) + c + 1`` says that node i, from 1, has colour c, from 0."""
        number, k = numbered(source), self.n_colors
        clauses = [tuple(range(k * i - k + 1, k * i + 1)) for i in number.values()]
        for u, v in source.edges:
            clauses += [(-(k * number[u] - c), -(k * number[v] - c)) for c in range(k)]
        return CNF(k * len(number), tuple(clauses))

    def solution(self, source: nx.Graph, assignment: list[bool]) -> dict[Hashable, int] | None:
        """Return each node's first colour, or None if that is no colouring."""
        k = self.n_colors
        found = {}
        for node, i in numbered(source).items():
            colors = [c for c in range(k) if assignment[k * (i - 1) + c]]
            if not colors:
                return None
            found[node] = colors[0]
        return found if all(found[u] != found[v] for u, v in source.edges) else None
