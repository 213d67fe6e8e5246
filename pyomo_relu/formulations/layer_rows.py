"""The rows of equation (6) and Remark 1, for a layer LP that is solved at one tolerance after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack

from pyomo_relu.formulations.row_sides import row_sides
from pyomo_relu.formulations.rows import dense_rows, indices
from pyomo_relu.layer import Layer
from pyomo_relu.validation import FloatArray


class LayerRows:
    """``W z + b + alpha D e >= alpha x`` and ``W z + b - beta D e <= beta x``, with alpha, beta of :func:`row_sides`.

    Parameters
    ----------
    layer : Layer
    spread : array or sparse matrix, shape (n, m)
        D: which of the m deviations count in which row.
    """

    def __init__(self, layer: Layer, spread: FloatArray | csr_matrix) -> None:
        self.layer = layer
        self._matrix = hstack([csr_matrix(layer.weight), csr_matrix(spread)], format="csr")
        self._of_deviations = np.flatnonzero(self._matrix.indices >= layer.n_in)
        self._row_of_those = np.searchsorted(self._matrix.indptr, self._of_deviations, side="right") - 1

    def add_to(self, model: Any, variables: Sequence[Any], x: FloatArray, eps: float) -> None:
        """Give `model` its constraints ``upper``, and ``lower`` of the rows that have a lower side at `eps`."""
        above, upper, below, lower = self._at(x, eps)
        on = indices(np.isfinite(lower))
        model.upper = dense_rows(range(upper.size), above, variables, upper=upper)
        model.lower = dense_rows(on, below[on], variables, lower=lower[on])

    def replace_in(self, model: Any, x: FloatArray, eps: float) -> None:
        """Write the rows for another `x` or `eps` into a model that has all lower sides which these have."""
        above, upper, below, lower = self._at(x, eps)
        model.upper.update(matrix=above, row_upper=upper)
        kept = list(model.lower.position)
        model.lower.update(matrix=below[kept], row_lower=lower[kept])

    def _at(self, x: FloatArray, eps: float) -> tuple[csr_matrix, FloatArray, csr_matrix, FloatArray]:
        sides = row_sides(self.layer.activation, x, eps)
        lower = np.where(sides.has_lower, sides.alpha * x - self.layer.bias, -np.inf)
        return self._times(-sides.beta), sides.beta * x - self.layer.bias, self._times(sides.alpha), lower

    def _times(self, factors: FloatArray) -> csr_matrix:
        """Return ``[W, diag(factors) D]``."""
        data = self._matrix.data.copy()
        data[self._of_deviations] *= factors[self._row_of_those]
        return csr_matrix((data, self._matrix.indices, self._matrix.indptr), shape=self._matrix.shape)
