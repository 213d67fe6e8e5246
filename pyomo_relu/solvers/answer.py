"""`Answer`: what both kinds of interface report, before it is timed and named."""

from __future__ import annotations

from dataclasses import dataclass

from pyomo_relu.status import Status


@dataclass(frozen=True)
class Answer:
    """Status, whether the model holds a solution, the solver's value and bound."""

    status: Status
    has_solution: bool
    objective: float | None
    bound: float | None
    message: str = ""
