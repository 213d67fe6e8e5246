"""The command ``relu-reductions``, a file a command."""

from __future__ import annotations

from pyomo_relu.cli import new_app
from reductions.cli import build, convexity, decide, draw, lift, suite

__all__ = ["app", "main"]

app = new_app(
    "relu-reductions",
    "NP-hardness of inversion, made of networks: decide formulas by inversion, build and draw instances.",
    "0 done, 1 undecided, 2 bad input, 130 interrupted; of `decide` 10 SAT, 20 UNSAT, 0 unknown.",
)
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
    app(arguments)
