"""A checker of proofs of unsatisfiability, which shares nothing with the solver that wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pyomo_relu.errors import InputError
from reductions.cnf import CNF

LINE = re.compile(r"(d +)?((?:-?[1-9][0-9]{0,17} +)*)0")


def check_proof(cnf: CNF, lines: Iterable[str]) -> bool:
    """Whether `lines` are a DRUP proof that no assignment satisfies `cnf`.

    Every added clause must follow by unit propagation: with all its literals false, the clauses so
    far force a contradiction (reverse unit propagation, RUP). A proof ends with the empty clause.
    Steps that need RAT, the stronger rule, are not accepted. Deletions are read and not carried out:
    that is sound, and solvers delete clauses which still make literals units.

    Parameters
    ----------
    cnf : CNF
    lines : iterable of str
        ``"1 -2 0"`` adds, ``"d 1 -2 0"`` deletes; empty lines and those that begin with c are skipped.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        If a line is not of this form; the message has its number.

    References
    ----------
    Goldberg, Novikov (2003), Verification of proofs of unsatisfiability for CNF formulas.

    Examples
    --------
    >>> square = CNF(2, [(1, 2), (-1, 2), (1, -2), (-1, -2)])
    >>> check_proof(square, ["2 0", "0"]), check_proof(square, ["0"]), check_proof(CNF(2, [(1, 2)]), ["2 0", "0"])
    (True, False, False)
    """
    clauses = _Clauses()
    for clause in cnf.clauses:
        clauses.add(clause)
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("c"):
            continue
        match = LINE.fullmatch(text)
        if match is None:
            raise InputError(f"proof, line {number}: {text[:40]!r} is not 'LITERALS 0' or 'd LITERALS 0'")
        clause = tuple(map(int, match[2].split()))
        if match[1]:
            continue
        if not clauses.follows(clause):
            return False
        if not clause:
            return True
        clauses.add(clause)
    return False


class _Clauses:
    """Clauses under unit propagation; each of two or more literals is watched at two that are not false."""

    def __init__(self) -> None:
        self.watched: dict[int, list[list[int]]] = {}
        self.units: list[int] = []
        self.has_empty = False
        self.known: set[frozenset[int]] = set()

    def add(self, clause: Iterable[int]) -> None:
        found = frozenset(clause)
        # Said again, a clause forces nothing more, and would be looked at each time.
        if found in self.known:
            return
        self.known.add(found)
        literals = list(found)
        if len(literals) > 1:
            for literal in literals[:2]:
                self.watched.setdefault(literal, []).append(literals)
        elif literals:
            self.units.append(literals[0])
        else:
            self.has_empty = True

    def follows(self, clause: tuple[int, ...]) -> bool:
        """Whether the clause's negation propagates to a contradiction."""
        true: set[int] = set()
        queue = [-literal for literal in clause] + self.units
        while queue:
            literal = queue.pop()
            if -literal in true:
                return True
            if literal not in true:
                true.add(literal)
                queue += self._forced(-literal, true)
        return self.has_empty

    def _forced(self, false: int, true: set[int]) -> list[int]:
        """Move the watches off a literal that became false; return the literals that this makes units."""
        forced, kept = [], []
        for clause in self.watched.pop(false, ()):
            if clause[0] == false:
                clause[0], clause[1] = clause[1], clause[0]
            spot = next((i for i in range(2, len(clause)) if -clause[i] not in true), None)
            if clause[0] in true or spot is None:
                kept.append(clause)
                forced.append(clause[0])
            else:
                clause[1], clause[spot] = clause[spot], clause[1]
                self.watched.setdefault(clause[1], []).append(clause)
        if kept:
            self.watched[false] = kept
        return forced
