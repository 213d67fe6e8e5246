"""`Deadline`: when a call has to end, one value for all that it calls."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

FLOPS_A_SECOND = 2e9
"""Of dense linear algebra on one slow, shared core; a core of its own does ten times as many."""


@dataclass(frozen=True)
class Deadline:
    """When a call has to end; made once where it begins, and passed to all that it calls.

    Within a limit results may depend on how fast the machine is, and only within one: whatever else is to end a loop
    counts work, not seconds.

    Parameters
    ----------
    stop : float
        Of ``time.perf_counter``; infinite where there is no limit.

    Examples
    --------
    >>> Deadline.after(None).left, Deadline.after(None).expired
    (inf, False)
    >>> soon = Deadline.after(3600.0)
    >>> soon.expired, 3590.0 < soon.left <= 3600.0, 890.0 < soon.share(0.25).left <= 900.0
    (False, True, True)
    """

    stop: float = math.inf

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """Return the deadline that many seconds from now; None is no limit."""
        return cls(math.inf if seconds is None else time.perf_counter() + seconds)

    @property
    def left(self) -> float:
        """Seconds until then, at least 0; infinite where there is no limit."""
        return max(0.0, self.stop - time.perf_counter())

    @property
    def expired(self) -> bool:
        """Whether it has passed."""
        return self.left == 0.0

    def affords(self, flops: float) -> bool:
        """Whether a dense computation of so many operations ends before it on a slow core: nothing can interrupt one.

        Examples
        --------
        >>> Deadline.after(None).affords(1e15), Deadline.after(1.0).affords(1e6), Deadline.after(1.0).affords(1e12)
        (True, True, False)
        """
        return flops <= FLOPS_A_SECOND * self.left

    def share(self, part: float) -> Deadline:
        """Return the deadline after that part of what is left, between 0 and 1."""
        return self if math.isinf(self.stop) else Deadline.after(part * self.left)


NO_LIMIT = Deadline()
"""The deadline that never comes."""
