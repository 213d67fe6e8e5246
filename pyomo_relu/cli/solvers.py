"""``pyomo-relu solvers``: which solvers run here."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pyomo_relu.cli.terminal import solving


def solvers(as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False) -> None:
    """List every solver: whether it runs here, or why not, and what it can do."""
    from pyomo_relu.solvers import BACKENDS, probe

    with solving("trying every solver", quiet=as_json):
        found = [probe(backend) for backend in BACKENDS.values()]
    if as_json:
        typer.echo(json.dumps([vars(solver) for solver in found]))
        return
    from pyomo_relu.cli import tables

    tables.show(tables.solvers_table(found))
