"""`CNF`: a formula in conjunctive normal form, the value that most reductions start from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import index
from os import PathLike
from typing import Any

import numpy as np

from pyomo_relu.errors import InputError, ShapeError
from reductions import dimacs


@dataclass(frozen=True)
class CNF:
    """A conjunction of clauses, each a disjunction of literals.

    Parameters
    ----------
    n_variables : int
        Variables are 1, ..., n_variables; they need not all occur.
    clauses : sequence of sequence of int
        A literal is i or -i. Clauses may be of any length, may repeat each other and may repeat
        literals; an empty clause is never satisfied.

    Raises
    ------
    InputError
        If a number is not an integer, or a literal is 0 or beyond the last variable.

    Examples
    --------
    >>> cnf = CNF(2, [(1, 2), (-1, 2)])
    >>> cnf.satisfied_by([False, True]), cnf.violated_by([False, False])
    (True, (0,))
    """

    n_variables: int
    clauses: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        n = _integer(self.n_variables, "the number of variables")
        if n < 0:
            raise InputError(f"the number of variables must be at least 0, got {n}")
        clauses = tuple(tuple(_integer(literal, f"clause {j}") for literal in clause) for j, clause in self._numbered())
        for j, clause in enumerate(clauses):
            for literal in clause:
                if not 1 <= abs(literal) <= n:
                    raise InputError(f"clause {j} has the literal {literal}; literals are 1 to {n}, or negated")
        object.__setattr__(self, "n_variables", n)
        object.__setattr__(self, "clauses", clauses)

    def _numbered(self) -> Iterable[tuple[int, Iterable[Any]]]:
        for j, clause in enumerate(_iterable(self.clauses, "clauses")):
            yield j, _iterable(clause, f"clause {j}")

    @classmethod
    def from_dimacs(cls, text_or_path: str | PathLike[str], strict: bool = False) -> CNF:
        r"""Read a formula in DIMACS format.

        Parameters
        ----------
        text_or_path : str or path
            A str that has a line break, or whose first word is ``p`` or ``c``, is the text itself.
        strict : bool
            Refuse what is usual but wrong, such as a header that does not count the clauses right.

        Returns
        -------
        CNF

        Raises
        ------
        DimacsError
            If the text is malformed or too large.
        InputError
            If the file does not exist or cannot be read.

        Examples
        --------
        >>> CNF.from_dimacs("p cnf 2 1\n1 -2 0\n")
        CNF(n_variables=2, clauses=((1, -2),))
        """
        return cls(*dimacs.read(text_or_path, strict=strict))

    def to_dimacs(self) -> str:
        """Return the formula in DIMACS format; :meth:`from_dimacs` gives back an equal one."""
        return dimacs.write(self.n_variables, self.clauses)

    def satisfied_by(self, assignment: Sequence[bool]) -> bool:
        """Whether every clause has a true literal.

        Parameters
        ----------
        assignment : sequence of bool, length n_variables
            Variable i is entry i - 1.

        Raises
        ------
        ShapeError
            If the assignment has another length.
        InputError
            If an entry is not a boolean.
        """
        return not self.violated_by(assignment)

    def violated_by(self, assignment: Sequence[bool]) -> tuple[int, ...]:
        """Return the indices of the clauses without a true literal.

        Parameters
        ----------
        assignment : sequence of bool, length n_variables

        Returns
        -------
        tuple of int

        Raises
        ------
        ShapeError, InputError
            As :meth:`satisfied_by`.

        Examples
        --------
        >>> CNF(2, [(1, 2), (-1,)]).violated_by([True, False])
        (1,)
        """
        if len(assignment) != self.n_variables:
            raise ShapeError(f"assignment has {len(assignment)} entries, the formula {self.n_variables} variables")
        for i, value in enumerate(assignment):
            if not isinstance(value, (bool, np.bool_)):
                raise InputError(f"assignment entry {i} must be True or False, got {value!r}")
        return tuple(
            j
            for j, clause in enumerate(self.clauses)
            if not any(bool(assignment[abs(literal) - 1]) == (literal > 0) for literal in clause)
        )

    def normalise(self) -> Normalised:
        """Return an equivalent formula without duplicate literals, tautologies and repeated clauses.

        The literals of a clause are sorted by variable; an empty clause stays; so do variables that
        no longer occur.

        Returns
        -------
        Normalised

        Examples
        --------
        >>> CNF(2, [(2, 1, 2), (1, -1), (1, 2)]).normalise()
        Normalised(cnf=CNF(n_variables=2, clauses=((1, 2),)), origin=((0, 2),))
        """
        origin: dict[tuple[int, ...], list[int]] = {}
        for j, clause in enumerate(self.clauses):
            literals = set(clause)
            if not any(-literal in literals for literal in literals):
                origin.setdefault(tuple(sorted(literals, key=abs)), []).append(j)
        return Normalised(CNF(self.n_variables, tuple(origin)), tuple(map(tuple, origin.values())))


@dataclass(frozen=True)
class Normalised:
    """A normalised formula, and where its clauses come from.

    Parameters
    ----------
    cnf : CNF
    origin : tuple of tuple of int
        For each clause of `cnf`, the indices of the clauses that it stands for. Tautologies are in none.

    Examples
    --------
    >>> found = CNF(2, [(1, 2), (1, -1), (2, 1)]).normalise()
    >>> found.cnf.clauses, found.origin
    (((1, 2),), ((0, 2),))
    """

    cnf: CNF
    origin: tuple[tuple[int, ...], ...]


def _integer(value: Any, name: str) -> int:
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        return index(value)
    except TypeError as error:
        raise InputError(f"{name}: expected an integer, got {value!r}") from error


def _iterable(value: Any, name: str) -> Iterable[Any]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InputError(f"{name}: expected a sequence, got {value!r}")
    return value
