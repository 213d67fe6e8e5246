"""``pyomo-relu preimage``: all codes of one observation."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomo_relu.cli.group import DONE, UNDECIDED
from pyomo_relu.cli.network_argument import read_network
from pyomo_relu.cli.output import check_destination
from pyomo_relu.cli.parameters import NetworkArgument, ObservationArgument, SlopesFlag
from pyomo_relu.cli.terminal import solving

if TYPE_CHECKING:
    from pyomo_relu.network import Network
    from pyomo_relu.preimages import Preimage


def preimage(
    network: NetworkArgument,
    observation: ObservationArgument,
    box: Annotated[
        tuple[float, float] | None, typer.Option(help="Bounds of every entry of the code.", metavar="LO HI")
    ] = None,
    tol: Annotated[float, typer.Option(help="How far each output may be from what was observed.")] = 0.0,
    max_cells: Annotated[int, typer.Option(help="Most cells to find.")] = 10_000,
    time_limit: Annotated[
        float, typer.Option(help="Seconds for all of it: the search, components, and convexity.")
    ] = 60.0,
    slopes: SlopesFlag = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it: a .png, .svg or .pdf file; two inputs only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Find all codes that meet an observation: cells, components, convexity."""
    net = read_network(network, slopes)
    if plot is not None:
        _check_plot(plot, net, box, observation)
    from pyomo_relu.io.observation import read_array
    from pyomo_relu.preimages import preimage as find

    x = read_array(observation, "observation")
    with solving("finding cells", quiet=as_json):
        found = find(net, x, box, tol, max_cells=max_cells, seconds=time_limit)
        facts = found.to_dict()
    try:
        if plot is not None:
            from pyomo_relu.preimages.picture import plot_preimage

            plot_preimage(found, plot)
    finally:
        typer.echo(json.dumps(facts, allow_nan=False) if as_json else summary(found))
    decided = found.complete and found.graph_complete and found.convex is not None
    raise typer.Exit(DONE if decided else UNDECIDED)


def summary(found: Preimage) -> str:
    """Return what was found in a few lines."""
    words = {True: "yes", False: "no", None: "not known"}
    lines = [
        f"cells       {len(found.cells)}" + ("" if found.complete else f", not complete: {found.status}"),
        f"components  {_components(found)}",
        f"dimension   {_dimension(found)}",
        f"convex      {words[found.convex]}",
        f"unique      {words[found.unique]}",
    ]
    return "\n".join(lines)


def _components(found: Preimage) -> str:
    most = str(len(found.components))
    if not found.graph_complete:
        most = f"not known, at most {most}: --time-limit, or cells too near to tell apart"
    return most if found.complete else f"{most}, of these cells"


def _dimension(found: Preimage) -> str:
    if found.dimension is None:
        return "none: empty" if found.complete else "not known"
    return str(found.dimension) if found.complete else f"at least {found.dimension}"


def _check_plot(plot: Path, net: Network, box: tuple[float, float] | None, observation: Path) -> None:
    from pyomo_relu.figure import SUFFIXES, check_picture
    from pyomo_relu.preimages.picture import check_drawable

    check_destination(plot, "--plot", SUFFIXES, (observation,))
    check_drawable(net, box is not None and all(map(math.isfinite, box)))
    check_picture(plot)
