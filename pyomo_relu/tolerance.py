"""The tolerances by which claims are judged.

Solvers work to absolute tolerances: data of a size near 1 is what they are made for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MET = 1e-6
"""A residual below this, relative to ``max(0.001, max |x|)``, counts as zero: the observation is met."""

REFUTED = 1e-5
"""A lower bound must reach this, relative to ``max(1, max |x|)``, to count as positive: solvers let `MET` pass."""


def met_within(x: NDArray[np.float64]) -> float:
    """Return the residual below which `x`, of any shape, counts as met.

    Examples
    --------
    >>> met_within(np.array([2.0, -4.0])), met_within(np.zeros(1))
    (4e-06, 1e-09)
    """
    return MET * max(1e-3, float(np.abs(x).max()))
