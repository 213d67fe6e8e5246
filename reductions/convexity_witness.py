"""Witnesses of non-convexity: two codes that meet x, and whose midpoint misses it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.optimize import linprog

from pyomo_relu.deadline import Deadline
from pyomo_relu.inversion import ActivationRegion, Descent, Pattern, pattern_of, polish
from pyomo_relu.problem import Problem
from pyomo_relu.rational import as_fractions, residual
from pyomo_relu.streams import stream
from pyomo_relu.tolerance import FAR_ABOVE
from pyomo_relu.validation import FloatArray
from reductions.exact_code import exact_code, in_box

STARTS = 12
CORNERS = 4
"""Vertices that are sought in each cell."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two codes, with what they and their midpoint miss x by, all in rationals.

    Parameters
    ----------
    z1, z2 : tuple of Fraction, length k
    missed : Fraction
        The larger of ``||G(z1) - x||_inf`` and ``||G(z2) - x||_inf``.
    violation : Fraction
        ``||G((z1 + z2) / 2) - x||_inf``.
    inside : bool
        Whether both codes lie in the box.
    """

    z1: tuple[Fraction, ...]
    z2: tuple[Fraction, ...]
    missed: Fraction
    violation: Fraction
    inside: bool

    @property
    def is_proof(self) -> bool:
        """Whether the pair proves that the pre-image is not convex: nothing in it was rounded."""
        return self.inside and self.missed == 0 and self.violation > 0

    def is_evidence(self, least: float) -> bool:
        """Whether the violation is at least `least`, and far above what the codes, in the box, miss x by."""
        return self.inside and self.violation >= Fraction(least) and self.violation >= FAR_ABOVE * self.missed


def find_pair(problem: Problem, known: FloatArray | None, least: float, deadline: Deadline) -> Pair | None:
    """Search for a witness: codes by descent, vertices of their cells, and the midpoints of all pairs.

    Parameters
    ----------
    problem : Problem
    known : array, shape (k,), or None
        A code that meets x.
    least : float
        Violations below this do not count.
    deadline : Deadline
        The search ends with it.
    """
    codes = _meeting_codes(problem, known, deadline)
    if len(codes) < 2:
        return None
    pairs = np.array(list(itertools.combinations(range(len(codes)), 2)))
    z1, z2 = codes[pairs[:, 0]], codes[pairs[:, 1]]
    violations = np.abs(problem.network((z1 + z2) / 2.0) - problem.x).max(axis=1)
    best = int(np.argmax(violations))
    if violations[best] < least:
        return None
    patterns = pattern_of(problem, z1[best]), pattern_of(problem, z2[best])
    return widest_pair(problem, (z1[best], z2[best]), patterns, least)


def _meeting_codes(problem: Problem, known: FloatArray | None, deadline: Deadline) -> FloatArray:
    """Return codes that meet x up to rounding, shape (N, k)."""
    rng = stream("corners of cells", 0)
    found = [] if known is None else [known]
    for code in Descent(starts=STARTS).codes(problem, deadline):
        if deadline.expired:
            break
        polished = polish(problem, code, "inf", lps=3, deadline=deadline)
        if problem.residual(polished, "inf") <= problem.met:
            found.append(polished)
    patterns = {tuple(on.tobytes() for on in pattern_of(problem, z)): pattern_of(problem, z) for z in found}
    for pattern in patterns.values():
        cell = ActivationRegion.of(problem.network, pattern)
        for direction in rng.normal(size=(CORNERS, problem.network.n_in)):
            if deadline.expired:
                break
            corner = _furthest(problem, direction, (cell,), ())
            if corner is not None:
                found.append(corner)
    return np.array(found).reshape(len(found), problem.network.n_in)


def widest_pair(
    problem: Problem, codes: tuple[FloatArray, FloatArray], patterns: tuple[Pattern, Pattern], least: float
) -> Pair:
    """Return the pair with the largest violation in the cells of a pair and of its midpoint, by one LP.

    Parameters
    ----------
    problem : Problem
    codes : pair of array, shape (k,)
        Two codes that meet x up to a solver's tolerance.
    patterns : pair of patterns
        Of the two codes.
    least : float
        As in :func:`find_pair`.

    Returns
    -------
    Pair
        Its codes meet x exactly where :func:`exact_code` finds such; of the LP's pair and the one
        given, the better.
    """
    middle = (codes[0] + codes[1]) / 2.0
    miss = problem.network(middle) - problem.x
    j = int(np.argmax(np.abs(miss)))
    half = ActivationRegion.of(problem.network, pattern_of(problem, middle))
    row = np.sign(miss[j]) * half.matrix[j] / 2.0
    cells = tuple(ActivationRegion.of(problem.network, pattern) for pattern in patterns)
    widest = _furthest(problem, np.concatenate([row, row]), cells, (half,))
    pairs = [_in_rationals(problem, codes[0], codes[1])]
    if widest is not None:
        pairs.append(_in_rationals(problem, *np.split(widest, 2)))
    return max(pairs, key=lambda pair: (pair.is_proof, pair.is_evidence(least), pair.violation))


def _furthest(
    problem: Problem, direction: FloatArray, cells: tuple[ActivationRegion, ...], halfway: tuple[ActivationRegion, ...]
) -> FloatArray | None:
    """Maximise ``direction . (z1, ...)`` over codes that meet x, one in each cell, with their mean in `halfway`."""
    count, box = len(cells), problem.box
    sides = [np.kron(np.eye(count)[i], cell.sides) for i, cell in enumerate(cells)]
    sides += [np.tile(cell.sides / count, count) for cell in halfway]
    found = linprog(
        -direction,
        A_ub=np.vstack(sides),
        b_ub=np.concatenate([cell.limits for cell in (*cells, *halfway)]),
        A_eq=np.vstack([np.kron(np.eye(count)[i], cell.matrix) for i, cell in enumerate(cells)]),
        b_eq=np.concatenate([problem.x - cell.offset for cell in cells]),
        bounds=list(zip(box.lower, box.upper, strict=True)) * count,
        method="highs-ds",
    )
    return np.asarray(found.x, dtype=np.float64) if found.status == 0 else None


def _in_rationals(problem: Problem, one: FloatArray, two: FloatArray) -> Pair:
    ends = []
    for z in (one, two):
        exact = exact_code(problem, z)
        inside = problem.box.clip(z)
        ends.append(as_fractions(inside, z.size, "code") if exact is None else exact)
    return pair_of(problem, ends[0], ends[1])


def pair_of(problem: Problem, z1: list[Fraction], z2: list[Fraction]) -> Pair:
    """Return the pair of two codes, judged by exact forward passes and comparisons."""
    network, x = problem.network, problem.x
    middle = midpoint_of(z1, z2)
    missed = max(residual(network, z1, x), residual(network, z2, x))
    inside = all(in_box(problem.box, z) for z in (z1, z2))
    return Pair(tuple(z1), tuple(z2), missed, residual(network, middle, x), inside)


def midpoint_of(z1: list[Fraction], z2: list[Fraction]) -> list[Fraction]:
    """Return ``(z1 + z2) / 2``."""
    return [(a + b) / 2 for a, b in zip(z1, z2, strict=True)]
