"""SAT to one layer with a binary code: hard by the lattice alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.network import Network
from reductions.cnf import CNF
from reductions.gadgets import check_size, clause_rows, formula_of, rounded, satisfying
from reductions.instance import Instance


@dataclass(frozen=True)
class BinaryCode:
    """Reduce SAT to the inversion of one ReLU layer whose code must lie in ``{0, 1}^k``.

    **Theorem.** G(z)_j = ReLU(1 - sum of clause j's literals), one output a clause. A code of ``{0, 1}^k`` meets
    x = 0 iff it satisfies the formula.

    *Proof.* At a 0/1 point the sum is the number of true literals.

    **The lattice.** It is what makes this hard: over the reals one layer is a linear program (eq. (4) of the
    paper), and z = (1/2, ..., 1/2) meets x = 0 as soon as every clause has two literals. An instance says
    ``binary=True``, and its box ``[0, 1]^k`` is only the relaxation: a method must add the integrality itself,
    as with ``model.z.domain = pyomo.environ.Binary`` on the model of :meth:`pyomo_relu.Exact.model`.

    **Gap.** 1 in the inf-norm and the 1-norm, over ``{0, 1}^k`` only: there G counts violated clauses one by one.

    **Size.** k - m; without clauses one output that is always 0. Weights are -1, 0, 1, biases integers.

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> instance = BinaryCode().reduce(CNF(2, [(1, 2), (-1, 2)]))
    >>> instance.network([[0.0, 1.0], [0.0, 0.0], [0.5, 0.5]]).tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
    """

    name: ClassVar[str] = "binary"

    def reduce(self, source: CNF) -> Instance:
        """Return the layer and the observation 0; the code must lie in ``{0, 1}^k``.

        Raises
        ------
        InputError
            If the source is not a formula, has no variables, or the network would not fit in memory.
        """
        cnf = formula_of(source)
        k, n_out = cnf.n_variables, max(1, len(cnf.clauses))
        check_size((k, n_out))
        weight, bias = clause_rows(cnf) if cnf.clauses else (np.zeros((1, k)), np.zeros(1))
        network = Network.from_arrays([weight], [bias])
        box = Box.of((0.0, 1.0), k)
        return Instance(network, np.zeros(n_out), box, source, 1.0, "inf", self.name, binary=True)

    def lift(self, instance: Instance, z: Any) -> list[bool] | None:
        """Return the rounded code if it satisfies the source, else None; as :meth:`ThreeSat.lift`."""
        return satisfying(instance.source, rounded(z, instance.network.n_in))
