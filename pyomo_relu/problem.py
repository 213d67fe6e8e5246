"""`Problem`: a network, what was observed of its output, and where the code may lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import eye_array

from pyomo_relu.box import Box
from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.norms import Norm, NormName, norm_of
from pyomo_relu.tolerance import met_within
from pyomo_relu.validation import FloatArray, as_finite_array, as_float_array, as_vector, frozen, require_finite

LARGEST = 1e12
"""Observations above this are refused: solvers take 1e20 for infinite, and their tolerances are absolute."""


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
    box : Box or None
        Where the code may lie; None is everywhere.
    parts : (Network, matrix) or None
        The generator G and the operator A, shape (m, n), dense or sparse; None where A is the identity.
    """

    network: Network
    x: FloatArray
    box: Box | None
    parts: tuple[Network, Any] | None = None

    @classmethod
    def of(cls, network: Network, x: Any, *, operator: Any = None, mask: Any = None, box: Any = None) -> Problem:
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
        if mask is not None:
            seen, x = observed(x, mask, network.n_out)
            parts = network, eye_array(network.n_out, format="csr")[seen]
            network = Network((*network.layers[:-1], network[-1].rows(seen)))
        elif operator is not None:
            matrix = as_finite_array(operator, "operator", 2)
            if matrix.shape[1] != network.n_out:
                raise ShapeError(f"operator has {matrix.shape[1]} columns, the network {network.n_out} outputs")
            x = as_vector(x, len(matrix), "observation")
            parts = network, matrix
            network = Network((*network.layers, Layer.computed(matrix, np.zeros(len(matrix)), 1.0)))
        else:
            x = as_vector(x, network.n_out, "observation")
        largest = float(np.abs(x).max())
        if largest > LARGEST:
            raise InputError(
                f"observation reaches {largest:.3g}: no solver works at this scale; divide the last layer by it"
            )
        return cls(network, frozen(x), None if box is None else Box.of(box, network.n_in), parts)

    @property
    def generator(self) -> Network:
        """The network G whose output is observed through the operator."""
        return self.network if self.parts is None else self.parts[0]

    @property
    def operator(self) -> Any:
        """The operator A, shape (m, n): a NumPy array, or a SciPy sparse array for a mask and the identity."""
        return eye_array(self.network.n_out, format="csr") if self.parts is None else self.parts[1]

    def residual(self, z: FloatArray, norm: Norm | NormName) -> float:
        """Return ``||G(z) - x||`` by a forward pass in float64, for a search: what is claimed is enclosed."""
        return norm_of(self.network(z) - self.x, norm)

    @property
    def met(self) -> float:
        """The residual below which x counts as met: relative to ``max |x|``, down to the LPs' own tolerance."""
        return met_within(self.x)

    @property
    def scale(self) -> float:
        """``max(1, max |x|)``, to which tolerances are relative."""
        return max(1.0, float(np.abs(self.x).max()))


def observed(x: Any, mask: Any, size: int) -> tuple[NDArray[np.bool_], FloatArray]:
    """Return the mask as booleans, and the observed entries of `x`; the others may be anything, even NaN.

    Parameters
    ----------
    x, mask : array_like, shape (size,)
        Mask True (or 1) where observed.
    """
    flags = as_vector(mask, size, "mask")
    if not np.isin(flags, (0.0, 1.0)).all():
        raise InputError("mask must hold booleans, or 0 and 1: True where observed")
    seen = flags.astype(bool)
    if not seen.any():
        raise InputError("mask observes nothing: every entry is False")
    values = as_float_array(x, "observation")
    if values.shape != (size,):
        raise ShapeError(f"observation has shape {values.shape}, expected ({size},)")
    require_finite(values[seen], "observation")
    return seen, values[seen]
