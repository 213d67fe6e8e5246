"""The command ``relu-reductions``: a file a command; numerical packages load inside, so that ``--help`` is quick."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pyomo_relu.cli.group import Group
from reductions.cli import build, convexity, decide, draw, lift, suite

__all__ = ["app", "main"]

app = typer.Typer(
    name="relu-reductions",
    cls=Group,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="NP-hardness of inversion, made of networks: decide formulas by inversion, build and draw instances.",
    epilog="Exit codes: 0 done, 1 undecided, 2 bad input, 130 interrupted; of `decide` 10 SAT, 20 UNSAT, 0 unknown.",
)


@app.callback(invoke_without_command=True)
def front(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    """Print the version, or the help where no command is given."""
    if version:
        import pyomo_relu

        typer.echo(f"relu-reductions {pyomo_relu.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("decide")(decide.decide)
app.command("build")(build.build)
app.command("lift")(lift.lift)
app.command("convexity")(convexity.convexity)
app.command("suite")(suite.suite)
app.command("draw")(draw.draw)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    Parameters
    ----------
    arguments : list of str, optional
        ``sys.argv[1:]`` where not given.

    Raises
    ------
    SystemExit
        Always: 0 done, 1 undecided, 2 bad input, 130 interrupted; ``decide`` leaves with 10 SAT, 20 UNSAT, 0 unknown.
    """
    app(sys.argv[1:] if arguments is None else arguments, prog_name="relu-reductions")
