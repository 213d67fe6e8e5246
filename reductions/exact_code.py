"""Exact codes: from a code in floating point to one nearby, in rationals, that meets x without any rounding."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.problem import Problem
from pyomo_relu.rational import as_fractions, residual
from pyomo_relu.validation import FloatArray

TIGHT = 1e-7
"""What is this near to zero, relative to ``max(1, max |x|)``, is meant to be zero: an LP's tolerance."""

Equation = tuple[list[Fraction], Fraction]
"""``a . z = b``."""


def exact_code(problem: Problem, z: FloatArray) -> list[Fraction] | None:
    """Return a rational code near `z` that meets x exactly and lies in the box; None where none was found.

    Within one activation pattern, G(z) = x is a system of linear equations. Pre-activations and sides of
    the box that hold `z` up to rounding are held to exactly that, as far as the equations leave room; of
    what is then still free, the value in `z` is kept. An exact forward pass decides whether it worked.

    Parameters
    ----------
    problem : Problem
    z : array, shape (k,)
        A code that meets x up to rounding.

    Notes
    -----
    Where more outputs are active than the code has entries, an x that was rounded to float64 is in general met by
    no code at all.

    Examples
    --------
    >>> from pyomo_relu import Network
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[3.0, 3.0]]])   # 3 |z|
    >>> exact_code(Problem.of(net, [1.0]), np.array([1 / 3]))
    [Fraction(1, 3)]
    """
    needed, wished = _equations(problem, z)
    solution = _solve(needed, wished, [Fraction(float(v)) for v in z])
    if solution is None or not in_box(problem.box, solution) or residual(problem.network, solution, problem.x) != 0:
        return None
    return solution


def _equations(problem: Problem, z: FloatArray) -> tuple[list[Equation], list[Equation]]:
    """Return G(z) = x on the cell of `z`, and what holds there up to rounding."""
    tight = TIGHT * problem.scale
    needed: list[Equation] = []
    wished: list[Equation] = []
    network, x = problem.network, as_fractions(problem.x, problem.network.n_out, "observation")
    rows: list[Equation] = [([Fraction(int(i == j)) for j in range(len(z))], Fraction(0)) for i in range(len(z))]
    for side in (problem.box.lower, problem.box.upper):
        wished += [(rows[i][0], Fraction(float(side[i]))) for i in np.flatnonzero(np.abs(z - side) <= tight)]
    for i, (layer, t) in enumerate(zip(network, network.pre_activations(z), strict=True)):
        # Kept as a . z + b here, an equation a . z = -b below.
        before = [_combined(row, bias, rows) for row, bias in zip(layer.dense(), layer.bias, strict=True)]
        slopes = [Fraction(1) if value > 0.0 else layer.activation.fraction(j) for j, value in enumerate(t)]
        kinks = np.flatnonzero((np.abs(t) <= tight) & layer.activation.bends)
        wished += [(before[j][0], -before[j][1]) for j in kinks]
        rows = [([s * a for a in row], s * b) for s, (row, b) in zip(slopes, before, strict=True)]
        if i == len(network) - 1:
            off = [cut and target == 0 for cut, target in zip(layer.activation.cuts, x, strict=True)]
            needed = [(row, target - b) for (row, b), target, is_off in zip(rows, x, off, strict=True) if not is_off]
    return needed, wished


def _combined(weights: FloatArray, bias: float, rows: Sequence[Equation]) -> Equation:
    used = [(Fraction(float(w)), row, b) for w, (row, b) in zip(weights, rows, strict=True) if w]
    size = len(rows[0][0])
    total = [sum((w * row[j] for w, row, _ in used), Fraction(0)) for j in range(size)]
    return total, sum((w * b for w, _, b in used), Fraction(float(bias)))


def _solve(needed: Sequence[Equation], wished: Sequence[Equation], near: list[Fraction]) -> list[Fraction] | None:
    """Solve the needed equations, and every wished one that does not contradict; free entries stay as in `near`."""
    pivots: dict[int, Equation] = {}
    for number, (coefficients, right) in enumerate([*needed, *wished]):
        row, b = list(coefficients), right
        for j, (pivot, value) in pivots.items():
            factor = row[j]
            if factor:
                row = [a - factor * p for a, p in zip(row, pivot, strict=True)]
                b -= factor * value
        column = max(range(len(row)), key=lambda j: abs(row[j]))
        if not row[column]:
            if b and number < len(needed):
                return None
            continue
        scale = row[column]
        row, b = [a / scale for a in row], b / scale
        for j, (pivot, value) in pivots.items():
            factor = pivot[column]
            pivots[j] = ([p - factor * a for p, a in zip(pivot, row, strict=True)], value - factor * b)
        pivots[column] = (row, b)
    solution = list(near)
    for j, (row, b) in pivots.items():
        solution[j] = b - sum((a * near[i] for i, a in enumerate(row) if i not in pivots), Fraction(0))
    return solution


def in_box(box: Box, z: Sequence[Fraction]) -> bool:
    """Whether a code lies in a box, compared without rounding."""
    return all(low <= v <= high for low, v, high in zip(box.lower.tolist(), z, box.upper.tolist(), strict=True))
