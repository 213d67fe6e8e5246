"""``pyomo-relu invert-many``: find the codes of many observations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyomo_relu.cli import parameters
from pyomo_relu.cli.chosen import chosen_by
from pyomo_relu.cli.group import BAD_INPUT, DONE, UNDECIDED
from pyomo_relu.cli.invert import exit_code
from pyomo_relu.cli.network_argument import read_network
from pyomo_relu.cli.parameters import OUTPUT
from pyomo_relu.cli.terminal import note, solving
from pyomo_relu.cli.workers import WORKERS, DaskFlag, WorkersFlag, check_workers, executor
from pyomo_relu.errors import InputError

if TYPE_CHECKING:
    from pyomo_relu.batch import Batch


def invert_many(
    network: parameters.NetworkArgument,
    observations: Annotated[
        Path,
        typer.Argument(help="What was observed, one a row: a .npy, .csv, .txt or .json file.", metavar="OBSERVATIONS"),
    ],
    workers: WorkersFlag = None,
    dask: DaskFlag = None,
    chunk: Annotated[
        int | None, typer.Option(help="Observations that a worker gets at a time.", min=1, rich_help_panel=WORKERS)
    ] = None,
    method: parameters.MethodFlag = None,
    formulation: parameters.FormulationFlag = None,
    schedule: parameters.ScheduleFlag = None,
    eps: parameters.EpsFlag = None,
    norm: parameters.NormFlag = None,
    encoding: parameters.EncodingFlag = None,
    tube: parameters.TubeFlag = None,
    then: parameters.ThenFlag = None,
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
        Path | None, typer.Option(help="A folder: results as they come, codes.npz.", rich_help_panel=OUTPUT)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what --out holds.", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Find the codes of many observations, one a row; one that fails does not lose the others."""
    check_workers(workers, dask)
    chosen, settings, sides = chosen_by(locals())
    if out is not None and out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: is not a folder")

    from pyomo_relu.batch import invert_many as run
    from pyomo_relu.io.observation import read_array

    net = read_network(network, slopes)
    x = read_array(observations, "observations", matrix=True)
    seen = None if mask is None else read_array(mask, "mask")
    factors = None if weights is None else read_array(weights, "weights")
    matrix = None if operator is None else read_array(operator, "operator", matrix=True)
    shared: dict[str, Any] = {"operator": matrix, "mask": seen, "weights": factors, "box": sides, "solver": settings}
    kept: dict[str, Any] = {"store": out, "resume": resume, "progress": not (json_only or settings.log)}
    try:
        with solving("", quiet=True), executor(workers, dask) as at_work:
            batch = run(net, x, chosen, at_work, chunk=chunk, **shared, **kept)
    except KeyboardInterrupt:
        if out is not None:
            note(f"{out} holds what was answered: go on with --resume")
        raise
    _print(batch, json_only)
    raise typer.Exit(max((_exit_code_of(answer) for answer in batch), default=DONE))


def _print(batch: Batch, json_only: bool) -> None:
    if not json_only:
        from pyomo_relu.cli import tables

        tables.show(tables.batch_table(batch), tables.failures_table(batch.failures))
        return
    from pyomo_relu.documents import plain

    whole = {
        **batch.summary(),
        "failures": [failure.to_dict() for failure in batch.failures],
        "residuals": plain([answer.residual for answer in batch]),
        "codes": plain([answer.z for answer in batch]),
    }
    typer.echo(json.dumps(whole, allow_nan=False))


def _exit_code_of(answer: Any) -> int:
    from pyomo_relu.batch import Failure

    if isinstance(answer, Failure):
        return BAD_INPUT if answer.refused else UNDECIDED
    return exit_code(answer)
