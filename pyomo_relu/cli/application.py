"""`new_app`: what the commands of a command line have in common."""

from __future__ import annotations

from typing import Annotated

import typer

from pyomo_relu.cli.group import Group


def new_app(name: str, about: str, exit_codes: str) -> typer.Typer:
    """Return an app without commands: ``--help``, ``--version``, errors on one line, and exit codes.

    Parameters
    ----------
    name : str
        Of the command.
    about, exit_codes : str
        One line each, for the help.
    """
    app = typer.Typer(
        name=name,
        cls=Group,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help=about,
        epilog=f"Exit codes: {exit_codes}",
    )

    @app.callback(invoke_without_command=True)
    def front(
        context: typer.Context,
        version: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
    ) -> None:
        """Print the version, or the help where no command is given."""
        if version:
            import pyomo_relu

            typer.echo(f"{name} {pyomo_relu.__version__}")
            raise typer.Exit
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return app
