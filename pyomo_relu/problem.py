"""`Problem`: a network, what was observed of its output, and where the code may lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import diags_array, eye_array

from pyomo_relu.box import Box
from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.layer import Layer, scaled
from pyomo_relu.network import Network
from pyomo_relu.norms import Norm, NormName, norm_of
from pyomo_relu.rounding import down
from pyomo_relu.tolerance import met_within
from pyomo_relu.tube import Tube
from pyomo_relu.validation import FloatArray, as_float_array, as_matrix, as_vector, frozen, require_finite

LARGEST = 1e12
"""Observations above this are refused: solvers take 1e20 for infinite, and their tolerances are absolute."""


HEAVIEST = 1e6
"""Weights that are larger, or smaller than one over it, are refused: solvers resolve no more than that."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Minimise ``||G(z) - x||`` over a box.

    A mask leaves only the observed neurons in the network's last layer, and an operator A
    becomes a linear layer after it, so that no method needs to know of either. For the one
    that steps from measurements back to outputs, both are also kept apart.

    Parameters
    ----------
    network : Network
        From the code to what is observed.
    x : array, shape (m,)
    box : Box
        Where the code may lie, perhaps everywhere.
    parts : (Network, matrix) or None
        The generator G and the operator A, shape (m, n), dense or sparse; None where A is the identity.
    weights : array, shape (m,), or 1.0
        What deviations are multiplied by before they are measured; positive and finite.
    hard : array of bool, shape (m,), or None
        Which outputs have an infinite weight: they must be met, and are no part of the residual. Their entry of
        `weights` is one power of two, next to the heaviest of the others: in that unit they are measured.
    """

    network: Network
    x: FloatArray
    box: Box
    parts: tuple[Network, Any] | None = None
    weights: FloatArray | float = 1.0
    hard: NDArray[np.bool_] | None = None

    @classmethod
    def of(
        cls,
        network: Network,
        x: Any,
        *,
        operator: Any = None,
        mask: Any = None,
        weights: Any = None,
        box: Any = None,
    ) -> Problem:
        """Check the inputs of :func:`pyomo_relu.invert`, and put them together.

        Raises
        ------
        ShapeError, InputError
            One line that names the thing and both sizes.
        """
        if not isinstance(network, Network):
            raise InputError(f"network must be a pyomo_relu.Network, got {type(network).__name__}")
        if operator is not None and mask is not None:
            raise InputError("give a mask or an operator, not both: a mask is a selection of rows of the identity")
        parts: tuple[Network, Any] | None = None
        factors: FloatArray | float = 1.0
        hard: NDArray[np.bool_] | None = None
        if weights is not None:
            if mask is not None or operator is not None:
                raise InputError(
                    "go with neither a mask nor an operator: a weight of zero is a mask", parameter="weights"
                )
            factors, mask, hard = weighed(weights, network.n_out)
        if mask is not None:
            seen, x = observed(x, mask, network.n_out)
            parts = network, eye_array(network.n_out, format="csr")[seen]
            network = Network((*network.layers[:-1], network[-1].rows(seen)))
        elif operator is not None:
            matrix = as_matrix(operator, "operator")
            if matrix.shape[1] != network.n_out:
                raise ShapeError(
                    f"has {matrix.shape[1]} columns, the network {network.n_out} outputs", parameter="operator"
                )
            x = as_vector(x, matrix.shape[0], "observation")
            parts = network, matrix
            network = Network((*network.layers, Layer.computed(matrix, np.zeros(matrix.shape[0]), 1.0)))
        else:
            x = as_vector(x, network.n_out, "observation")
        largest = float(np.abs(x).max())
        if largest > LARGEST:
            raise InputError(
                f"observation reaches {largest:.3g}: no solver works at this scale; divide the last layer by it"
            )
        return cls(network, frozen(x), as_box(box, network.n_in), parts, factors, hard)

    @property
    def generator(self) -> Network:
        """The network G whose output is observed through the operator."""
        return self.network if self.parts is None else self.parts[0]

    @property
    def operator(self) -> Any:
        """The operator A, shape (m, n): a NumPy array, or a SciPy sparse array for a mask and the identity."""
        return eye_array(self.network.n_out, format="csr") if self.parts is None else self.parts[1]

    @cached_property
    def scaled(self) -> Problem:
        """The problem whose outputs are multiplied by their weights, which are ones then.

        That rounds rows and observation: it is for searches and solvers. What is verified is so with the weights.
        """
        if isinstance(self.weights, float):
            return self
        last, factors = self.network[-1], self.weights
        layer = Layer.computed(scaled(last.weight, rows=factors), factors * last.bias, last.activation)
        network = Network((*self.network.layers[:-1], layer))
        parts = self.generator, diags_array(factors, format="csr") @ self.operator
        return Problem(network, frozen(factors * self.x), self.box, parts, hard=self.hard)

    @property
    def factors(self) -> FloatArray | float:
        """What deviations are multiplied by in the residual: the weights, and 0 where an output must be met."""
        return self.weights if self.hard is None else np.where(self.hard, 0.0, self.weights)

    @cached_property
    def of_hard(self) -> Problem | None:
        """The problem of the outputs of infinite weight alone, without any; None where there are none."""
        if self.hard is None:
            return None
        network = Network((*self.network.layers[:-1], self.network[-1].rows(self.hard)))
        return Problem(network, frozen(self.x[self.hard]), self.box, (self.generator, self.operator[self.hard]))

    @property
    def hard_unit(self) -> float:
        """What deviations of outputs of infinite weight are multiplied by; a power of two."""
        return 1.0 if self.hard is None or isinstance(self.weights, float) else float(self.weights[self.hard][0])

    def tube(self, most: float = np.inf) -> Tube:
        """Return the codes that meet outputs of infinite weight, and of which no other one deviates by more."""
        return Tube(most) if self.hard is None else Tube(most, self.met, self.hard)

    @property
    def said(self) -> str:
        """The residual, in words."""
        return "||G(z) - x||" if isinstance(self.weights, float) and self.hard is None else "||w (G(z) - x)||"

    def residual(self, z: FloatArray, norm: Norm | NormName) -> float:
        """Return ``||w (G(z) - x)||`` by a forward pass in float64, for a search: what is claimed is enclosed."""
        return norm_of(self.factors * (self.network(z) - self.x), norm)

    @property
    def met(self) -> float:
        """The residual below which x counts as met: relative to ``max |x|``, down to the LPs' own tolerance."""
        return met_within(self.scaled.x)

    @property
    def scale(self) -> float:
        """``max(1, max |x|)``, to which tolerances are relative."""
        return max(1.0, float(np.abs(self.scaled.x).max()))

    def scope(self, tube: Tube | None = None) -> str:
        """Return the codes that a bound on the residual is about, in words.

        Examples
        --------
        >>> problem = Problem.of(Network.from_arrays([[[1.0]]]), [0.5], box=(-1, 1))
        >>> problem.scope(), problem.scope(problem.tube(0.25))
        ('every code in the box', 'every code in the box and the tube of 0.25')
        """
        within = "" if tube is None or np.isinf(tube.most) else f" and the tube of {down(tube.most)}"
        met = self.said_of_hard(self.tube(), lambda most: down(most, 6))
        return f"every code{'' if self.box.is_everything else ' in the box'}{within}{met}"

    def said_of_hard(self, tube: Tube, said: Callable[[float], str]) -> str:
        """Return how a code of a tube meets the outputs of infinite weight, in words; nothing where there are none."""
        if self.hard is None:
            return ""
        return f" that meets the outputs of infinite weight up to {said(tube.held / self.hard_unit)}"


