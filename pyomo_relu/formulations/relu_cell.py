"""One activation cell: every neuron's side is given, and the network is affine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.solvers import Capability


@dataclass(frozen=True, eq=False)
class Cell:
    """Fix p or n at zero by a given activation pattern.

    A restriction, so not exact: it solves an LP over the closure of one cell, which
    gives a point at which the pattern can be checked.

    Parameters
    ----------
    pattern : sequence of array of bool
        One a layer, shape (n_i,): True where the pre-activation is positive.
    """

    pattern: Sequence[NDArray[np.bool_]]
    name: ClassVar[str] = "cell"
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.LP})
    exact: ClassVar[bool] = False

    def separate(self, block: Any, neurons: Sequence[int], p_max: Sequence[float], n_max: Sequence[float]) -> None:
        """Close one side of each neuron by its bounds."""
        signs = self.pattern[block.index() - 1]
        for j in neurons:
            closed = block.negative[j] if signs[j] else block.positive[j]
            closed.setub(0.0)
