"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
