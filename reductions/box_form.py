"""SAT over the unit cube: the smallest of the networks, and the input set of verification benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.network import Network
from reductions.cnf import CNF
from reductions.gadgets import Hidden, check_size, formula_of, rounded, satisfying, violations
from reductions.instance import Instance


@dataclass(frozen=True)
class BoxForm:
    """Reduce SAT to the inversion of a ReLU network with one hidden layer and one output over ``[0, 1]^k``.

    **Theorem.** On the cube, dist(t, {0, 1}) = t - 2 ReLU(t - 1/2), and the linear parts of all variables are one
    neuron. So, with f of :class:`DepthTwo`::

        f(z) = ReLU(sum_i z_i) - 2 sum_i ReLU(z_i - 1/2) + sum_j ReLU(1 - sum of clause j's literals)

    on ``[0, 1]^k``, and G = ReLU(f) meets x = 0 there exactly at the models. Outside the cube nothing is claimed.

    *Proof.* As for :class:`DepthTwo`, whose f this is.

    **Pre-image in the cube.** The models themselves.

    **Gap.** 1 in every norm (there is one output), over the cube.

    **Size.** k - (k + m + 1) - 1; weights are -2, -1, 1; biases are integers and -1/2.

    Notes
    -----
    Derived for this project. Inputs in [0, 1] and a threshold on the output are also the form of the family
    sat_relu of VNN-COMP; see :func:`reductions.write_instance`.

    Examples
    --------
    >>> reduction = BoxForm()
    >>> instance = reduction.reduce(CNF(2, [(1, 2), (-1, 2)]))
    >>> instance.network.sizes, instance.network([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]).tolist()
    ((2, 5, 1), [[0.0], [1.0], [1.0]])
    """

    name: ClassVar[str] = "box"

    def reduce(self, source: CNF) -> Instance:
        """Return the network and the observation 0; the code must lie in ``[0, 1]^k``.

        Raises
        ------
        InputError
            If the source is not a formula, has no variables, or the network would not fit in memory.
        """
        cnf = formula_of(source)
        k = cnf.n_variables
        check_size((k, k + len(cnf.clauses) + 1, 1))
        linear = Hidden(np.ones((1, k)), np.zeros(1), np.ones(1))
        f = linear + Hidden(np.eye(k), np.full(k, -0.5), np.full(k, -2.0)) + violations(cnf)
        network = Network.from_arrays([f.weight, [f.output]], [f.bias, None])
        return Instance(network, np.zeros(1), Box.of((0.0, 1.0), k), source, 1.0, "inf", self.name)

    def lift(self, instance: Instance, z: Any) -> list[bool] | None:
        """Return the rounded code if it satisfies the source, else None; as :meth:`ThreeSat.lift`.

        A solver's code may leave the cube by its tolerance: what is returned is checked all the same.
        """
        return satisfying(instance.source, rounded(z, instance.network.n_in))
