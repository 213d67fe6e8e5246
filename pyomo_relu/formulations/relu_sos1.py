"""SOS1: no binary and no big M; the solver branches on the pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pyomo.environ import SOSConstraint

from pyomo_relu.solvers import Capability


@dataclass(frozen=True)
class Sos1:
    """Keep one of p and n at zero by a special ordered set of type 1, ``SOS1(p, n)``.

    References
    ----------
    Beale and Tomlin (1970); for ReLU: Fischetti and Jo (2018), as indicator-like branching.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> model = pr.Exact(encoding="sos1").model(net, [2.0], box=(-3, 3))
    >>> [v.name for v in model.layer[1].one_side[0].variables]
    ['layer[1].positive[0]', 'layer[1].negative[0]']
    """

    name: ClassVar[str] = "sos1"
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.MILP, Capability.SOS1})
    exact: ClassVar[bool] = True

    def separate(self, block: Any, neurons: Sequence[int], p_max: Sequence[float], n_max: Sequence[float]) -> None:
        """Add one set a neuron."""
        block.one_side = SOSConstraint(
            list(neurons), rule=lambda b, j: ([b.positive[j], b.negative[j]], [1.0, 2.0]), sos=1
        )
