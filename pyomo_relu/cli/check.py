"""``pyomo-relu check``: check a certificate in exact arithmetic, without a solver."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomo_relu.cli.group import UNDECIDED
from pyomo_relu.cli.network_argument import read_network
from pyomo_relu.cli.terminal import note
from pyomo_relu.errors import InputError
from pyomo_relu.reading import content

if TYPE_CHECKING:
    from pyomo_relu.certified.checker import CheckedProof


def check(
    certificate: Annotated[Path, typer.Argument(help="A .json file.", metavar="CERTIFICATE")],
    network: Annotated[
        str | None, typer.Option(help="The network that it must be about: a file, or: mnist.", metavar="NETWORK")
    ] = None,
    observation: Annotated[Path | None, typer.Option(help="The observation that it must be about.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Check a certificate: exit code 0 where it proves its claim, 1 where it does not."""
    from pyomo_relu.certified import checker

    try:
        found = checker.load(content(certificate, checker.MOST_BYTES, f"CERTIFICATE {certificate}"))
    except checker.RejectedError as error:
        raise InputError(f"CERTIFICATE {certificate}: {error}") from error
    try:
        verdict = checker.check(found)
    except checker.RejectedError as error:
        note(f"rejected: {error}")
        raise typer.Exit(UNDECIDED) from error
    _check_subject(found, verdict, network, observation)
    typer.echo(json.dumps(_facts(verdict)) if as_json else str(verdict))


def _check_subject(
    found: dict[str, object], verdict: CheckedProof, network: str | None, observation: Path | None
) -> None:
    if network is not None:
        from pyomo_relu.certified import checker
        from pyomo_relu.certified.bound_claim import entries_of

        own = {**found, "format": checker.FORMAT, "network": entries_of(read_network(network, None))}
        try:
            same = checker.read_claim(own).layers == verdict.claim.layers
        except checker.RejectedError:  # of other sizes
            same = False
        if not same:
            raise InputError("the certificate is about another network")
    if observation is not None:
        from pyomo_relu.io.observation import read_array

        if read_array(observation, "observation").tolist() != found["observation"]:
            raise InputError("the certificate is about another observation")


def _facts(verdict: CheckedProof) -> dict[str, object]:
    claim = verdict.claim
    return {
        "norm": claim.norm,
        "bound": float(claim.bound),
        "residual": None if verdict.residual is None else float(verdict.residual),
        "box": [[float(low) for low, _ in claim.box], [float(high) for _, high in claim.box]],
        "leaves": verdict.leaves,
    }
