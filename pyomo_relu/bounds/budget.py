"""`Budget`: what the deviations of the last layer may add up to."""

from __future__ import annotations

from dataclasses import dataclass

from pyomo_relu.norms import SumNorm, as_norm
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False)
class Budget:
    """What the deviations of the last layer may add up to: ``||G(z) - x|| <= most``.

    Parameters
    ----------
    x : array, shape (n,)
    most : float
    norm : SumNorm, or its name
    centre : array, shape (n,)
        Deviations near which the ball is written as one row; those of the incumbent.
    weights : array, shape (n,), or 1.0
        What deviations are multiplied by before they are measured.

    Examples
    --------
    >>> import numpy as np
    >>> from pyomo_relu.norms import as_norm
    >>> budget = Budget(np.array([1.0, 0.0]), 0.5, as_norm(1), np.zeros(2))
    >>> budget.most, budget.norm
    (0.5, One())
    """

    x: FloatArray
    most: float
    norm: SumNorm
    centre: FloatArray
    weights: FloatArray | float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "norm", as_norm(self.norm))
