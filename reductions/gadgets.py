"""Neurons that reductions are made of: clauses, distances to {0, 1}, and codes read as assignments."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from pyomo_relu.errors import InputError
from pyomo_relu.rational import as_fractions
from pyomo_relu.validation import FloatArray
from reductions.cnf import CNF

MAX_WEIGHTS = 5 * 10**7
"""Weights are dense: this many are 400 MB."""


@dataclass(frozen=True, eq=False)
class Hidden:
    """A hidden layer and the output weights over it: ``f(z) = output . ReLU(weight z + bias)``.

    Parameters
    ----------
    weight : array, shape (h, k)
    bias, output : array, shape (h,)
    """

    weight: FloatArray
    bias: FloatArray
    output: FloatArray

    def __add__(self, other: Hidden) -> Hidden:
        return Hidden(
            np.vstack((self.weight, other.weight)),
            np.concatenate((self.bias, other.bias)),
            np.concatenate((self.output, other.output)),
        )


def formula_of(source: Any) -> CNF:
    """Return the normalised formula of a reduction's source.

    Duplicate literals would shrink the gap, tautologies and repeated clauses only add neurons.

    Raises
    ------
    InputError
        If the source is not a `CNF`, or has no variables: a network needs an input.
    """
    if not isinstance(source, CNF):
        raise InputError(f"expected a reductions.CNF, got {type(source).__name__}")
    if source.n_variables == 0:
        raise InputError("a formula without variables has no network; it is satisfiable iff it has no clause")
    return source.normalise().cnf


def check_size(sizes: Sequence[int]) -> None:
    """Refuse a network of these layer sizes before it is built, if its dense weights would not fit in memory.

    Raises
    ------
    InputError
        If it has more than `MAX_WEIGHTS` weights.
    """
    n_weights = sum(n_in * n_out for n_in, n_out in itertools.pairwise(sizes))
    if n_weights > MAX_WEIGHTS:
        raise InputError(f"a network of sizes {'-'.join(map(str, sizes))} has {n_weights} weights, over {MAX_WEIGHTS}")


def clause_rows(cnf: CNF) -> tuple[FloatArray, FloatArray]:
    """Return (W, b) with ``(W z + b)_j = 1 - (sum of clause j's literals)``, a negated literal being ``1 - z_i``.

    Returns
    -------
    W : array, shape (m, k)
    b : array, shape (m,)

    Examples
    --------
    >>> W, b = clause_rows(CNF(2, [(1, -2)]))
    >>> W.tolist(), b.tolist()
    ([[-1.0, 1.0]], [0.0])
    """
    weight, bias = np.zeros((len(cnf.clauses), cnf.n_variables)), np.ones(len(cnf.clauses))
    for j, clause in enumerate(cnf.clauses):
        for literal in clause:
            weight[j, abs(literal) - 1] -= np.sign(literal)
            bias[j] -= literal < 0
    return weight, bias


def distances(n: int) -> Hidden:
    """Return ``sum_i p(z_i)`` with ``p(t) = ReLU(-t) + ReLU(t) - 2 ReLU(t - 1/2) + 2 ReLU(t - 1) = dist(t, {0, 1})``.

    Four neurons a variable, one block of n for each of the terms.

    Examples
    --------
    >>> p = distances(1)
    >>> [float(p.output @ np.maximum(p.weight[:, 0] * t + p.bias, 0.0)) for t in (-1.0, 0.25, 0.5, 1.0, 3.0)]
    [1.0, 0.25, 0.5, 0.0, 2.0]
    """
    one = np.eye(n)
    return Hidden(
        np.vstack((-one, one, one, one)),
        np.repeat([0.0, 0.0, -0.5, -1.0], n),
        np.repeat([1.0, 1.0, -2.0, 2.0], n),
    )


def violations(cnf: CNF) -> Hidden:
    """Return ``sum_j ReLU(1 - sum of clause j's literals)``, a neuron a clause."""
    weight, bias = clause_rows(cnf)
    return Hidden(weight, bias, np.ones(len(bias)))


def rounded(z: Any, size: int) -> list[bool]:
    """Return the assignment nearest to a code: variable i is true iff ``z_i >= 1/2``, without rounding errors.

    Parameters
    ----------
    z : sequence of int, float or Fraction, length `size`

    Raises
    ------
    ShapeError, InputError
        If it has another length, or an entry is not a finite real number.

    Examples
    --------
    >>> rounded([0.2, 0.5, -3], 3)
    [False, True, False]
    """
    return [value >= Fraction(1, 2) for value in as_fractions(z, size, "code")]


def satisfying(cnf: CNF, assignment: list[bool]) -> list[bool] | None:
    """Return the assignment if it satisfies the formula, else None."""
    return assignment if cnf.satisfied_by(assignment) else None


def rounded_down(value: Fraction) -> float:
    """Return the greatest float64 that is not above `value`, which makes a true gap of it.

    Examples
    --------
    >>> rounded_down(Fraction(1, 10)) < 0.1, rounded_down(Fraction(3, 4))
    (True, 0.75)
    """
    nearest = float(value)
    return nearest if Fraction(nearest) <= value else float(np.nextafter(nearest, -np.inf))
