"""A sum of many squares, written as one of few: ``|R u + r|^2 = |T u + t|^2 + constant`` by a QR factorisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyomo.environ import Var

from pyomo_relu.formulations.rows import dense_rows
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False)
class Squares:
    """``|matrix @ u + shift|^2 + constant``.

    Parameters
    ----------
    matrix : array, shape (m, n)
    shift : array, shape (m,)
    constant : float

    Examples
    --------
    >>> import numpy as np
    >>> few = Squares.of(np.array([[1.0], [1.0], [1.0]]), np.array([0.0, -1.0, -2.0]))
    >>> few.matrix.shape, round(few.constant, 9)     # the mean is 1, the squares around it add up to 2
    ((1, 1), 2.0)
    """

    matrix: FloatArray
    shift: FloatArray
    constant: float

    @classmethod
    def of(cls, matrix: FloatArray, shift: FloatArray) -> Squares:
        """Return ``|matrix @ u + shift|^2`` with at most as many squares as u has entries."""
        n = matrix.shape[1]
        if len(matrix) <= n:
            return cls(matrix, shift, 0.0)
        factor: FloatArray = np.asarray(np.linalg.qr(np.column_stack([matrix, shift]))[1], dtype=np.float64)
        return cls(factor[:n, :n], factor[:n, n], float(np.sum(factor[n:, n] ** 2)))

    def add_to(self, model: Any, variables: Sequence[Any], most: float | None = None) -> Any:
        """Add the variables ``model.square``, each at most `most`, and return the sum."""
        rows = range(len(self.shift))
        model.square = Var(rows, bounds=(None if most is None else -most, most))
        model.square_is = dense_rows(
            rows,
            self.matrix,
            variables,
            extra=[((-1.0,), (model.square[i],)) for i in rows],
            lower=-self.shift,
            upper=-self.shift,
        )
        return sum(t * t for t in model.square.values()) + self.constant
