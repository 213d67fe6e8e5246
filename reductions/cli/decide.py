"""``relu-reductions decide``: whether a formula is satisfiable, said as in the SAT competitions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomo_relu.cli import (
    ConfigFlag,
    OptionFlag,
    SolverFlag,
    SolverFlags,
    check_destination,
    choose_solver,
    note,
    solving,
)
from reductions.cli.arguments import (
    FormulaArgument,
    JsonOption,
    ReductionOption,
    TimeLimitOption,
)

if TYPE_CHECKING:
    from reductions.decide import Decision

PROOFS = (".drup", ".drat")
CODES = {"sat": 10, "unsat": 20, "undecided": 0}
SAID = {"sat": "SATISFIABLE", "unsat": "UNSATISFIABLE", "undecided": "UNKNOWN"}
WIDTH = 78


def decide(
    file: FormulaArgument,
    reduction: ReductionOption = "three-sat",
    solver: SolverFlag = None,
    config: ConfigFlag = None,
    time_limit: TimeLimitOption = None,
    option: OptionFlag = None,
    proof: Annotated[
        Path | None,
        typer.Option(
            help="Prove UNSAT, and write the DRUP proof: .drup or .drat. The time limit does not end it. "
            "Where there is no proof, an older FILE stays, and that is said.",
            metavar="FILE",
        ),
    ] = None,
    json_only: JsonOption = False,
) -> None:
    """Decide a formula by inverting a network; exit code 10 satisfiable, 20 unsatisfiable, 0 unknown.

    Examples: `relu-reductions decide uf20-01.cnf`, `relu-reductions decide uuf50-01.cnf --solver highs --proof p.drup`.
    """
    from reductions.registry import named_reduction

    chosen, settings = named_reduction(reduction), choose_solver(SolverFlags(solver, config, option=option or ()))
    if proof is not None:
        check_destination(proof, "--proof", PROOFS, (file, config))

    from pyomo_relu.status import Status
    from reductions.cnf import CNF
    from reductions.decide import decide as run

    cnf = CNF.from_dimacs(file)
    with solving("deciding", quiet=json_only):
        found = run(cnf, chosen, settings, proof=proof is not None, seconds=time_limit)
    if found.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    try:
        if proof is not None and found.proof is not None:
            found.write_proof(proof)
    finally:
        typer.echo(json.dumps(found.to_dict()) if json_only else "\n".join(_lines(found)))
    if proof is not None and found.proof is None:
        why = found.message or SAID[found.verdict.value].lower()
        old = f"; {proof} is of an earlier run" if proof.exists() else ""
        note(f"warning: {why}, so {proof} was not written{old}")
    raise typer.Exit(CODES[found.verdict.value])


def _lines(found: Decision) -> list[str]:
    lines = [f"c {claim}" for claim in found.certificate.claims]
    if found.solver:
        lines.append(f"c solver: {found.solver}")
    if not found.status.ok:
        lines.append(f"c {found.status}: {found.message or found.status.advice}")
    lines += [f"c seconds: {found.seconds:.2f}", f"s {SAID[found.verdict.value]}"]
    return lines if found.assignment is None else [*lines, *value_lines(found.assignment)]


def value_lines(assignment: Sequence[bool]) -> list[str]:
    """Return an assignment as the lines of a SAT solver.

    Examples
    --------
    >>> value_lines([True, False])
    ['v 1 -2 0']
    """
    lines = ["v"]
    for literal in (*(i if value else -i for i, value in enumerate(assignment, start=1)), 0):
        if len(lines[-1]) + len(f" {literal}") > WIDTH:
            lines.append("v")
        lines[-1] += f" {literal}"
    return lines
