"""Arrays at the door: numeric, finite and of the right shape, or one clear line."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from pyomo_relu.errors import InputError, ShapeError

FloatArray = NDArray[np.float64]

Matrix = Any
"""A dense array, or a ``scipy.sparse.csr_array``: both know ``@``, ``abs``, ``.T``, ``.shape`` and rows by index."""

M = TypeVar("M", bound=Any)

LARGEST_INTEGER = 2.0**53
"""Up to here every integer is a float64."""


def as_float_array(value: Any, name: str) -> FloatArray:
    """Return `value` as a float64 array; refuse what is not made of real numbers, or would lose something.

    Infinite and NaN entries pass: see :func:`as_finite_array`.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(f"{name} is a masked array, and its mask would be lost: give x.data, and mask=~x.mask apart")
    if hasattr(value, "toarray"):
        raise InputError(f"{name} is a sparse matrix: give it dense, as .toarray() returns it")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ShapeError(f"{name} is ragged: all rows must have one length") from error
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    found = np.array(array, dtype=np.float64)
    if array.dtype.kind in "iu" and found.size and np.abs(found).max() >= LARGEST_INTEGER:
        # Python compares an integer with a float64 without rounding either.
        changed = next((n for n, v in zip(array.ravel().tolist(), found.ravel().tolist(), strict=True) if n != v), None)
        if changed is not None:
            raise InputError(f"{name} has the integer {changed}, which float64 would round: it is beyond 2**53")
    return found


def as_finite_array(value: Any, name: str, ndim: int) -> FloatArray:
    """Return `value` as a finite float64 array of `ndim` axes, none of them empty."""
    array = as_float_array(value, name)
    if array.ndim != ndim:
        raise ShapeError(f"{name} must have {ndim} {'axis' if ndim == 1 else 'axes'}, got shape {array.shape}")
    if array.size == 0:
        raise ShapeError(f"{name} is empty: shape {array.shape}")
    require_finite(array, name)
    return array


def as_matrix(value: Any, name: str) -> Matrix:
    """Return `value` as a finite float64 matrix: what SciPy holds sparse stays so, by rows, without explicit zeros."""
    if not issparse(value):
        return as_finite_array(value, name, 2)
    if value.ndim != 2 or 0 in value.shape:
        raise ShapeError(f"{name} must have 2 axes, none of them empty, got shape {value.shape}")
    matrix = csr_array(value, copy=True)
    matrix.data = as_float_array(matrix.data, name)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    rows, columns = matrix.nonzero()
    bad = np.flatnonzero(~np.isfinite(matrix.data))
    if bad.size:
        where = int(rows[bad[0]]), int(columns[bad[0]])
        raise InputError(f"{name} has {_counted(bad.size)} not finite, the first at {where}")
    return matrix


def as_vector(value: Any, size: int, name: str) -> FloatArray:
    """Return `value` as a finite float64 vector of length `size`."""
    array = as_finite_array(value, name, 1)
    if array.size != size:
        raise ShapeError(f"{name} has {array.size} entries, expected {size}")
    return array


def require_number(value: Any, name: str, *, positive: bool = False) -> None:
    """Refuse what is not one finite real number of at least 0; above 0 where it is to be `positive`."""
    try:
        number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        number = False
    if not number or value < 0.0 or (positive and value == 0.0):
        raise InputError(f"{name} must be a {'positive' if positive else 'non-negative'} number, got {value!r}")


def require_finite(array: FloatArray, name: str) -> None:
    """Refuse NaN and infinite entries, naming the first."""
    bad = np.argwhere(~np.isfinite(array))
    if bad.size:
        where = tuple(int(i) for i in bad[0])
        index = where[0] if len(where) == 1 else where
        raise InputError(f"{name} has {_counted(len(bad))} not finite, the first at {index}")


def _counted(bad: int) -> str:
    return "1 entry that is" if bad == 1 else f"{bad} entries that are"


def frozen(array: M) -> M:
    """Return `array`, dense or sparse, made read-only."""
    for part in (array.data, array.indices, array.indptr) if issparse(array) else (array,):
        part.setflags(write=False)
    return array


def as_count(value: Any, name: str, least: int) -> int:
    """Return `value` as an int; refuse what is no integer, or less than `least`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise InputError(f"{name} must be an integer, at least {least}, got {value!r}")
    return int(value)
