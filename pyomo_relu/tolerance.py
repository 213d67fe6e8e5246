"""The tolerances by which claims are judged.

Solvers work to absolute tolerances: data of a size near 1 is what they are made for.
"""

MET = 1e-6
"""A residual below this, relative to ``max(0.001, max |x|)``, counts as zero: the observation is met."""

REFUTED = 1e-5
"""A lower bound must reach this, relative to ``max(1, max |x|)``, to count as positive: solvers let `MET` pass."""
