"""`Check`: one statement of the theory, tried on seeded instances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from pyomo_relu.experiments.experiment import Finding, Row


class Check(Protocol):
    """One statement, its instances, and what they say of it; what else the rows hold is the check's own affair.

    Examples
    --------
    >>> from pyomo_relu.experiments.theory import checks
    >>> corollary = checks()["corollary 1"]
    >>> rows = corollary.perform(8, np.random.default_rng(0))        # one layer of 8 inputs and 40 rows
    >>> corollary.places, len(rows), rows[0]["constant"] > 0.0
    ((4, 8, 16, 32), 1, True)
    """

    @property
    def name(self) -> str:
        """What the journal and the table know it by."""
        ...

    @property
    def setting(self) -> str:
        """What is drawn and solved, in a sentence without a full stop."""
        ...

    @property
    def places(self) -> Sequence[float]:
        """The values of its parameter."""
        ...

    def perform(self, at: float, rng: np.random.Generator) -> list[Row]:
        """Draw what one run needs at one of the places, and try the statement on it."""
        ...

    def facts(self, at: float, rows: Sequence[Row]) -> tuple[str, str]:
        """Return what was measured at a place, and what the theory says there."""
        ...

    def finding(self, rows: Sequence[Row]) -> Finding:
        """Compare with the statement; each row has its place as ``"at"``."""
        ...

    def draw(self, rows: Sequence[Row], axes: Any) -> None:
        """Draw on an empty pair of Matplotlib axes."""
        ...
