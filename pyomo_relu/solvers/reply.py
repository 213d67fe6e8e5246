"""`Report` and `Reply`: what a solver, and Pyomo's interface to it, say of how a solve ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from pyomo_relu.status import Status


@dataclass(frozen=True)
class Report:
    """The solver's own word, where Pyomo's reading of it falls short; None leaves Pyomo's.

    A bound of NaN says that there is none to be trusted.
    """

    status: Status | None = None
    has_solution: bool | None = None
    bound: float | None = None
    message: str = ""


@dataclass(frozen=True)
class Reply:
    """What came back through an interface, before a solution is loaded into the model."""

    status: Status
    has_solution: bool
    load: Callable[[], None]
    objective: float | None
    bound: float | None
    message: str = ""


def printed_bound(text: str, *, below: bool) -> float:
    """Read a bound from a log: it was rounded for printing, so move it out by one unit of its last digit.

    >>> printed_bound("28.657", below=True)
    28.656
    """
    number = Decimal(text)
    unit = Decimal(1).scaleb(int(number.as_tuple().exponent))
    return float(number - unit if below else number + unit)
