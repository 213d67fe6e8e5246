"""``relu-reductions draw``: the graph of a formula, or pre-images that are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pyomo_relu.cli import check_destination
from reductions.cli.arguments import JsonOption

ALL, FORMULAS = "examples", "formulas"


def draw(
    what: Annotated[
        str,
        typer.Argument(
            help="A formula; or two-half-planes, sphere-2d, ball, nothing; or: examples, which is all of these; or: "
            "formulas, some of two variables as networks.",
            metavar="FILE.cnf|EXAMPLE",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The picture: .png, .svg or .pdf.")],
    json_only: JsonOption = False,
) -> None:
    """Draw which variables occur in which clauses, or pre-images that are known.

    Examples: `relu-reductions draw uf20-01.cnf --out graph.png`, `relu-reductions draw examples --out preimages.png`.
    """
    from pyomo_relu.figure import SUFFIXES, check_picture

    check_destination(out, "--out", SUFFIXES, (Path(what),))
    check_picture(out)

    from reductions.cnf import CNF
    from reductions.examples import EXAMPLES, draw_preimage_2d, draw_preimages_2d
    from reductions.formula_pictures import draw_formulas
    from reductions.incidence import draw as draw_graph

    if what == ALL:
        draw_preimages_2d(out)
    elif what == FORMULAS:
        draw_formulas(out)
    elif what in EXAMPLES:
        draw_preimage_2d(EXAMPLES[what], out)
    else:
        draw_graph(CNF.from_dimacs(Path(what)), out)
    picture = str(out.resolve())
    typer.echo(json.dumps({"what": what, "picture": picture}) if json_only else f"picture: {picture}")
