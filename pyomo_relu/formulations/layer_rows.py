"""The rows of equation (6) and Remark 1, for a layer LP that is solved at one tolerance after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, diags, hstack

from pyomo_relu.formulations.rows import dense_rows, indices
from pyomo_relu.formulations.tube import tube
from pyomo_relu.layer import Layer
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True)
class LayerRows:
    """``lower <= W z + alpha D e`` and ``W z - beta D e <= upper``, with alpha, beta of :func:`tube`.

    Parameters
    ----------
    below, above : scipy.sparse.csr_matrix, shape (n, k + m)
        Coefficients of the code and the m deviations.
    lower, upper : array, shape (n,)
        ``lower`` is minus infinity where a row has no lower side.
    """

    below: csr_matrix
    lower: FloatArray
    above: csr_matrix
    upper: FloatArray

    @classmethod
    def at(cls, layer: Layer, x: FloatArray, eps: float, spread: csr_matrix) -> LayerRows:
        """Write the rows of `layer` for an observation `x`, shape (n,), at the tolerance `eps`.

        Parameters
        ----------
        layer : Layer
        x : array, shape (n,)
        eps : float
        spread : scipy.sparse.csr_matrix, shape (n, m)
            D: which deviations count in which row.
        """
        sides, weight = tube(layer.slope, x, eps), csr_matrix(layer.weight)
        return cls(
            below=hstack([weight, diags(sides.alpha) @ spread], format="csr"),
            lower=np.where(sides.has_lower, sides.alpha * x - layer.bias, -np.inf),
            above=hstack([weight, -diags(sides.beta) @ spread], format="csr"),
            upper=sides.beta * x - layer.bias,
        )

    def add_to(self, model: Any, variables: Sequence[Any]) -> None:
        """Give `model` its constraints ``upper``, and ``lower`` of the rows that have one."""
        on = indices(np.isfinite(self.lower))
        model.upper = dense_rows(range(self.upper.size), self.above, variables, upper=self.upper)
        model.lower = dense_rows(on, self.below[on], variables, lower=self.lower[on])

    def replace_in(self, model: Any) -> None:
        """Put these rows into a model that has those of a smaller tolerance: lower sides may open, not close."""
        model.upper.update(matrix=self.above, row_upper=self.upper)
        kept = list(model.lower.position)
        model.lower.update(matrix=self.below[kept], row_lower=self.lower[kept])
