"""The triangle: the convex hull of one neuron. A relaxation, which bounds but does not solve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pyomo.environ import Constraint

from pyomo_relu.solvers import Capability


@dataclass(frozen=True)
class Triangle:
    """Allow both p and n, on the line between their ends: ``p / u + n / -l <= 1``.

    An LP whose optimum bounds the exact one from below; `Exact` refuses it.

    References
    ----------
    Ehlers, "Formal verification of piece-wise linear feed-forward neural networks" (2017).

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> pr.Exact(encoding="triangle")
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: encoding 'triangle' is only a relaxation; exact: big-m, sos1, indicator
    """

    name: ClassVar[str] = "triangle"
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.LP})
    exact: ClassVar[bool] = False

    def separate(self, block: Any, neurons: Sequence[int], p_max: Sequence[float], n_max: Sequence[float]) -> None:
        """Add one row a neuron."""
        limit = dict(zip(neurons, zip(p_max, n_max, strict=True), strict=True))
        block.triangle = Constraint(
            list(neurons),
            rule=lambda b, j: limit[j][1] * b.positive[j] + limit[j][0] * b.negative[j] <= limit[j][0] * limit[j][1],
        )
