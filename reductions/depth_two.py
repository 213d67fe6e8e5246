"""SAT to two layers with one output: hardness begins at depth two, for one layer is a linear program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from pyomo_relu.errors import InputError
from pyomo_relu.network import Network
from reductions.cnf import CNF
from reductions.gadgets import check_size, distances, formula_of, rounded, satisfying, violations
from reductions.instance import Instance, parameters_of


@dataclass(frozen=True)
class DepthTwo:
    """Reduce SAT to the inversion of a ReLU network with one hidden layer and one output.

    **Theorem.** Let p(t) = dist(t, {0, 1}) (see ``distances`` in ``reductions/gadgets.py``), let a literal's value be
    z_i or 1 - z_i, and::

        f(z) = sum_i p(z_i) + sum_j ReLU(1 - sum of clause j's literals).

    Then f >= 0; f(z) = 0 iff z is a satisfying 0/1 point; and f >= 1 everywhere if there is none. So
    G = ReLU(f) meets x = 0, and G = ReLU(1 - f) meets x = 1, exactly at the models.

    *Proof.* All terms are at least 0; p(z_i) = 0 says that z_i is 0 or 1, and there a clause's term is 0 iff
    the clause holds. Round z, and let a clause then fail. Its literals are at most 1/2, so that each
    is at most its variable's p(z_i), and the clause's term is at least 1 - sum_i p(z_i): f(z) >= 1.

    **Pre-image.** The models themselves, isolated points of ``{0, 1}^k``.

    **Gap.** 1 in every norm (there is one output); a code with a smaller residual rounds to a model.

    **Size.** k - (4k + m) - 1; weights are -2, -1, 1, 2; biases are integers and -1/2.

    Clauses may have any length. The formula is normalised first.

    Parameters
    ----------
    form : "zero" or "one"
        The observation: x = 0, for which the output neuron is off, or x = 1, for which it is on.

    Raises
    ------
    InputError
        If `form` is neither.

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> reduction = DepthTwo(form="one")
    >>> instance = reduction.reduce(CNF(2, [(1, 2), (-1, 2)]))
    >>> instance.network.sizes, instance.observation.tolist(), instance.network([0.0, 1.0]).tolist()
    ((2, 10, 1), [1.0], [1.0])
    >>> reduction.lift(instance, [0.1, 0.9])
    [False, True]
    """

    form: Literal["zero", "one"] = "zero"
    # No field: the name follows from the form.
    names: ClassVar[dict[str, str]] = {"zero": "depth-two", "one": "depth-two-one"}

    def __post_init__(self) -> None:
        if self.form not in self.names:
            raise InputError(f"form must be 'zero' or 'one', got {self.form!r}")

    @property
    def name(self) -> str:
        """The name that instances carry."""
        return self.names[self.form]

    def reduce(self, source: CNF) -> Instance:
        """Return the network and the observation 0 or 1; the code may lie anywhere.

        Raises
        ------
        InputError
            If the source is not a formula, has no variables, or the network would not fit in memory.
        """
        cnf = formula_of(source)
        check_size((cnf.n_variables, 4 * cnf.n_variables + len(cnf.clauses), 1))
        f = distances(cnf.n_variables) + violations(cnf)
        sign, offset = (1.0, 0.0) if self.form == "zero" else (-1.0, 1.0)
        network = Network.from_arrays([f.weight, [sign * f.output]], [f.bias, [offset]])
        return Instance(
            network, np.array([offset]), None, source, 1.0, "inf", self.name, parameters=parameters_of(self)
        )

    def lift(self, instance: Instance, z: Any) -> list[bool] | None:
        """Return the rounded code if it satisfies the source, else None; as :meth:`ThreeSat.lift`."""
        return satisfying(instance.source, rounded(z, instance.network.n_in))
