"""``relu-reductions lift``: from a code that somebody found back to an assignment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyomo_relu.cli import DONE, UNDECIDED
from pyomo_relu.documents import MOST_JSON, parse_json
from pyomo_relu.errors import InputError
from pyomo_relu.reading import content
from reductions.cli.arguments import JsonOption
from reductions.cli.decide import SAID, value_lines

if TYPE_CHECKING:
    from reductions.instance import Instance, Reduction

DEFAULT = "three-sat"


def lift(
    source: Annotated[Path, typer.Argument(help="A folder that `build` wrote, or a formula.", metavar="DIR|FILE.cnf")],
    code: Annotated[Path, typer.Argument(help="The code z: .npy, .csv, .txt or .json.", metavar="Z")],
    reduction: Annotated[
        str | None,
        typer.Option(help="With FILE.cnf: what the code's network was made by; three-sat if not given."),
    ] = None,
    json_only: JsonOption = False,
) -> None:
    """Round a code to an assignment, and check it; exit code 0 if it satisfies the formula, 1 if not.

    Examples: `relu-reductions lift uf20-01 z.npy`, `relu-reductions lift uf20-01.cnf z.npy --reduction box`.
    """
    from pyomo_relu.enclosure import enclose
    from pyomo_relu.io import read_array
    from pyomo_relu.problem import Problem
    from pyomo_relu.validation import as_vector
    from reductions.cnf import CNF
    from reductions.registry import named_reduction

    if source.is_dir():
        if reduction is not None:
            raise InputError(f"--reduction does not go with the folder {source}, whose manifest names it")
        chosen, instance = _written(source)
    else:
        chosen = named_reduction(reduction or DEFAULT)
        instance = chosen.reduce(CNF.from_dimacs(source))
    z = as_vector(read_array(code, "code"), instance.network.n_in, "code")
    assignment = chosen.lift(instance, z)
    if assignment is not None and not instance.source.satisfied_by(assignment):
        assignment = None
    residual = enclose(Problem.of(instance.network, instance.observation), z, instance.gap_norm).value
    said = "undecided" if assignment is None else "sat"
    if json_only:
        facts = {"verdict": said, "assignment": assignment, "residual": residual, "gap": instance.gap}
        typer.echo(json.dumps(facts))
    else:
        typer.echo(f"c residual {residual:.6g} in the {instance.gap_norm} norm, gap {instance.gap:.6g}")
        typer.echo("\n".join([f"s {SAID[said]}", *([] if assignment is None else value_lines(assignment))]))
    raise typer.Exit(UNDECIDED if assignment is None else DONE)


def _written(folder: Path) -> tuple[Reduction, Instance]:
    """Read an instance from its files, and the reduction that its codes are lifted by."""
    from pyomo_relu.io import read_array
    from pyomo_relu.network import load_network
    from pyomo_relu.norms import as_norm
    from pyomo_relu.validation import as_vector
    from reductions.cnf import CNF
    from reductions.instance import Instance
    from reductions.registry import restored

    manifest = _manifest(folder / "manifest.json")
    if manifest.get("source") != "source.cnf":
        raise InputError(f"{folder}: its source is no formula, and codes are lifted to assignments only")
    # Manifests had no parameters once.
    chosen = restored(str(manifest.get("reduction")), manifest.get("parameters", {}))
    gap, norm = float(as_vector([manifest.get("gap")], 1, "gap")[0]), as_norm(manifest.get("gap_norm")).name
    network, x = load_network(folder / "network.npz"), read_array(folder / "observation.npy", "observation")
    return chosen, Instance(network, x, None, CNF.from_dimacs(folder / "source.cnf"), gap, norm, chosen.name)


def _manifest(path: Path) -> dict[str, Any]:
    found = parse_json(content(path, MOST_JSON), path)
    if not isinstance(found, dict):
        raise InputError(f"{path}: is no manifest")
    return found
