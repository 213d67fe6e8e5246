"""Random formulas from a seed: uniform ones, and ones with a planted solution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pyomo_relu.errors import InputError
from pyomo_relu.streams import stream
from pyomo_relu.validation import as_count
from reductions.cnf import CNF


def random_cnf(n_variables: int, n_clauses: int, k: int = 3, seed: int = 0) -> CNF:
    """Draw clauses uniformly: k distinct variables each, every sign with probability 1/2.

    Parameters
    ----------
    n_variables, n_clauses : int
        Clauses are drawn independently, so that one may be drawn twice.
    k : int
        Literals a clause.
    seed : int
        0 or more.

    Returns
    -------
    CNF

    Raises
    ------
    InputError
        If `k` is not between 1 and `n_variables`, or a number is negative or no integer.

    Examples
    --------
    >>> cnf = random_cnf(5, 20, seed=1)
    >>> cnf == random_cnf(5, 20, seed=1), {len(clause) for clause in cnf.clauses}
    (True, {3})
    """
    n_variables, n_clauses, k, seed = _checked(n_variables, n_clauses, k, seed)
    return drawn_cnf(n_variables, n_clauses, k, stream("random formula", seed))


def planted_cnf(n_variables: int, n_clauses: int, k: int = 3, seed: int = 0) -> tuple[CNF, list[bool]]:
    """Draw an assignment, and clauses uniformly among those that it satisfies.

    Parameters
    ----------
    n_variables, n_clauses, k, seed : int
        As for :func:`random_cnf`.

    Returns
    -------
    cnf : CNF
    assignment : list of bool, length n_variables
        Satisfies `cnf`.

    Raises
    ------
    InputError
        As :func:`random_cnf`.

    Examples
    --------
    >>> cnf, assignment = planted_cnf(5, 60, seed=1)
    >>> cnf.satisfied_by(assignment)
    True
    """
    n_variables, n_clauses, k, seed = _checked(n_variables, n_clauses, k, seed)
    rng = stream("planted formula", seed)
    assignment = [bool(value) for value in rng.integers(0, 2, n_variables)]

    def satisfied(clause: tuple[int, ...]) -> bool:
        return any(assignment[abs(literal) - 1] == (literal > 0) for literal in clause)

    return drawn_cnf(n_variables, n_clauses, k, rng, satisfied), assignment


def _checked(n_variables: int, n_clauses: int, k: int, seed: int) -> tuple[int, int, int, int]:
    given = {"n_variables": n_variables, "n_clauses": n_clauses, "k": k, "seed": seed}
    n_variables, n_clauses, k, seed = (as_count(value, name, 0) for name, value in given.items())
    if not 1 <= k <= n_variables and n_clauses:
        raise InputError(f"clauses of {k} distinct variables cannot be drawn from {n_variables}")
    return n_variables, n_clauses, k, seed


def drawn_cnf(
    n_variables: int,
    n_clauses: int,
    k: int,
    rng: np.random.Generator,
    keep: Callable[[tuple[int, ...]], bool] = lambda clause: True,
) -> CNF:
    """Draw clauses uniformly among those to keep, of checked numbers, from a generator."""
    clauses: list[tuple[int, ...]] = []
    while len(clauses) < n_clauses:
        variables = np.sort(rng.choice(n_variables, k, replace=False)) + 1
        clause = tuple(int(literal) for literal in variables * rng.choice([-1, 1], k))
        if keep(clause):
            clauses.append(clause)
    return CNF(n_variables, tuple(clauses))
