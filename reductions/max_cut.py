"""MAX-CUT to two layers without biases."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar

import networkx as nx
import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.errors import InputError
from pyomo_relu.network import Network
from pyomo_relu.rational import as_fractions
from pyomo_relu.validation import as_count
from reductions.gadgets import check_size
from reductions.graphs import numbered
from reductions.instance import Instance, parameters_of

LARGEST = 2**53


@dataclass(frozen=True)
class MaxCut:
    """Reduce MAX-CUT to the inversion of a ReLU network with one hidden layer, one output and no bias.

    **Theorem.** Let the edges have positive integer weights w_uv, and let the target t >= 0 be an integer. On
    ``[0, 1]^n``, ``G(z) = sum of w_uv |z_u - z_v|`` meets x = t iff the graph has a cut of weight at least t. So
    inversion decides MAX-CUT, although the network computes a convex function.

    *Proof.* For a threshold h let S(h) be the nodes with z_u > h. The integral over h from 0 to 1 of the weight of
    the cut S(h) is G(z), so that some S(h) cuts at least G(z), and max G is the maximum cut. G is continuous, and 0 at
    z = 0: it takes every value in between.

    **Gap.** 1 in every norm (there is one output): without such a cut G <= t - 1 everywhere. A code with a smaller
    residual has a threshold whose cut weighs more than t - 1.

    **Size.** n - 2e - 1 for n nodes and e edges; weights are -1, 0, 1 and the w_uv.

    Parameters
    ----------
    target : int
        t, the least weight of the cut.

    Raises
    ------
    InputError
        If `target` is no integer from 0 to 2^53 - 1.

    Notes
    -----
    Derived for this project. Weights are read from the edges' attribute ``weight``, 1 where there is none.

    Examples
    --------
    >>> import networkx as nx
    >>> reduction = MaxCut(2)
    >>> instance = reduction.reduce(nx.cycle_graph(3))
    >>> instance.network.sizes, instance.network([1.0, 0.5, 0.0]).tolist()
    ((3, 6, 1), [2.0])
    >>> sorted(reduction.lift(instance, [1.0, 0.5, 0.0]))
    [0, 1]
    """

    target: int
    name: ClassVar[str] = "max-cut"

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", as_count(self.target, "target", 0))
        if self.target >= LARGEST:
            raise InputError("target must be less than 2^53, for float64 to hold it exactly")

    def reduce(self, source: nx.Graph) -> Instance:
        """Return the network and the observation t; the code must lie in ``[0, 1]^n``.

        Raises
        ------
        InputError
            If the source is no simple undirected graph with a node, a weight is no positive integer, or
            the network would not fit in memory.
        """
        number, edges = numbered(source), list(source.edges)
        n_hidden = 2 * max(1, len(edges))
        check_size((len(number), n_hidden, 1))
        difference = np.zeros((n_hidden // 2, len(number)))
        weights = [_weight(source, u, v) for u, v in edges] or [0]
        for row, (u, v) in enumerate(edges):
            difference[row, number[u] - 1], difference[row, number[v] - 1] = 1.0, -1.0
        if sum(weights) >= LARGEST:
            raise InputError(f"the weights add up to {sum(weights)}, too much for exact float64 arithmetic")
        network = Network.from_arrays([np.vstack((difference, -difference)), [np.tile(weights, 2)]])
        box = Box.of((0.0, 1.0), len(number))
        return Instance(
            network, np.array([float(self.target)]), box, source, 1.0, "inf", self.name, parameters=parameters_of(self)
        )

    def lift(self, instance: Instance, z: Any) -> set[Hashable] | None:
        """Return one side of the heaviest cut that a threshold makes, or None if it weighs less than the target.

        Parameters
        ----------
        instance : Instance
        z : sequence of real numbers, length n

        Raises
        ------
        ShapeError, InputError
            If `z` has another length, or an entry is not a finite number.
        """
        graph = instance.source
        code = dict(zip(graph, as_fractions(z, len(graph), "code"), strict=True))
        sides = [{node for node in graph if code[node] > threshold} for threshold in sorted(set(code.values()))]
        best = max(sides, key=lambda side: cut_weight(graph, side))
        return best if cut_weight(graph, best) >= self.target else None


def cut_weight(graph: nx.Graph, side: set[Hashable]) -> int:
    """Return the weight of the edges between `side` and the other nodes.

    Parameters
    ----------
    graph : networkx.Graph
        An edge's ``weight`` is a whole number, 1 where there is none.
    side : set of nodes

    Returns
    -------
    int

    Raises
    ------
    InputError
        If a weight is not a positive whole number.

    Examples
    --------
    >>> cut_weight(nx.cycle_graph(4), {0, 2})
    4
    """
    return sum(_weight(graph, u, v) for u, v in graph.edges if (u in side) != (v in side))


def _weight(graph: nx.Graph, u: Hashable, v: Hashable) -> int:
    return as_count(graph.edges[u, v].get("weight", 1), f"weight of the edge {u!r}, {v!r}", 1)
