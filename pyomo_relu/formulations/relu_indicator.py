"""Indicator: a binary that switches p or n off, without a big M in the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pyomo.environ import Binary, Constraint, Var

from pyomo_relu.solvers import Capability


@dataclass(frozen=True)
class Indicator:
    """Keep one of p and n at zero by a binary, as an implication.

    ::

        on = 0  =>  p = 0:   p (1 - on) = 0
        on = 1  =>  n = 0:   n on = 0

    None of Pyomo's interfaces passes indicator constraints, so that the implications are
    written as products; solvers that take them (SCIP, Gurobi) linearise a product of a
    binary and a bounded variable exactly, by themselves.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> model = pr.Exact(encoding="indicator").model(net, [2.0], box=(-3, 3))
    >>> print(model.layer[1].negative_if_off[0].expr)
    layer[1].negative[0]*layer[1].on[0]  ==  0.0
    """

    name: ClassVar[str] = "indicator"
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.MILP, Capability.BILINEAR})
    exact: ClassVar[bool] = True

    def separate(self, block: Any, neurons: Sequence[int], p_max: Sequence[float], n_max: Sequence[float]) -> None:
        """Add the binaries ``on`` and their two products."""
        block.on = Var(list(neurons), domain=Binary)
        block.positive_if_on = Constraint(
            list(neurons), rule=lambda b, j: b.positive[j] - b.positive[j] * b.on[j] == 0.0
        )
        block.negative_if_off = Constraint(list(neurons), rule=lambda b, j: b.negative[j] * b.on[j] == 0.0)
