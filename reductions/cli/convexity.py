"""``relu-reductions convexity``: whether a pre-image is convex."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyomo_relu.cli import (
    DONE,
    UNDECIDED,
    ConfigFlag,
    NetworkArgument,
    OptionFlag,
    SolverFlag,
    SolverFlags,
    choose_solver,
    read_network,
    solving,
)
from pyomo_relu.documents import plain
from reductions.cli.arguments import JsonOption, TimeLimitOption

if TYPE_CHECKING:
    from reductions.convexity import Convexity


def convexity(
    network: NetworkArgument,
    observation: Annotated[
        Path, typer.Argument(help="What is observed: a .npy, .csv, .txt or .json file.", metavar="OBSERVATION")
    ],
    box: Annotated[
        tuple[float, float] | None, typer.Option(help="Bounds of every entry of the code.", metavar="LO HI")
    ] = None,
    tol: Annotated[
        float | None, typer.Option(help="Midpoints that miss by less, relative to max(1, max |x|), do not count.")
    ] = None,
    proof: Annotated[
        str | None, typer.Option(help="Answer without rounding, where that is done in time.", metavar="z3")
    ] = None,
    solver: SolverFlag = None,
    config: ConfigFlag = None,
    time_limit: TimeLimitOption = None,
    option: OptionFlag = None,
    json_only: JsonOption = False,
) -> None:
    """Decide whether the codes of one observation form a convex set; exit code 0 if decided, 1 if not.

    Example: `relu-reductions convexity net.npz x.npy --box -3 3`.
    """
    settings = choose_solver(SolverFlags(solver, config, option=option or ()))

    from pyomo_relu.io import read_array
    from pyomo_relu.status import Status
    from reductions.convexity import ConvexityVerdict, check_preimage_convexity

    net, x = read_network(network, None), read_array(observation, "observation")
    given: dict[str, Any] = {} if tol is None else {"tol": tol}
    with solving("looking for two codes and their midpoint", quiet=json_only):
        found = check_preimage_convexity(net, x, box, settings, proof=proof, seconds=time_limit, **given)
    if found.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    typer.echo(json.dumps(_facts(found)) if json_only else "\n".join(_lines(found)))
    raise typer.Exit(UNDECIDED if found.verdict is ConvexityVerdict.UNDECIDED else DONE)


def _facts(found: Convexity) -> dict[str, Any]:
    names = ("verdict", "proved", "empty", "violation", "z1", "z2", "midpoint", "status", "seconds", "message")
    own = {name: plain(getattr(found, name)) for name in names}
    return {**own, "certificate": found.certificate.to_list()}


def _lines(found: Convexity) -> list[str]:
    lines = [f"{found.verdict}{', proved' if found.proved else ''}", *map(str, found.certificate.claims)]
    if found.message:
        lines.append(found.message)
    if not found.status.ok:
        lines.append(f"{found.status}: {found.status.advice}")
    for name, code in (("z1", found.z1), ("z2", found.z2)):
        if code is not None:
            lines.append(f"{name} = {' '.join(format(v, '.9g') for v in code.tolist())}")
    return lines
