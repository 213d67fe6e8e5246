"""The command ``pyomo-relu``: a file a command; numerical packages load inside them, so that ``--help`` is quick."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pyomo_relu.cli import check, demo, invert, invert_many, preimage, reproduce, show, solvers
from pyomo_relu.cli.group import Group

__all__ = ["app", "main"]

app = typer.Typer(
    name="pyomo-relu",
    cls=Group,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Invert ReLU networks, layer by layer and exactly, with any solver, and prove it.",
    epilog="Exit codes: 0 done or decided, 1 undecided within limits or failed, 2 bad input, 130 interrupted.",
)


@app.callback(invoke_without_command=True)
def front(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    """Print the version, or the help where no command is given."""
    if version:
        import pyomo_relu

        typer.echo(f"pyomo-relu {pyomo_relu.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("invert")(invert.invert)
app.command("invert-many")(invert_many.invert_many)
app.command("check")(check.check)
app.command("demo")(demo.demo)
app.command("preimage")(preimage.preimage)
app.command("reproduce")(reproduce.reproduce)
app.command("show")(show.show)
app.command("solvers")(solvers.solvers)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    Parameters
    ----------
    arguments : list of str, optional
        ``sys.argv[1:]`` where not given.

    Raises
    ------
    SystemExit
        Always: 0 done or decided, 1 undecided within limits or failed, 2 bad input, 130 interrupted.
    """
    app(sys.argv[1:] if arguments is None else arguments, prog_name="pyomo-relu")
