"""Linear inequalities over the rationals: a point that satisfies them, or the proof that there is none.

::

    rows z <= limits:    a point z,   or Farkas multipliers y >= 0 with  y'rows = 0  and  y.limits < 0

HiGHS suggests which rows are tight; from there an exact simplex method goes on, usually for a pivot or two. Whatever
comes out is checked by :func:`satisfies` or :func:`refutes`, which trust neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import mul

import numpy as np

from pyomo_relu.errors import PyomoReluError, ShapeError
from pyomo_relu.linear_program import LinearProgram, LinearProgramError

Rows = Sequence[Sequence[Fraction]]
Vector = Sequence[Fraction]


@dataclass(frozen=True)
class Feasibility:
    """Whether some z has ``rows z <= limits``, and why.

    Parameters
    ----------
    point : tuple of Fraction, length k, or None
        Satisfies every row.
    multipliers : tuple of Fraction, length m, or None
        One a row; where there is no point, they prove it.

    Examples
    --------
    >>> found = decide([[Fraction(2)], [Fraction(-2)]], [Fraction(1), Fraction(-1)])
    >>> found.point, found.is_empty
    ((Fraction(1, 2),), False)
    """

    point: tuple[Fraction, ...] | None
    multipliers: tuple[Fraction, ...] | None

    @property
    def is_empty(self) -> bool:
        """Whether there is no point."""
        return self.point is None


def satisfies(rows: Rows, limits: Vector, point: Vector) -> bool:
    """Whether ``rows point <= limits``, without any rounding; a ShapeError where their sizes do not fit.

    Parameters
    ----------
    rows : list of lists of Fraction, shape (m, k)
    limits : list of Fraction, length m
    point : list of Fraction, length k

    Returns
    -------
    bool

    Examples
    --------
    >>> satisfies([[Fraction(3)]], [Fraction(1)], [Fraction(1, 3)])
    True
    """
    _check_shape(rows, limits, len(point))
    return all(_dot(row, point) <= limit for row, limit in zip(rows, limits, strict=True))


def refutes(rows: Rows, limits: Vector, multipliers: Vector) -> bool:
    """Whether multipliers prove, without any rounding, that no z has ``rows z <= limits`` (Farkas' lemma).

    They do not where they are not one a row; a ShapeError where rows and limits do not fit.

    Parameters
    ----------
    rows : list of lists of Fraction, shape (m, k)
    limits, multipliers : list of Fraction, length m

    Returns
    -------
    bool

    Examples
    --------
    >>> refutes([[Fraction(1)], [Fraction(-2)]], [Fraction(0), Fraction(-1)], [Fraction(2), Fraction(1)])
    True
    """
    _check_shape(rows, limits, len(rows[0]) if rows else 0)
    if len(multipliers) != len(limits) or any(y < 0 for y in multipliers):
        return False
    columns = zip(*rows, strict=True)
    return all(_dot(column, multipliers) == 0 for column in columns) and _dot(limits, multipliers) < 0


def decide(rows: Rows, limits: Vector) -> Feasibility:
    """Find a point with ``rows z <= limits``, or multipliers that prove that there is none.

    Parameters
    ----------
    rows : sequence of m sequences of k Fractions
    limits : sequence of m Fractions

    Returns
    -------
    Feasibility
        Exact; where there is a point, one that is as far from the rows as can be, by up to 1.

    Raises
    ------
    ShapeError
        If there is no row, or not one limit a row, or rows have different lengths.
    PyomoReluError
        If what was found does not pass its check.

    Notes
    -----
    ``max r : rows z + r <= limits, r <= 1`` by the simplex method on its dual, with Bland's rule, so that it ends. A
    pivot costs ``k m`` operations on fractions, whose length grows with k: for tens of variables, not hundreds.

    Examples
    --------
    >>> found = decide([[Fraction(3)], [Fraction(-3)]], [Fraction(1), Fraction(-1)])
    >>> found.point
    (Fraction(1, 3),)
    >>> decide([[Fraction(3)], [Fraction(-3)]], [Fraction(1), Fraction(-2)]).multipliers
    (Fraction(1, 2), Fraction(1, 2))
    """
    if not rows:
        raise ShapeError("there are no rows")
    _check_shape(rows, limits, len(rows[0]))
    tableau = _Tableau(rows, limits)
    tableau.start(_tight(rows, limits))
    tableau.finish()
    if tableau.slack >= 0:
        if not satisfies(rows, limits, tableau.point):
            raise PyomoReluError("the point that was found violates a row: this is an error of pyomo-relu's")
        return Feasibility(tableau.point, None)
    if not refutes(rows, limits, tableau.multipliers):
        raise PyomoReluError("the multipliers that were found prove nothing: this is an error of pyomo-relu's")
    return Feasibility(None, tableau.multipliers)


def _check_shape(rows: Rows, limits: Vector, k: int) -> None:
    if len(rows) != len(limits):
        raise ShapeError(f"{len(rows)} rows have {len(limits)} limits")
    for i, row in enumerate(rows):
        if len(row) != k:
            raise ShapeError(f"row {i} has {len(row)} entries, expected {k}")


def _dot(one: Vector, other: Vector) -> Fraction:
    return sum(map(mul, one, other), Fraction(0))


def _tight(rows: Rows, limits: Vector) -> list[int]:
    """Return the rows that HiGHS has tight where the least slack is largest, the most important first."""
    free = np.full(len(rows[0]) + 1, np.inf)
    upper = np.append(free[1:], 1.0)
    try:
        matrix, most = np.array([[float(v) for v in row] + [1.0] for row in rows]), np.array([float(v) for v in limits])
        program = LinearProgram(matrix, np.full(len(rows), -np.inf), most, -free, upper)
        program.maximum(np.append(np.zeros(matrix.shape[1] - 1), 1.0))
        duals = np.abs(program.row_duals)
    except (LinearProgramError, OverflowError):  # fractions beyond floats
        return []
    return [int(j) for j in np.argsort(-duals, kind="stable")[: matrix.shape[1]] if duals[j] > 0.0]


class _Tableau:
    """``min limits.y + y_cap : rows'y = 0, sum y + y_cap = 1, y >= 0``, as a table of fractions.

    Columns: the rows, the cap, then one artificial variable an entry of z, basic at zero until it leaves for good.
    """

    def __init__(self, rows: Rows, limits: Vector) -> None:
        k, zero, one = len(rows[0]), Fraction(0), Fraction(1)
        self._m = len(rows)
        self._lines = [
            [*(row[i] for row in rows), zero, *(one if i == j else zero for j in range(k)), zero] for i in range(k)
        ]
        self._lines.append([one] * (self._m + 1) + [zero] * k + [one])
        self._costs = [*limits, one, *[zero] * k, zero]
        self._basis = [self._m + 1 + i for i in range(k)] + [self._m]
        # The cap is basic: its column has to vanish from the costs.
        self._costs = [cost - entry for cost, entry in zip(self._costs, self._lines[-1], strict=True)]

    @property
    def slack(self) -> Fraction:
        """The largest r, once finished."""
        return 1 - self._costs[self._m]

    @property
    def point(self) -> tuple[Fraction, ...]:
        """The z that has it: the duals of the equations."""
        return tuple(-cost for cost in self._costs[self._m + 1 : -1])

    @property
    def multipliers(self) -> tuple[Fraction, ...]:
        """The y that proves it."""
        found = [Fraction(0)] * self._m
        for line, column in zip(self._lines, self._basis, strict=True):
            if column < self._m:
                found[column] = line[-1]
        return tuple(found)

    def start(self, columns: list[int]) -> None:
        """Exchange artificial variables for some columns; that changes no value."""
        for column in columns:
            place = self._artificial(column)
            if place is not None:
                self._pivot(place, column)

    def finish(self) -> None:
        """Pivot until no cost is negative."""
        while True:
            column = next((j for j in range(self._m + 1) if self._costs[j] < 0), None)
            if column is None:
                return
            place = self._artificial(column)
            self._pivot(self._leaving(column) if place is None else place, column)

    def _artificial(self, column: int) -> int | None:
        for place, basic in enumerate(self._basis):
            if basic > self._m and self._lines[place][column] != 0:
                return place
        return None

    def _leaving(self, column: int) -> int:
        """Return the line of the least ratio, of equal ones that of the first variable (Bland)."""
        ratios = [
            (line[-1] / line[column], basic, place)
            for place, (line, basic) in enumerate(zip(self._lines, self._basis, strict=True))
            if line[column] > 0
        ]
        return min(ratios)[2]

    def _pivot(self, place: int, column: int) -> None:
        entry = self._lines[place][column]
        pivot = [value / entry for value in self._lines[place]]
        self._lines[place] = pivot
        for i, line in enumerate(self._lines):
            if i != place and line[column] != 0:
                factor = line[column]
                self._lines[i] = [a - factor * b if b else a for a, b in zip(line, pivot, strict=True)]
        factor = self._costs[column]
        self._costs = [a - factor * b if b else a for a, b in zip(self._costs, pivot, strict=True)]
        self._basis[place] = column
