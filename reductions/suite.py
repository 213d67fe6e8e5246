"""A suite of instances with known answers, for the test of solvers and verifiers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any

from pyomo_relu.errors import InputError
from pyomo_relu.io import require
from pyomo_relu.validation import as_count
from reductions.cnf import CNF
from reductions.exchange import Verdict, make_folder, remove, vnnlib, write_instance, write_text
from reductions.instance import Reduction
from reductions.oracle import load, solve, unsat_proof
from reductions.random_formulas import planted_cnf, random_cnf
from reductions.refutation import check_proof

SAT_RATIO, UNSAT_RATIO = 4, 8
"""Clauses a variable; random 3-CNF turns unsatisfiable at about 4.27."""


def write_suite(
    folder: str | PathLike[str],
    reductions: Sequence[Reduction],
    *,
    n_variables: Sequence[int] = (4, 6, 8),
    repeats: int = 1,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Write satisfiable and unsatisfiable 3-CNF instances, one folder each, and ``suite.json`` over all.

    Satisfiable formulas have a planted solution; unsatisfiable ones are random, and beside each is
    ``proof.drup``, written by a SAT solver and checked by :func:`~reductions.check_proof`.

    Parameters
    ----------
    folder : path
        Made if it does not exist; its parent must.
    reductions : sequence of Reduction
        Of formulas; ``REDUCTIONS.values()`` without ``"binary"``, which VNN-LIB cannot say.
    n_variables : sequence of int
        Sizes, 3 or more each.
    repeats : int
        Formulas of each size and verdict.
    seed : int

    Returns
    -------
    list of dict
        The manifests of :func:`~reductions.write_instance`, each with its ``folder``.

    Raises
    ------
    InputError
        If a size is below 3 or no integer, or given twice; if two reductions have one name, or VNN-LIB cannot say one;
        if a file cannot be written. Only the last leaves files behind.
    MissingDependencyError
        If python-sat or onnx is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from reductions import DepthTwo
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [manifest["folder"] for manifest in write_suite(folder, [DepthTwo()], n_variables=(3,))]
    ['sat-3-0-depth-two', 'unsat-3-0-depth-two']
    """
    seed, repeats = as_count(seed, "seed", 0), as_count(repeats, "repeats", 1)
    n_variables = [as_count(n, "a size", 0) for n in n_variables]
    _check(reductions, n_variables)
    load()
    require("onnx", "writing ONNX files")
    target = make_folder(folder)
    remove(target / "suite.json")
    manifests = []
    for n, repeat in itertools.product(n_variables, range(repeats)):
        for verdict, drawn, cnf in _formulas(n, seed + repeat * 1000):
            proof = _checked_proof(cnf) if verdict == "unsat" else None
            for reduction in reductions:
                name = f"{verdict}-{n}-{repeat}-{reduction.name}"
                manifest = write_instance(reduction.reduce(cnf), target / name, verdict=verdict, seed=drawn)
                if proof is not None:
                    write_text(target / name / "proof.drup", "\n".join((*proof, "")))
                manifests.append({"folder": name, **manifest})
    write_text(target / "suite.json", json.dumps(manifests, indent=2) + "\n")
    return manifests


def _check(reductions: Sequence[Reduction], n_variables: Sequence[int]) -> None:
    """Refuse what would leave a suite half written, or two instances in one folder."""
    if min(n_variables, default=3) < 3:
        raise InputError(f"formulas of 3 literals a clause need 3 variables or more, got {min(n_variables)}")
    named: list[tuple[str, list[Any]]] = [("reduction", [r.name for r in reductions]), ("size", list(n_variables))]
    for what, given in named:
        twice = next((value for value in given if given.count(value) > 1), None)
        if twice is not None:
            raise InputError(f"the {what} {twice} is given twice; a folder holds one instance")
    for reduction in reductions:
        vnnlib(reduction.reduce(CNF(3, ((1, 2, 3),))))


def _formulas(n: int, seed: int) -> Iterator[tuple[Verdict, int, CNF]]:
    yield "sat", seed, planted_cnf(n, SAT_RATIO * n, seed=seed)[0]
    yield next(
        ("unsat", drawn, cnf)
        for drawn in itertools.count(seed)
        if solve(cnf := random_cnf(n, UNSAT_RATIO * n, seed=drawn)) is None
    )


def _checked_proof(cnf: CNF) -> list[str]:
    lines = unsat_proof(cnf)
    if not check_proof(cnf, lines):
        raise AssertionError("the SAT solver's proof does not check")
    return lines
