"""MAX-SAT to two layers: the least residual is the least weight of violated clauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.network import Network
from pyomo_relu.rational import as_fractions
from pyomo_relu.validation import FloatArray
from reductions.cnf import CNF
from reductions.gadgets import Hidden, check_size, distances, formula_of, rounded, violations
from reductions.instance import Instance, parameters_of


@dataclass(frozen=True)
class MaxSat:
    """Reduce weighted MAX-SAT to approximate inversion: least residual = least weight of violated clauses.

    **Theorem.** Let clause j have the weight w_j > 0, let K_i be the sum of the weights of the clauses in which
    variable i occurs, and (p, literals as for :class:`DepthTwo`)::

        f(z) = sum_i K_i p(z_i) + sum_j w_j ReLU(1 - sum of clause j's literals),   G = ReLU(f),   x = 0.

    Rounding z does not raise f; so the least residual, over all codes, is the least violated weight.

    *Proof.* Round z to r, so that ``|z_i - r_i| = p(z_i)``. A clause's term is 1-Lipschitz in each of its variables, so
    that all of them together rise by at most sum_i K_i p(z_i), which is what the first sum loses. At 0/1 points
    f is the weight of the violated clauses.

    **Gap.** The least weight, in every norm (there is one output), for formulas that cannot be satisfied.

    **Size.** k - (4k + m) - 1, with m clauses after duplicates are merged: their weights add up, so that multiplicity
    counts. Tautologies are never violated and dropped; an empty clause always is.

    Parameters
    ----------
    weights : sequence of number, optional
        One a clause of the source, positive; 1 each where not given.

    Raises
    ------
    InputError
        If a weight is not a positive number.

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> reduction = MaxSat(weights=(3, 1, 1))
    >>> instance = reduction.reduce(CNF(1, [(1,), (-1,), (-1,)]))
    >>> instance.network([[0.0], [0.5], [1.0]]).ravel().tolist(), instance.gap
    ([3.0, 5.0, 2.0], 2.0)
    >>> assignment = reduction.lift(instance, [0.7])
    >>> assignment, reduction.violated_weight(instance.source, assignment)
    ([True], Fraction(2, 1))
    """

    weights: Sequence[Any] | None = None
    name: ClassVar[str] = "max-sat"

    def __post_init__(self) -> None:
        if self.weights is not None:
            try:
                given = tuple(self.weights)
            except TypeError as error:
                raise InputError(f"weights must be numbers, one a clause, got {self.weights!r}") from error
            weights = tuple(as_fractions(given, len(given), "weights"))
            if any(weight <= 0 for weight in weights):
                raise InputError(f"weights must be positive, got {float(min(weights)):g}; drop the clauses of weight 0")
            object.__setattr__(self, "weights", weights)

    def reduce(self, source: CNF) -> Instance:
        """Return the network and the observation 0; the code may lie anywhere.

        Raises
        ------
        ShapeError
            If there are not as many weights as clauses.
        InputError
            If the source is not a formula, has no variables, the network would not fit in memory, or a sum
            of weights is not a float64.
        """
        cnf, given = formula_of(source), self._weights_of(source)
        check_size((cnf.n_variables, 4 * cnf.n_variables + len(cnf.clauses), 1))
        weights = [sum((given[i] for i in origin), Fraction(0)) for origin in source.normalise().origin]
        occurring = [Fraction(0)] * cnf.n_variables
        for weight, clause in zip(weights, cnf.clauses, strict=True):
            for literal in clause:
                occurring[abs(literal) - 1] += weight
        distance, violation = distances(cnf.n_variables), violations(cnf)
        f = Hidden(distance.weight, distance.bias, distance.output * np.tile(_exact(occurring), 4)) + Hidden(
            violation.weight, violation.bias, _exact(weights)
        )
        network = Network.from_arrays([f.weight, [f.output]], [f.bias, None])
        gap = float(min(weights, default=Fraction(1)))
        return Instance(network, np.zeros(1), None, source, gap, "inf", self.name, parameters=parameters_of(self))

    def lift(self, instance: Instance, z: Any) -> list[bool]:
        """Return the rounded code: an assignment whose violated weight is at most the residual of `z`.

        Parameters
        ----------
        instance : Instance
        z : sequence of real numbers, length k

        Raises
        ------
        ShapeError, InputError
            If `z` has another length, or an entry is not a finite number.
        """
        return rounded(z, instance.network.n_in)

    def violated_weight(self, source: CNF, assignment: Sequence[bool]) -> Fraction:
        """Return the sum of the weights of the clauses that an assignment violates."""
        weights = self._weights_of(source)
        return sum((weights[j] for j in source.violated_by(assignment)), Fraction(0))

    def _weights_of(self, source: CNF) -> Sequence[Fraction]:
        if self.weights is None:
            return [Fraction(1)] * len(source.clauses)
        if len(self.weights) != len(source.clauses):
            raise ShapeError(f"got {len(self.weights)} weights for {len(source.clauses)} clauses")
        return self.weights


def _exact(weights: Sequence[Fraction]) -> FloatArray:
    try:
        found = [float(weight) for weight in weights]
    except OverflowError as error:
        raise InputError("weights are too large for float64; scale them down") from error
    if any(Fraction(value) != weight for value, weight in zip(found, weights, strict=True)):
        raise InputError("sums of weights are not float64 numbers; scale the weights to integers")
    return np.array(found, dtype=np.float64)
