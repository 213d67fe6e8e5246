"""Independent sets of a graph to inversion, by way of SAT."""

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
class IndependentSet(ThroughCNF):
    """Reduce INDEPENDENT SET: at least `size` nodes, no two of them neighbours.

    **Formula.** Variable i says that node i is in the set. An edge is a clause of two negated literals; at least r
    of n nodes is at most n - r of their negations (``reductions/cardinality.py``).

    **Size.** With s = n - r, for 0 < r < n: n + (n - 1) s variables, and 2 n s + n - 4 s clauses besides one an edge.

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
    >>> reduction = IndependentSet(2)
    >>> instance = reduction.reduce(nx.path_graph(3))
    >>> sorted(reduction.lift(instance, [1, 0, 1, 0, 1]))
    [0, 2]
    """

    size: int
    name: ClassVar[str] = "independent-set"

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", as_count(self.size, "size", 0))

    def formula(self, source: nx.Graph) -> CNF:
        """Return the formula; its first variables are the nodes, in the graph's order."""
        number = numbered(source)
        n = len(number)
        counter, n_variables = at_most([-i for i in number.values()], n - self.size, n)
        edges = [(-number[u], -number[v]) for u, v in source.edges]
        return CNF(n_variables, (*edges, *counter))

    def solution(self, source: nx.Graph, assignment: list[bool]) -> set[Hashable] | None:
        """Return the nodes whose variable is true, or None if they are too few or two are neighbours."""
        chosen = {node for node, i in numbered(source).items() if assignment[i - 1]}
        independent = not any(u in chosen and v in chosen for u, v in source.edges)
        return chosen if independent and len(chosen) >= self.size else None
