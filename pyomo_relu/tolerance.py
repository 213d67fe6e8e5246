"""The tolerances by which claims are judged; both are relative to ``max(1, max |x|)``."""

MET = 1e-6
"""A residual below this counts as zero: the observation is met."""

REFUTED = 1e-5
"""A lower bound must reach this to count as positive: solvers accept violations of about `MET`."""
