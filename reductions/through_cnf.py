"""Problems on graphs that become networks by way of a formula."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import networkx as nx

from reductions.box_form import BoxForm
from reductions.cnf import CNF
from reductions.instance import Instance, Reduction, parameters_of


@dataclass(frozen=True, kw_only=True)
class ThroughCNF(ABC):
    """A reduction of a graph problem to SAT, followed by one of SAT to inversion.

    The gap, and what the pre-image looks like, are those of `via` for :meth:`formula`.

    Parameters
    ----------
    via : Reduction
        From formulas to networks.
    """

    via: Reduction = field(default_factory=BoxForm)
    name: ClassVar[str]

    @abstractmethod
    def formula(self, source: nx.Graph) -> CNF:
        """Return a formula that is satisfiable iff the graph has a solution."""

    @abstractmethod
    def solution(self, source: nx.Graph, assignment: list[bool]) -> Any:
        """Return what an assignment of the formula says of the graph, or None if that is no solution."""

    def reduce(self, source: nx.Graph) -> Instance:
        """Return the network, observation and box of `via` for the formula; the instance's source is the graph.

        Raises
        ------
        InputError
            If the source is no simple undirected graph, or has no nodes; and as `via` does.
        """
        instance = self.via.reduce(self.formula(source))
        return replace(instance, source=source, name=self.name, parameters=parameters_of(self))

    def lift(self, instance: Instance, z: Any) -> Any:
        """Return the solution that a code stands for, checked on the graph; None if it is none.

        Raises
        ------
        ShapeError, InputError
            As the lift of `via`.
        """
        assignment = self.via.lift(replace(instance, source=self.formula(instance.source)), z)
        return None if assignment is None else self.solution(instance.source, assignment)
