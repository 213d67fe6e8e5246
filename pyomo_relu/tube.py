"""`Tube`: the most that each output of a code may deviate from the observation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False)
class Tube:
    """The most that each output may deviate, weighed; it also says whose deviations count in the residual.

    Parameters
    ----------
    most : float
        Of outputs that count.
    held : float
        Of outputs of infinite weight: they are met up to this, and are no part of the residual.
    hard : array of bool, shape (n,), or None
        Which these are; None where every output counts.

    Examples
    --------
    >>> tube = Tube(0.5, 1e-6, np.array([True, False]))
    >>> tube.limits.tolist(), tube.counts.tolist(), Tube().is_everything
    ([1e-06, 0.5], [False, True], True)
    """

    most: float = math.inf
    held: float = math.inf
    hard: NDArray[np.bool_] | None = None

    def __str__(self) -> str:
        """Where its codes lie, in words: what makes it small."""
        return "that meets the outputs of infinite weight" if math.isinf(self.most) else "in the tube"

    @property
    def is_everything(self) -> bool:
        """Whether no output has a limit."""
        return math.isinf(self.most) and self.hard is None

    @property
    def counts(self) -> NDArray[np.bool_] | Literal[True]:
        """Which outputs count in the residual; True for all."""
        return True if self.hard is None else ~self.hard

    @property
    def limits(self) -> FloatArray | float:
        """The most that each output may deviate, shape (n,); one number where it is the same for all."""
        return self.most if self.hard is None else np.where(self.hard, self.held, self.most)

    @property
    def of_hard(self) -> Tube:
        """The tube that leaves outputs that count where they are."""
        return replace(self, most=math.inf)

    @property
    def untold(self) -> Tube:
        """The tube without limits; it says only which outputs count."""
        return replace(self, most=math.inf, held=math.inf)

    def caps(self, caps: FloatArray) -> FloatArray:
        """Return the most that each output may deviate where the residual allows those that count this much."""
        return np.asarray(np.minimum(np.where(self.counts, caps, math.inf), self.limits))

    def around(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what outputs lie between."""
        return x - self.limits, x + self.limits

    def raised(self, most: float, held: float) -> Tube:
        """Return the tube that also holds a code that deviates so much; what has no limit gets none."""
        return replace(self, most=max(self.most, most), held=max(self.held, held))

    def share(self, part: float, of_held: float | None = None) -> Tube:
        """Return the tube of a part of each limit, perhaps another part for outputs of infinite weight."""
        return replace(self, most=self.most * part, held=self.held * (part if of_held is None else of_held))

    def in_unit(self, unit: float) -> Tube:
        """Return the tube of deviations that are measured in a unit, a power of two."""
        return replace(self, most=self.most / unit, held=self.held / unit)


NO_TUBE = Tube()
"""Every code: no output has a limit, and all of them count."""
