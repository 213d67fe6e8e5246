"""`Budget`: what the deviations of the last layer may add up to."""

from __future__ import annotations

from dataclasses import dataclass

from pyomo_relu.norms import Norm
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False)
class Budget:
    """What the deviations of the last layer may add up to: ``||G(z) - x|| <= most``, p = 1 or 2.

    Parameters
    ----------
    x : array, shape (n,)
    most : float
    norm : 1 or 2
    centre : array, shape (n,)
        Deviations at which the ball of p = 2 is cut by its tangent; those of the incumbent.

    Examples
    --------
    >>> import numpy as np
    >>> budget = Budget(np.array([1.0, 0.0]), 0.5, 1, np.zeros(2))
    >>> budget.most, budget.norm
    (0.5, 1)
    """

    x: FloatArray
    most: float
    norm: Norm
    centre: FloatArray
