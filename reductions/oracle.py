"""A SAT solver as an independent oracle: python-sat, loaded only when it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyomo_relu.errors import InputError, MissingDependencyError
from reductions.cnf import CNF

SOLVER = "cadical195"

PROOF_SOLVER = "glucose4"
"""Writes DRUP lines: learnt clauses and deletions, no step that needs more than unit propagation."""


def solve(cnf: CNF) -> list[bool] | None:
    """Return a satisfying assignment, or None if there is none.

    Parameters
    ----------
    cnf : CNF

    Returns
    -------
    list of bool, length n_variables, or None
        The assignment is checked; None is trusted to CaDiCaL (see :func:`unsat_proof`).

    Raises
    ------
    MissingDependencyError
        If python-sat is not installed.

    Examples
    --------
    >>> solve(CNF(2, [(1, 2), (-1, 2)]))[1], solve(CNF(1, [(1,), (-1,)]))
    (True, None)
    """
    return next(models(cnf), None)


def models(cnf: CNF) -> Iterator[list[bool]]:
    """Yield every satisfying assignment once, of all variables, whether they occur or not.

    Parameters
    ----------
    cnf : CNF

    Yields
    ------
    list of bool, length n_variables

    Raises
    ------
    MissingDependencyError
        If python-sat is not installed.

    Examples
    --------
    >>> sorted(models(CNF(2, [(1,)])))
    [[True, False], [True, True]]
    """
    with _solver(SOLVER, cnf) as solver:
        while solver.solve():
            true = set(solver.get_model())
            # A variable that the solver has not met yet is free: False, until a blocking clause names it.
            model = [i in true for i in range(1, cnf.n_variables + 1)]
            if not cnf.satisfied_by(model):
                raise AssertionError(f"{SOLVER} gave an assignment that does not satisfy the formula")
            yield model
            solver.add_clause([-i if value else i for i, value in enumerate(model, start=1)])


def unsat_proof(cnf: CNF) -> list[str]:
    """Return a proof of unsatisfiability: DRUP lines, which every DRAT checker takes too.

    Parameters
    ----------
    cnf : CNF

    Returns
    -------
    list of str
        ``"1 -2 0"`` adds a clause, ``"d 1 -2 0"`` deletes one; the last is ``"0"``, the empty clause.
        By Glucose 4; :func:`reductions.check_proof` checks it.

    Raises
    ------
    InputError
        If the formula is satisfiable.
    MissingDependencyError
        If python-sat is not installed.

    Examples
    --------
    >>> unsat_proof(CNF(1, [(1,), (-1,)]))
    ['0']
    """
    with _solver(PROOF_SOLVER, cnf, with_proof=True) as solver:
        if solver.solve():
            raise InputError("the formula is satisfiable: there is no proof of the contrary")
        lines = [line.strip() for line in solver.get_proof()]
    # A formula that falls while it is read in leaves the solver nothing to log.
    return lines if lines[-1:] == ["0"] else [*lines, "0"]


def load() -> Any:
    """Return python-sat's solver; called without need of it where a later refusal would come too late.

    Raises
    ------
    MissingDependencyError
        If python-sat is not installed.
    """
    try:
        from pysat.solvers import Solver
    except ImportError as error:
        raise MissingDependencyError('the SAT oracle needs python-sat: pip install "pyomo-relu[sat]"') from error
    return Solver


def _solver(name: str, cnf: CNF, **options: Any) -> Any:
    return load()(name=name, bootstrap_with=[list(clause) for clause in cnf.clauses], **options)
