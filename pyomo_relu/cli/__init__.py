"""The command ``pyomo-relu``, a file a command; and what command lines of other packages share with it."""

from __future__ import annotations

from pyomo_relu.cli import check, demo, invert, invert_many, preimage, prove, reproduce, show, solvers
from pyomo_relu.cli.application import new_app
from pyomo_relu.cli.group import DONE, UNDECIDED
from pyomo_relu.cli.network_argument import read_network
from pyomo_relu.cli.output import check_destination
from pyomo_relu.cli.parameters import ConfigFlag, NetworkArgument, OptionFlag, SolverFlag
from pyomo_relu.cli.solver_flags import SolverFlags, choose_solver
from pyomo_relu.cli.terminal import note, solving

__all__ = [
    "DONE",
    "UNDECIDED",
    "ConfigFlag",
    "NetworkArgument",
    "OptionFlag",
    "SolverFlag",
    "SolverFlags",
    "app",
    "check_destination",
    "choose_solver",
    "main",
    "new_app",
    "note",
    "read_network",
    "solving",
]

app = new_app(
    "pyomo-relu",
    "Invert ReLU networks, layer by layer and exactly, with any solver, and prove it.",
    "0 done or decided, 1 undecided within limits or failed, 2 bad input, 130 interrupted.",
)
app.command("demo")(demo.demo)
app.command("show")(show.show)
app.command("solvers")(solvers.solvers)
app.command("invert")(invert.invert)
app.command("invert-many")(invert_many.invert_many)
app.command("preimage")(preimage.preimage)
app.command("prove")(prove.prove)
app.command("check")(check.check)
app.command("reproduce")(reproduce.reproduce)


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
    app(arguments)
