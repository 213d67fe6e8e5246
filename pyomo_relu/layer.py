"""`Layer`: one dense layer, an affine map and its activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, issparse

from pyomo_relu.activation import SMALLEST, Activation
from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.validation import (
    FloatArray,
    Matrix,
    as_finite_array,
    as_float_array,
    as_matrix,
    as_vector,
    frozen,
    require_finite,
)

LARGEST = 1e150
"""Of weights: no product of two between `SMALLEST` and this under- or overflows."""


@dataclass(frozen=True, eq=False, init=False)
class Layer:
    """One layer ``h -> phi(weight @ h + bias)`` with ``phi(t) = max(t, slope * t)``.

    Parameters
    ----------
    weight : array_like or SciPy sparse array, shape (n_out, n_in)
        What is sparse stays so, as a ``csr_array``: use ``@``, rows by index, and the methods here, which serve both.
    bias : array_like, shape (n_out,), optional
        Zero where not given.
    slope : float, array_like of shape (n_out,), or Activation
        Slope left of zero, of all neurons or of each: 0 is ReLU, (0, 1) LeakyReLU, 1 linear.

    Raises
    ------
    ShapeError, InputError
        If the shapes do not fit, an entry is not finite, the slope is outside [0, 1], or a weight that is not zero
        lies outside [1e-150, 1e150] in size.

    Notes
    -----
    Bounds and proofs of rank add what rounding can have done, relative to the products. A product of two weights in
    that range neither underflows, where rounding is no longer relative, nor overflows; longer products may, of networks
    that lie at its ends in all layers.

    Examples
    --------
    >>> Layer([[1.0], [-1.0]])([2.0]).tolist()
    [2.0, 0.0]
    """

    weight: Matrix
    bias: FloatArray
    activation: Activation

    def __init__(self, weight: Any, bias: Any = None, slope: Any = 0.0) -> None:
        self._fill(weight, bias, slope)
        _require_range(self.weight)

    @classmethod
    def computed(cls, weight: Matrix, bias: FloatArray, activation: Any) -> Layer:
        """Return a layer whose arrays come from those of other layers: products, of any size, are no bad input."""
        layer = cls.__new__(cls)
        layer._fill(weight, bias, activation)
        return layer

    def _fill(self, weight: Any, bias: Any, activation: Any) -> None:
        matrix = as_matrix(weight, "weight")
        n = matrix.shape[0]
        offset = np.zeros(n) if bias is None else as_finite_array(bias, "bias", 1)
        if offset.size != n:
            raise ShapeError(f"bias has {offset.size} entries, weight has {n} rows")
        object.__setattr__(self, "weight", frozen(matrix))
        object.__setattr__(self, "bias", frozen(offset))
        object.__setattr__(self, "activation", Activation.of(activation, n))

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Arrays that were pickled or copied have lost their flag.
        self.__dict__.update(state)
        frozen(self.weight)
        frozen(self.bias)

    @property
    def slope(self) -> float | FloatArray:
        """The slope left of zero: of all neurons where it is one, else of each, shape (n_out,)."""
        return self.activation.compact

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return int(self.weight.shape[1])

    @property
    def n_out(self) -> int:
        """Number of neurons."""
        return int(self.weight.shape[0])

    def pre_activation(self, h: FloatArray) -> FloatArray:
        """Return ``weight @ h + bias``, shape (n_out,), or (N, n_out); `h` has shape (n_in,) or (N, n_in)."""
        return np.asarray(h @ self.weight.T + self.bias, dtype=np.float64)

    def __call__(self, h: FloatArray) -> FloatArray:
        """Return the layer's output; `h` has shape (n_in,) or (N, n_in), and need not be finite."""
        inputs = np.asarray(h, dtype=np.float64)
        if inputs.shape[-1:] != (self.n_in,):
            raise ShapeError(f"input has shape {inputs.shape}, expected ({self.n_in},) or (N, {self.n_in})")
        return self.activation(self.pre_activation(inputs))

    @property
    def n_weights(self) -> int:
        """Number of weights: of a sparse layer, those that are not zero."""
        return int(self.weight.size)

    @property
    def row_sizes(self) -> FloatArray:
        """The largest weight of each row in size, shape (n_out,)."""
        largest = abs(self.weight).max(axis=1)
        return np.asarray(largest.toarray().ravel() if issparse(largest) else largest)

    def dense(self, index: Any = slice(None)) -> FloatArray:
        """Return the weights of some rows, or of all, as a dense array: for factorisations, and small networks."""
        rows = self.weight[index]
        return np.asarray(rows.toarray() if issparse(rows) else rows)

    def nonzeros(self) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
        """Return the rows, the columns and the values of the weights that are not zero, row by row."""
        rows, columns = self.weight.nonzero()
        values = self.weight.data if issparse(self.weight) else self.weight[rows, columns]
        return rows.astype(np.intp), columns.astype(np.intp), np.asarray(values)

    def signed(self) -> tuple[Matrix, Matrix]:
        """Return the weights above zero and those below it, which add up to all."""
        if issparse(self.weight):
            return self.weight.maximum(0.0), self.weight.minimum(0.0)
        return np.maximum(self.weight, 0.0), np.minimum(self.weight, 0.0)

    def rows(self, index: np.ndarray) -> Layer:
        """Return the layer that has only the neurons of `index` (integers, or a boolean mask)."""
        return Layer.computed(self.weight[index], self.bias[index], self.activation.rows(index))

    def __repr__(self) -> str:
        return f"Layer({self.n_in} -> {self.n_out}, {self.activation})"


def scaled(matrix: Matrix, rows: FloatArray | float = 1.0, columns: FloatArray | float = 1.0) -> Matrix:
    """Return a matrix with every row and every column times its factor, or one for all."""
    down, right = np.broadcast_to(rows, matrix.shape[0]), np.broadcast_to(columns, matrix.shape[1])
    if not issparse(matrix):
        return matrix * down[:, None] * right
    entries = coo_array(matrix)
    values = entries.data * down[entries.row] * right[entries.col]
    return csr_array((values, (entries.row, entries.col)), shape=matrix.shape)


def _require_range(matrix: Matrix) -> None:
    # Without another array of floats, which would take longer than all the rest.
    weight = matrix.data if issparse(matrix) else matrix
    if not weight.size:
        return
    large_enough = np.count_nonzero((weight >= SMALLEST) | (weight <= -SMALLEST))
    if large_enough == np.count_nonzero(weight) and max(weight.max(), -weight.min()) <= LARGEST:
        return
    entries = coo_array(matrix)
    size = np.abs(entries.data)
    at = int(np.flatnonzero(((size < SMALLEST) & (size > 0.0)) | (size > LARGEST))[0])
    i, j = int(entries.row[at]), int(entries.col[at])
    what = "set it to 0" if size[at] < SMALLEST else "scale the layers"
    raise InputError(
        f"weight is {entries.data[at]:.3g} at ({i}, {j}): nonzero weights must lie between {SMALLEST:g} and "
        f"{LARGEST:g} in size, or products under- or overflow; {what}"
    )


def as_code(value: object, n_in: int) -> FloatArray:
    """Return codes as finite float64: shape (n_in,), or (N, n_in) for a batch of them."""
    code = as_float_array(value, "code")
    if code.ndim == 1:
        return as_vector(code, n_in, "code")
    if code.ndim != 2 or code.shape[1] != n_in:
        raise ShapeError(f"code has shape {code.shape}, expected ({n_in},) or (N, {n_in})")
    require_finite(code, "code")
    return code
