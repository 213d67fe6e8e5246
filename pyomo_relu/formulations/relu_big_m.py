"""Big-M: one binary a neuron."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pyomo.environ import Binary, Constraint, Var

from pyomo_relu.solvers import Capability


@dataclass(frozen=True)
class BigM:
    """Keep one of p and n at zero by a binary and the bounds of the pre-activation.

    ::

        p <= u on,   n <= -l (1 - on),   on in {0, 1}

    Its LP relaxation is ``p / u + n / -l <= 1``, the triangle.

    References
    ----------
    Tjeng, Xiao, Tedrake, "Evaluating robustness of neural networks with mixed integer
    programming" (2019); Fischetti and Jo (2018).

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> model = pr.Exact(encoding="big-m").model(net, [2.0], box=(-3, 3))
    >>> print(model.layer[1].positive_if_on[0].expr)
    layer[1].positive[0] - 3.000...*layer[1].on[0]  <=  0.0
    """

    name: ClassVar[str] = "big-m"
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.MILP})
    exact: ClassVar[bool] = True

    def separate(self, block: Any, neurons: Sequence[int], p_max: Sequence[float], n_max: Sequence[float]) -> None:
        """Add the binaries ``on`` and their two rows."""
        limit = dict(zip(neurons, zip(p_max, n_max, strict=True), strict=True))
        block.on = Var(list(neurons), domain=Binary)
        block.positive_if_on = Constraint(list(neurons), rule=lambda b, j: b.positive[j] - limit[j][0] * b.on[j] <= 0.0)
        block.negative_if_off = Constraint(
            list(neurons), rule=lambda b, j: b.negative[j] + limit[j][1] * b.on[j] <= limit[j][1]
        )
