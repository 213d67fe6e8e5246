"""``pyomo-relu prove``: an optimum, or a bound, as a certificate that ``pyomo-relu check`` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyomo_relu.cli.group import DONE, UNDECIDED
from pyomo_relu.cli.network_argument import read_network
from pyomo_relu.cli.output import check_destination
from pyomo_relu.cli.parameters import NetworkArgument, ObservationArgument, SlopesFlag
from pyomo_relu.cli.terminal import note, solving

if TYPE_CHECKING:
    from pyomo_relu.certified.tree import TreeProof
    from pyomo_relu.network import Network
    from pyomo_relu.result import Result
    from pyomo_relu.validation import FloatArray

BELOW = 1.0 - 1e-6
"""Of the optimum: the share that is to be proved where no bound is given."""


def prove(
    network: NetworkArgument,
    observation: ObservationArgument,
    box: Annotated[tuple[float, float], typer.Option(help="Bounds of every entry of the code.", metavar="LO HI")],
    out: Annotated[Path | None, typer.Option(help="Where to write the certificate: a .json file.")] = None,
    norm: Annotated[str, typer.Option(help="Norm of the residual.", metavar="inf|1")] = "inf",
    bound: Annotated[
        float | None, typer.Option(help="What to prove; a little below the optimum, which is sought, if not given.")
    ] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds; the inversion gets at most half of them.")] = 60.0,
    slopes: SlopesFlag = None,
    program: Annotated[
        Path | None, typer.Option(help="Write the rational MILP, for solvers with exact arithmetic: a .lp file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Prove in exact arithmetic that every code in the box misses the observation by at least a bound."""
    for path, flag, suffix in ((out, "--out", ".json"), (program, "--program", ".lp")):
        if path is not None:
            check_destination(path, flag, (suffix,), (Path(network), observation))
    from pyomo_relu.certified.bound_claim import claim_of
    from pyomo_relu.io.observation import read_array
    from pyomo_relu.norms import as_norm
    from pyomo_relu.validation import as_number

    as_number(time_limit, "time_limit", positive=True)
    net, x = read_network(network, slopes), read_array(observation, "observation")
    # Refuses what the proof would, before the inversion.
    chosen: Any = as_norm(norm).name
    claim_of(net, x, 1.0 if bound is None else bound, box, chosen)
    if program is not None:
        from pyomo_relu.certified.rational_program import write_rational_program

        write_rational_program(program, net, x, box, chosen)
    with solving("proving", quiet=as_json):
        best, proof = _prove(net, x, box, chosen, bound, time_limit)
    if proof is None:
        note(f"there is nothing to prove: {best}")
        raise typer.Exit(UNDECIDED)
    try:
        if out is not None and proof.certificate is not None:
            proof.save(out)
    finally:
        typer.echo(json.dumps(_facts(proof), allow_nan=False) if as_json else _summary(proof))
    raise typer.Exit(DONE if proof.certificate is not None else UNDECIDED)


def _prove(
    net: Network, x: FloatArray, box: tuple[float, float], norm: Any, bound: float | None, seconds: float
) -> tuple[str, TreeProof | None]:
    from pyomo_relu.certified.tree import prove_bound
    from pyomo_relu.deadline import Deadline
    from pyomo_relu.inversion import Exact, invert
    from pyomo_relu.solvers import Solver

    code: FloatArray | None = None
    deadline = Deadline.after(seconds)
    if bound is None:
        half = Solver("scip").until(deadline.share(0.5))
        best: Result = invert(net, x, Exact(norm=norm), box=box, solver=half)
        if best.residual is None or best.realizable or best.residual * BELOW <= 0.0:
            return f"{best.status}, residual {best.residual}", None
        code, bound = best.z, best.residual * BELOW
    return "", prove_bound(net, x, bound, box, norm, code=code, seconds=max(deadline.left, 1e-3))


def _facts(proof: TreeProof) -> dict[str, object]:
    found = proof.certificate
    return {
        "status": proof.status.value,
        "bound": None if found is None else found["bound"],
        "leaves": proof.leaves,
        "seconds": proof.seconds,
    }


def _summary(proof: TreeProof) -> str:
    if proof.certificate is None:
        return f"not proved: {proof.status}"
    return f"proved: residual >= {proof.certificate['bound']!r}\nleaves: {proof.leaves}"
