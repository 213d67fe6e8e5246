"""``pyomo-relu invert``: find the code of one observation."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyomo_relu.cli import parameters
from pyomo_relu.cli.chosen import chosen_by
from pyomo_relu.cli.group import DONE, INTERRUPTED, UNDECIDED
from pyomo_relu.cli.network_argument import read_network
from pyomo_relu.cli.output import SUFFIXES, as_json, check_destination, write_result
from pyomo_relu.cli.parameters import METHOD, OUTPUT
from pyomo_relu.cli.terminal import note, solving

if TYPE_CHECKING:
    from pyomo_relu.inversion import Extent
    from pyomo_relu.network import Network
    from pyomo_relu.result import Result
    from pyomo_relu.validation import FloatArray


def invert(
    network: parameters.NetworkArgument,
    observation: parameters.ObservationArgument,
    method: parameters.MethodFlag = None,
    formulation: parameters.FormulationFlag = None,
    schedule: parameters.ScheduleFlag = None,
    eps: parameters.EpsFlag = None,
    norm: parameters.NormFlag = None,
    encoding: parameters.EncodingFlag = None,
    tube: parameters.TubeFlag = None,
    then: parameters.ThenFlag = None,
    extent: Annotated[
        bool | None,
        typer.Option("--extent", help="Exact: how far do equally good codes reach?", rich_help_panel=METHOD),
    ] = None,
    tol: Annotated[
        float | None,
        typer.Option(help="Extent: how far above the residual found is equally good.", rich_help_panel=METHOD),
    ] = None,
    box: parameters.BoxFlag = None,
    mask: parameters.MaskFlag = None,
    weights: parameters.WeightsFlag = None,
    operator: parameters.OperatorFlag = None,
    slopes: parameters.SlopesFlag = None,
    solver: parameters.SolverFlag = None,
    config: parameters.ConfigFlag = None,
    time_limit: parameters.TimeLimitFlag = None,
    rel_gap: parameters.RelGapFlag = None,
    threads: parameters.ThreadsFlag = None,
    seed: parameters.SeedFlag = None,
    log: parameters.LogFlag = None,
    option: parameters.OptionFlag = None,
    json_only: Annotated[bool, typer.Option("--json", help="Print JSON only.", rich_help_panel=OUTPUT)] = False,
    out: Annotated[
        Path | None,
        typer.Option(help=".json: the whole result. .npy, .npz, .csv: the code z.", rich_help_panel=OUTPUT),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it: .png, .svg or .pdf.", rich_help_panel=OUTPUT)] = None,
) -> None:
    """Find a code whose output is the observation, or as near as can be."""
    chosen, settings, sides = chosen_by(locals())
    _check_files(out, plot, (Path(network), observation, mask, weights, operator, config))

    from pyomo_relu.inversion import Exact
    from pyomo_relu.inversion import extent as extent_of
    from pyomo_relu.inversion import invert as run
    from pyomo_relu.inversion.extent import check_extent
    from pyomo_relu.io.observation import read_array
    from pyomo_relu.problem import Problem

    net = read_network(network, slopes)
    x = read_array(observation, "observation")
    seen = None if mask is None else read_array(mask, "mask")
    factors = None if weights is None else read_array(weights, "weights")
    matrix = None if operator is None else read_array(operator, "operator", matrix=True)
    seen_by: dict[str, Any] = {"operator": matrix, "mask": seen, "weights": factors, "box": sides}
    # For the checks and sizes here; the inversion makes its own.
    problem = Problem.of(net, x, **seen_by)
    if extent and isinstance(chosen, Exact):
        check_extent(problem, chosen, tol, settings)
    with solving("inverting", quiet=json_only or settings.log):
        result = run(net, x, chosen, solver=settings, **seen_by)
    reach: Extent | None = None
    with ExitStack() as at_last:
        # Whatever goes wrong from here on, the inversion is not lost: nor by a file that cannot be written. Last in,
        # first out: the file, the picture, and then what is printed.
        if result.z is not None or not _interrupted(result):
            at_last.callback(lambda: _print(result, reach, json_only, problem.network.sizes))
            if plot is not None:
                at_last.callback(_draw, result, net, x, plot, seen if factors is None else factors != 0.0, matrix)
            if out is not None:
                at_last.callback(lambda: _write(result, reach, out))
        if extent and isinstance(chosen, Exact) and not _interrupted(result):
            with solving("bounding equally good codes", quiet=json_only or settings.log):
                reach = extent_of(net, x, chosen, result=result, tol=tol, solver=settings, **seen_by)
    raise typer.Exit(exit_code(result) if reach is None else max(exit_code(result), _exit_code_of(reach)))


def exit_code(result: Result) -> int:
    """Return 0 where the method ran to its end or the question is decided, 130 where interrupted, else 1."""
    from pyomo_relu.status import Status

    if _interrupted(result):
        return INTERRUPTED
    refuted = result.status is Status.INFEASIBLE and result.realizable is False
    return DONE if result.status.ok or result.realizable or refuted else UNDECIDED


def _exit_code_of(extent: Extent) -> int:
    from pyomo_relu.status import Status

    if Status.INTERRUPTED in extent.statuses:
        return INTERRUPTED
    return DONE if extent.status.ok or extent.level is None else UNDECIDED


def _interrupted(result: Result) -> bool:
    from pyomo_relu.status import Status

    return result.status is Status.INTERRUPTED


def _check_files(out: Path | None, plot: Path | None, inputs: tuple[Path | None, ...]) -> None:
    if out is not None:
        check_destination(out, "--out", SUFFIXES, inputs)
    if plot is not None:
        from pyomo_relu import figure

        check_destination(plot, "--plot", figure.SUFFIXES, inputs)
        figure.check_picture(plot)


def _print(result: Result, extent: Extent | None, json_only: bool, sizes: tuple[int, ...]) -> None:
    if json_only:
        typer.echo(as_json(result, extent))
        return
    from pyomo_relu.cli import tables

    tables.show(tables.result_table(result), tables.layers_table(result.layers, sizes), tables.extent_table(extent))


def _write(result: Result, extent: Extent | None, out: Path) -> None:
    if not write_result(result, extent, out):
        note(f"warning: there is no code, so {out} was not written")


def _draw(
    result: Result, net: Network, x: FloatArray, path: Path, seen: FloatArray | None, matrix: FloatArray | None
) -> None:
    if result.z is None:
        note(f"warning: there is no code, so {path} was not drawn")
        return
    from pyomo_relu.plots import plot_inversion

    output = net(result.z)
    title = f"{result.status}, residual {result.residual:.4g} ({result.norm} norm)"
    plot_inversion(x, output if matrix is None else matrix @ output, path, mask=seen, title=title)
