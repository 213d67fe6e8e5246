"""Arguments and options that several commands share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomo_relu.errors import InputError

if TYPE_CHECKING:
    from reductions.instance import Reduction

FormulaArgument = Annotated[Path, typer.Argument(help="A formula in DIMACS CNF.", metavar="FILE.cnf")]

ReductionOption = Annotated[
    str,
    typer.Option(
        help="The network: three-sat, depth-two, depth-two-one, bias-free, leaky, box, binary or max-sat.",
        metavar="NAME",
    ),
]

TimeLimitOption = Annotated[float | None, typer.Option(help="Seconds for all of it.")]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON only.")]

FolderOption = Annotated[Path, typer.Option(help="The folder; made if it does not exist.", metavar="DIR")]


def named_reduction(name: str) -> Reduction:
    """Return a reduction of formulas by its name.

    Raises
    ------
    InputError
        If there is none of this name.

    Examples
    --------
    >>> named_reduction("box")
    BoxForm()
    """
    from reductions.registry import REDUCTIONS

    if name not in REDUCTIONS:
        raise InputError(f"unknown reduction {name!r}; known: {', '.join(REDUCTIONS)}")
    return REDUCTIONS[name]


def check_time_limit(seconds: float | None) -> None:
    """Refuse a time limit that is no positive number.

    Raises
    ------
    InputError
    """
    if seconds is not None and not 0.0 < seconds < math.inf:
        raise InputError(f"--time-limit must be a positive number, got {seconds}")
