"""The tolerances by which claims are judged, and the gains for which bounds are worked out once more.

Solvers work to absolute tolerances: data of a size near 1 is what they are made for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MET = 1e-6
"""A residual below this, relative to ``max(0.001, max |x|)``, counts as zero: the observation is met."""

REFUTED = 1e-5
"""A lower bound must reach this, relative to ``max(1, max |x|)``, to count as positive: solvers let `MET` pass."""

FAR_ABOVE = 1000
"""A midpoint refutes convexity where it misses x by so many times what its two ends do: theirs may be rounding."""

# What a round of bounds may leave of the widths for another to pay. The dearer a round, the more it has to gain.

MULTIPLIER_ROUND_LEAVES = 0.995
"""Of all widths, a round of multipliers for all neurons at once: cheap, and slow starts do collapse later."""

PROPAGATION_ROUND_LEAVES = 0.99
"""Of some interval's width, a round through the rows: cheap, and what one interval loses the next rows use."""

LP_ROUND_LEAVES = 0.97
"""Of all widths, a round of two LPs a neuron; a search whose bounds leave more goes on with a program instead."""

RATIONAL_ROUND_LEAVES = 0.9
"""Of all widths, a round of LPs in a tree proof: every bound becomes facts, which a checker has to go through."""

FACT_LEAVES = 0.999
"""Of an interval's width, a single fact of a tree proof: what gains less only makes the certificate longer."""


def met_within(x: NDArray[np.float64]) -> float:
    """Return the residual below which `x`, of any shape, counts as met.

    Examples
    --------
    >>> met_within(np.array([2.0, -4.0])), met_within(np.zeros(1))
    (4e-06, 1e-09)
    """
    return MET * max(1e-3, float(np.abs(x).max()))
