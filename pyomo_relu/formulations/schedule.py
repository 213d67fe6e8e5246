"""How the tolerance eps of Algorithms 1 and 2 grows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pyomo_relu.errors import InputError
from pyomo_relu.validation import as_number


@dataclass(frozen=True)
class Geometric:
    """The paper's schedule: eps, alpha eps, alpha^2 eps, ...

    Parameters
    ----------
    alpha : float
        Growth a round, above 1; the paper takes 1.2.

    Raises
    ------
    InputError
        If alpha is not a number above 1.

    Examples
    --------
    >>> Geometric(2.0).steps_to(8.0, first=1.0)
    3
    """

    alpha: float = 1.2

    def __post_init__(self) -> None:
        if as_number(self.alpha, "alpha") <= 1.0:
            raise InputError(f"must exceed 1, got {self.alpha}", parameter="alpha")

    def steps_to(self, eps: float, first: float) -> int:
        """Return the least k >= 0 with ``first * alpha**k >= eps``, or one less where that misses `eps` by rounding."""
        # The quotient of the two may overflow, their logarithms do not.
        return 0 if eps <= first else math.ceil((math.log(eps) - math.log(first)) / math.log(self.alpha) - 1e-12)

    def after(self, steps: int, first: float) -> float:
        """Return ``first * alpha**steps``, where the power alone may overflow."""
        try:
            return float(first * self.alpha**steps)
        except OverflowError:
            half = steps // 2
            return float(first * self.alpha**half * self.alpha ** (steps - half))


@dataclass(frozen=True)
class Bisection:
    """The exact schedule: bisection over the sorted observation, where the LP changes its shape.

    ``z -> ||phi(Wz + b) - x||_inf`` is quasi-convex, so O(log n) LPs find its minimum,
    and the last one proves it (derived for this project).

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> layer = pr.Layer([[1.0], [2.0]])
    >>> result = pr.invert_layer(layer, [1.0, 2.3], pr.LayerLinf(schedule=pr.Bisection()))
    >>> round(result.residual, 6), round(result.dual_bound, 6)
    (0.1, 0.1)
    """
