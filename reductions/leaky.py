"""SAT to two LeakyReLU layers: inversion by linear algebra needs its condition on ranks."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from pyomo_relu.errors import InputError
from pyomo_relu.network import Network
from reductions.cnf import CNF
from reductions.gadgets import check_size, distances, formula_of, rounded, rounded_down, satisfying, violations
from reductions.instance import Instance, parameters_of


@dataclass(frozen=True)
class LeakyDepthTwo:
    """Reduce SAT to the inversion of a LeakyReLU network with one hidden layer and one output.

    **Theorem.** With L(t) = max(t, c t), 0 < c < 1, and f of :class:`DepthTwo`, the network that has the neurons
    L(t) and L(-t) for every hidden neuron ReLU(t) of f, with output weights a and c a for its a, gives
    G = (1 - c^2) f. It meets x = 0 exactly at the models.

    *Proof.* L(t) + c L(-t) is t - c^2 t where t > 0, and c t - c t = 0 where t <= 0: it is (1 - c^2) ReLU(t).
    The output neuron is on, as f >= 0.

    LeakyReLU is injective, so that a layer of full column rank is inverted by linear algebra (eq. (5) of the
    paper). The output layer here has rank 1: without the rank, inversion is as hard as for ReLU.

    **Pre-image.** The models themselves.

    **Gap.** 1 - c^2 in every norm (there is one output).

    **Size.** k - (8k + 2m) - 1. The weights c a are exact, a being 1 or 2 up to its sign; nothing is divided by
    1 - c^2.

    Parameters
    ----------
    slope : float
        c.

    Raises
    ------
    InputError
        If `slope` does not lie between 0 and 1.

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> reduction = LeakyDepthTwo(slope=0.5)
    >>> instance = reduction.reduce(CNF(2, [(1, 2), (-1, 2)]))
    >>> instance.network.sizes, instance.gap, instance.network([[0.0, 1.0], [0.0, 0.0]]).tolist()
    ((2, 20, 1), 0.75, [[0.0], [0.75]])
    """

    slope: float = 0.5
    name: ClassVar[str] = "leaky"

    def __post_init__(self) -> None:
        if not 0.0 < self.slope < 1.0:
            raise InputError(f"slope must lie between 0 and 1, got {self.slope!r}")
        object.__setattr__(self, "slope", float(self.slope))

    def reduce(self, source: CNF) -> Instance:
        """Return the network and the observation 0; the code may lie anywhere.

        Raises
        ------
        InputError
            If the source is not a formula, has no variables, or the network would not fit in memory.
        """
        cnf = formula_of(source)
        check_size((cnf.n_variables, 8 * cnf.n_variables + 2 * len(cnf.clauses), 1))
        f = distances(cnf.n_variables) + violations(cnf)
        network = Network.from_arrays(
            [np.vstack((f.weight, -f.weight)), [np.concatenate((f.output, self.slope * f.output))]],
            [np.concatenate((f.bias, -f.bias)), None],
            slopes=self.slope,
        )
        gap = rounded_down(1 - Fraction(self.slope) ** 2)
        return Instance(network, np.zeros(1), None, source, gap, "inf", self.name, parameters=parameters_of(self))

    def lift(self, instance: Instance, z: Any) -> list[bool] | None:
        """Return the rounded code if it satisfies the source, else None; as :meth:`ThreeSat.lift`."""
        return satisfying(instance.source, rounded(z, instance.network.n_in))
