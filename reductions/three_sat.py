"""SAT to four layers with two outputs: the pre-image has one component a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Literal

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.errors import InputError
from pyomo_relu.network import Network
from reductions.cnf import CNF
from reductions.gadgets import check_size, clause_rows, formula_of, rounded, rounded_down, satisfying
from reductions.instance import Instance, parameters_of

GAPS = {"inf": rounded_down(Fraction(2, 3)), 1: 1.0}


@dataclass(frozen=True)
class ThreeSat:
    """Reduce SAT to the inversion of a ReLU network with four layers and two outputs (M14).

    **Theorem.** For a formula of k variables and m clauses let c_i = clip(z_i, 0, 1), and let a literal's
    value be c_i or 1 - c_i. The network::

        layer 1   a_i = ReLU(z_i), b_i = ReLU(z_i - 1)                      c_i = a_i - b_i
        layer 2   v_j = ReLU(1 - sum of the clause's literals), p_i = ReLU(2 c_i - 1), q_i = ReLU(1 - 2 c_i)
        layer 3   s_j = ReLU(1 - v_j), d_i = ReLU(p_i + q_i) = |2 c_i - 1|
        layer 4   G = (ReLU(sum_j s_j), ReLU(sum_i d_i))

    meets x = (m, k) exactly at the codes whose clipped c is a satisfying 0/1 point.

    *Proof.* Literals are not negative, so that v_j is in [0, 1] and s_j = 1 - v_j is at most 1, with equality
    iff v_j = 0; d_i is at most 1, with equality iff c_i is 0 or 1. At 0/1 points v_j = 0 says that clause j holds.

    **Pre-image.** The disjoint union, over the models, of the boxes :meth:`component`: products of half-lines
    ``(-inf, 0]`` and ``[1, inf)``. Two of them are at distance 1 or more, so that the pre-image has as many
    connected components as the formula has models.

    **Gap.** With D = sum_i dist(c_i, {0, 1}) the residual is (sum_j v_j, 2 D). Round c. A clause that then fails
    had only literals of at most 1/2, which are the distances of their variables, so v_j >= 1 - D. Hence, if
    no assignment satisfies the formula, the residual is at least 1 - D + 2 D >= 1 in the 1-norm, and at least
    max(1 - D, 2 D) >= 2/3 in the inf-norm; a code with a smaller one rounds to a model. Both are attained, the
    2/3 by all eight clauses over three variables, at c = (1/9, 1/9, 1/9).

    **Size.** k - 2k - (m + 2k) - (m + k) - 2; weights are integers from -2 to 2, biases from 1 - k to 1.

    Clauses may have any length. The formula is normalised first.

    Parameters
    ----------
    norm : "inf" or 1
        The norm of the gap that instances state.

    Raises
    ------
    InputError
        If `norm` is neither.

    Notes
    -----
    Theorem 1 of the paper states that such a reduction from 3SAT exists. Derived for this project.

    References
    ----------
    Lei, Jalal, Dhillon, Dimakis (2019), Inverting Deep Generative Models, One Layer at a Time, Theorem 1.

    Examples
    --------
    >>> reduction = ThreeSat()
    >>> instance = reduction.reduce(CNF(2, [(1, 2), (-1, 2)]))
    >>> instance.network.sizes, instance.observation.tolist(), instance.network([-3.0, 7.0]).tolist()
    ((2, 4, 6, 4, 2), [2.0, 2.0], [2.0, 2.0])
    >>> reduction.lift(instance, [-3.0, 7.0]), reduction.lift(instance, [0.0, 0.0])
    ([False, True], None)
    """

    norm: Literal["inf", 1] = "inf"
    name: ClassVar[str] = "three-sat"

    def __post_init__(self) -> None:
        if self.norm not in GAPS:
            raise InputError(f"norm must be 'inf' or 1, got {self.norm!r}")

    def reduce(self, source: CNF) -> Instance:
        """Return the network and the observation (m, k); the code may lie anywhere.

        Raises
        ------
        InputError
            If the source is not a formula, has no variables, or the network would not fit in memory.
        """
        cnf = formula_of(source)
        k, m = cnf.n_variables, len(cnf.clauses)
        check_size((k, 2 * k, m + 2 * k, m + k, 2))
        one, clauses = np.eye(k), clause_rows(cnf)
        of_c = np.vstack((clauses[0], 2 * one, -2 * one))
        merge = np.zeros((m + k, m + 2 * k))
        merge[:m, :m] = -np.eye(m)
        merge[m:, m:] = np.hstack((one, one))
        last = np.zeros((2, m + k))
        last[0, :m] = last[1, m:] = 1.0
        network = Network.from_arrays(
            [np.vstack((one, one)), np.hstack((of_c, -of_c)), merge, last],
            [
                np.repeat([0.0, -1.0], k),
                np.concatenate((clauses[1], np.repeat([-1.0, 1.0], k))),
                np.repeat([1.0, 0.0], [m, k]),
                None,
            ],
        )
        return Instance(
            network,
            np.array([m, k]),
            None,
            source,
            GAPS[self.norm],
            self.norm,
            self.name,
            parameters=parameters_of(self),
        )

    def lift(self, instance: Instance, z: Any) -> list[bool] | None:
        """Return the rounded code as an assignment, or None if it does not satisfy the source.

        It does wherever the residual is below the gap.

        Parameters
        ----------
        instance : Instance
        z : sequence of real numbers, length k

        Raises
        ------
        ShapeError, InputError
            If `z` has another length, or an entry is not a finite number.
        """
        return satisfying(instance.source, rounded(z, instance.network.n_in))

    @staticmethod
    def component(assignment: Sequence[bool]) -> Box:
        """Return the component of the pre-image that belongs to a model.

        Parameters
        ----------
        assignment : sequence of bool, length k

        Returns
        -------
        Box

        Examples
        --------
        >>> ThreeSat.component([True, False]).lower.tolist()
        [1.0, -inf]
        """
        true = np.asarray(assignment, dtype=bool)
        return Box(np.where(true, 1.0, -np.inf), np.where(true, np.inf, 0.0))