def as_box(spec: Any, size: int) -> Box:
    """Return a box of `size` axes: everything where None is given, else as :meth:`Box.of` reads it."""
    return Box.everything(size) if spec is None else Box.of(spec, size)


def weighed(weights: Any, size: int) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.bool_] | None]:
    """Return the weights of the outputs that are observed, which these are, and which of them must be met.

    Observed are those whose weight is not zero; those whose weight is infinite must be met, and get a finite one, in
    which they are measured. None where there are none.

    Parameters
    ----------
    weights : array_like, shape (size,)

    Examples
    --------
    >>> factors, seen, hard = weighed([2.0, 0.0, 1.0, np.inf], 4)
    >>> factors.tolist(), seen.tolist(), hard.tolist()
    ([2.0, 1.0, 2.0], [True, False, True, True], [False, False, True])
    """
    given = as_float_array(weights, "weights")
    hard = np.isposinf(given)
    factors = as_vector(np.where(hard, 0.0, given), size, "weights")
    if not ((factors == 0.0) | ((factors >= 1.0 / HEAVIEST) & (factors <= HEAVIEST))).all():
        said = f"must be 0, infinite, or lie between {1.0 / HEAVIEST:g} and {HEAVIEST:g}"
        raise InputError(said, parameter="weights")
    if hard.any():
        heaviest = float(factors.max())
        factors = np.where(hard, 2.0 ** np.ceil(np.log2(heaviest)) if heaviest > 0.0 else 1.0, factors)
    seen = factors != 0.0
    if not seen.any():
        raise InputError("observe nothing: every one is zero", parameter="weights")
    return frozen(factors[seen]), seen, hard[seen] if hard.any() else None


def observed(x: Any, mask: Any, size: int) -> tuple[NDArray[np.bool_], FloatArray]:
    """Return the mask as booleans, and the observed entries of `x`; the others may be anything, even NaN.

    Parameters
    ----------
    x, mask : array_like, shape (size,)
        Mask True (or 1) where observed.
    """
    flags = as_vector(mask, size, "mask")
    if not np.isin(flags, (0.0, 1.0)).all():
        raise InputError("must hold booleans, or 0 and 1: True where observed", parameter="mask")
    seen = flags.astype(bool)
    if not seen.any():
        raise InputError("observes nothing: every entry is False", parameter="mask")
    values = as_float_array(x, "observation")
    if values.shape != (size,):
        raise ShapeError(f"observation has shape {values.shape}, expected ({size},)")
    require_finite(values[seen], "observation")
    return seen, values[seen]
