"""SAT to two layers without biases, as the paper's networks are."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from pyomo_relu.network import Network
from pyomo_relu.rational import as_fractions
from reductions.cnf import CNF
from reductions.gadgets import check_size, distances, formula_of, satisfying, violations
from reductions.instance import Instance


@dataclass(frozen=True)
class BiasFree:
    """Reduce SAT to the inversion of a ReLU network with one hidden layer, one output and no bias.

    **Theorem.** An input z_0 takes the place of the constant 1. With f of :class:`DepthTwo` let F(z_0, z) be f
    with every bias b written as b z_0, and G(z_0, z) = ReLU(ReLU(z_0) - F(z_0, z)). Then x = 1 is met by some
    code iff the formula is satisfiable.

    *Proof.* F(z_0, z) = z_0 f(z / z_0) where z_0 > 0, and there G = z_0 ReLU(1 - f(z / z_0)). It is positive iff
    f(z / z_0) < 1, which says that z / z_0 rounds to a model. A model z with z_0 = 1 gives G = 1. Where
    z_0 <= 0, F is at least 0, for ReLU(t - z_0) >= ReLU(t - z_0 / 2) there, and G = ReLU(0 - F) = 0.

    **Pre-image.** ``z_0 = 1 / (1 - f(z / z_0))``: a set around every model, not the models alone.

    **Gap.** 1 in every norm (there is one output): G is 0 everywhere if the formula is unsatisfiable, so that
    a smaller residual makes G positive, and z / z_0 rounds to a model.

    **Size.** (k + 1) - (4k + m + 1) - 1; weights are integers and -1/2.

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> reduction = BiasFree()
    >>> instance = reduction.reduce(CNF(2, [(1, 2), (-1, 2)]))
    >>> instance.network.sizes, instance.network([1.0, 0.0, 1.0]).tolist()
    ((3, 11, 1), [1.0])
    >>> reduction.lift(instance, [2.0, 0.0, 1.5]), reduction.lift(instance, [-1.0, 0.0, 1.0])
    ([False, True], None)
    """

    name: ClassVar[str] = "bias-free"

    def reduce(self, source: CNF) -> Instance:
        """Return the network, whose first input is z_0, and the observation 1; the code may lie anywhere.

        Raises
        ------
        InputError
            If the source is not a formula, has no variables, or the network would not fit in memory.
        """
        cnf = formula_of(source)
        k, m = cnf.n_variables, len(cnf.clauses)
        check_size((k + 1, 4 * k + m + 1, 1))
        f = distances(k) + violations(cnf)
        one = np.eye(1, k + 1)
        network = Network.from_arrays(
            [np.vstack((one, np.column_stack((f.bias, f.weight)))), [np.concatenate(([1.0], -f.output))]]
        )
        return Instance(network, np.ones(1), None, source, 1.0, "inf", self.name)

    def lift(self, instance: Instance, z: Any) -> list[bool] | None:
        """Return the rounding of z / z_0 if it satisfies the source, else None; None also where z_0 <= 0.

        Parameters
        ----------
        instance : Instance
        z : sequence of real numbers, length k + 1
            z_0 first.

        Raises
        ------
        ShapeError, InputError
            If `z` has another length, or an entry is not a finite number.
        """
        unit, *code = as_fractions(z, instance.network.n_in, "code")
        if unit <= 0:
            return None
        return satisfying(instance.source, [value >= unit * Fraction(1, 2) for value in code])
