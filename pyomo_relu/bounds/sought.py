"""`Sought`: which codes bounds have to hold."""

from __future__ import annotations

from dataclasses import dataclass

from pyomo_relu.norms import Norm, SumNorm, as_norm
from pyomo_relu.tube import NO_TUBE, Tube
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False)
class Sought:
    """The codes with ``||w (G(z) - x)|| <= most``, in the tube.

    Parameters
    ----------
    x : array, shape (n,)
    norm : Norm, or its name
    most : float
        Of codes that are known to exist it is to be the residual in the real numbers, with room for the rounding of
        the forward pass that computed it.
    tube : Tube
        The most that single outputs may deviate, and which of them count.
    weights : array, shape (n,), or 1.0
        What deviations are multiplied by before they are measured.
    near : array, shape (n,), optional
        The sizes of a known code's deviations, where relaxations are to be tight.

    Examples
    --------
    >>> import numpy as np
    >>> Sought(np.array([1.0, 0.0]), 1, 0.5).norm
    One()
    """

    x: FloatArray
    norm: Norm
    most: float
    tube: Tube = NO_TUBE
    weights: FloatArray | float = 1.0
    near: FloatArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "norm", as_norm(self.norm))

    @property
    def adds_up(self) -> bool:
        """Whether the deviations share `most`, and a near code is known: then they lie in a ball."""
        return self.sum is not None and self.near is not None

    @property
    def sum(self) -> SumNorm | None:
        """The norm where deviations add up, so that they share `most`; None where each one has all of it."""
        return self.norm if isinstance(self.norm, SumNorm) else None
