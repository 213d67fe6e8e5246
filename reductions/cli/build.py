"""``relu-reductions build``: a formula as files that solvers and verifiers read."""

from __future__ import annotations

import json

import typer

from reductions.cli.arguments import FolderOption, FormulaArgument, JsonOption, ReductionOption


def build(
    file: FormulaArgument, out: FolderOption, reduction: ReductionOption = "three-sat", json_only: JsonOption = False
) -> None:
    """Write the network of a formula, its observation, its property in VNN-LIB and a manifest.

    Example: `relu-reductions build uf20-01.cnf --reduction box --out uf20-01`.
    """
    from reductions.cnf import CNF
    from reductions.exchange import write_instance
    from reductions.registry import named_reduction

    manifest = write_instance(named_reduction(reduction).reduce(CNF.from_dimacs(file)), out)
    if json_only:
        typer.echo(json.dumps(manifest))
        return
    sizes = "-".join(map(str, manifest["sizes"]))
    typer.echo(f"{out}: {reduction}, {sizes}, gap {manifest['gap']:.6g} in the {manifest['gap_norm']} norm")
