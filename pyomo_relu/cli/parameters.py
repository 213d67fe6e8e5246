"""The parameters that the commands of inversion share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

METHOD, SOLVER, OUTPUT = "Method", "Solver", "Output"

NetworkArgument = Annotated[str, typer.Argument(help="A .npz, .onnx, .pt or .pth file, or: mnist.", metavar="NETWORK")]

ObservationArgument = Annotated[
    Path, typer.Argument(help="What was observed: a .npy, .csv, .txt or .json file.", metavar="OBSERVATION")
]

MethodFlag = Annotated[
    str | None,
    typer.Option(
        help="How to invert; layerwise if not given.", metavar="layerwise|exact|hybrid|descent", rich_help_panel=METHOD
    ),
]

FormulationFlag = Annotated[
    str | None,
    typer.Option(
        help="Layer-wise: the linear program of a layer; linf if not given.",
        metavar="linf|l1|relaxed|realizable|linear",
        rich_help_panel=METHOD,
    ),
]

ScheduleFlag = Annotated[
    str | None,
    typer.Option(help="linf, l1: how the tolerance is found.", metavar="bisection|geometric", rich_help_panel=METHOD),
]

EpsFlag = Annotated[
    float | None, typer.Option(help="linf, l1: first tolerance. relaxed: noise level.", rich_help_panel=METHOD)
]

NormFlag = Annotated[
    str | None,
    typer.Option(
        help="Norm of the residual; exact: inf if not given, hybrid: 2.",
        metavar="inf|1|2|huber:DELTA",
        rich_help_panel=METHOD,
    ),
]

EncodingFlag = Annotated[
    str | None,
    typer.Option(
        help="Exact: how a neuron is written; big-m if not given.",
        metavar="big-m|sos1|indicator",
        rich_help_panel=METHOD,
    ),
]

TubeFlag = Annotated[
    float | None,
    typer.Option(help="Exact, norm 1, 2 or huber: no output may miss by more than this.", rich_help_panel=METHOD),
]

ThenFlag = Annotated[
    str | None,
    typer.Option(
        help="Exact, norm inf: of all optimal codes the nearest in this norm.",
        metavar="1|2|huber",
        rich_help_panel=METHOD,
    ),
]

BoxFlag = Annotated[
    tuple[float, float] | None,
    typer.Option(help="Bounds of every entry of the code.", metavar="LO HI", rich_help_panel=METHOD),
]

MaskFlag = Annotated[Path | None, typer.Option(help="A vector: 1 where observed, 0 elsewhere.", rich_help_panel=METHOD)]

WeightsFlag = Annotated[
    Path | None,
    typer.Option(help="A vector: what each output's deviation counts; 0: nothing, inf: met.", rich_help_panel=METHOD),
]

OperatorFlag = Annotated[Path | None, typer.Option(help="The matrix A of observations A G(z).", rich_help_panel=METHOD)]

SlopesFlag = Annotated[
    str | None,
    typer.Option(
        help="Activations of a file that has none, one or one a layer: 0 ReLU, 1 linear.",
        metavar="S,S,...",
    ),
]

SolverFlag = Annotated[
    str | None, typer.Option(help="Its name; `pyomo-relu solvers` lists them.", rich_help_panel=SOLVER)
]

ConfigFlag = Annotated[
    Path | None, typer.Option(help="A TOML file with a table 'solver'; flags go first.", rich_help_panel=SOLVER)
]

TimeLimitFlag = Annotated[float | None, typer.Option(help="Seconds for one solve.", rich_help_panel=SOLVER)]

RelGapFlag = Annotated[float | None, typer.Option(help="Relative gap of a proof.", rich_help_panel=SOLVER)]

ThreadsFlag = Annotated[int | None, typer.Option(rich_help_panel=SOLVER)]

SeedFlag = Annotated[int | None, typer.Option(help="The solver's random seed.", rich_help_panel=SOLVER)]

LogFlag = Annotated[
    bool | None, typer.Option("--log/--no-log", help="Show the solver's log, on stderr.", rich_help_panel=SOLVER)
]

OptionFlag = Annotated[
    list[str] | None,
    typer.Option(help="The solver's own option; may be repeated.", metavar="KEY=VALUE", rich_help_panel=SOLVER),
]
