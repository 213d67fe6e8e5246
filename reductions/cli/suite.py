"""``relu-reductions suite``: instances with known answers, for the test of solvers and verifiers."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pyomo_relu.cli import solving
from pyomo_relu.errors import InputError
from reductions.cli.arguments import FolderOption, JsonOption

DEFAULT = ("three-sat", "depth-two", "box")


def suite(
    out: FolderOption,
    reduction: Annotated[
        list[str] | None,
        typer.Option(help="May be repeated; three-sat, depth-two and box if not given.", metavar="NAME"),
    ] = None,
    sizes: Annotated[str, typer.Option(help="Numbers of variables, 3 or more.", metavar="N,N,...")] = "4,6,8",
    repeats: Annotated[int, typer.Option(help="Formulas of each size and verdict.")] = 1,
    seed: int = 0,
    json_only: JsonOption = False,
) -> None:
    """Write satisfiable and unsatisfiable instances, with proofs of the latter and a list of all.

    Example: `relu-reductions suite --out suite --sizes 4,8 --reduction box`.
    """
    from reductions.registry import named_reduction
    from reductions.suite import write_suite

    chosen = [named_reduction(name) for name in reduction or DEFAULT]
    n_variables = _sizes(sizes)
    with solving("writing instances", quiet=json_only):
        manifests = write_suite(out, chosen, n_variables=n_variables, repeats=repeats, seed=seed)
    typer.echo(json.dumps(manifests) if json_only else f"{out}: {len(manifests)} instances")


def _sizes(text: str) -> list[int]:
    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise InputError(f"--sizes must be whole numbers with commas between them, got {text!r}")
    return [int(word) for word in words]
