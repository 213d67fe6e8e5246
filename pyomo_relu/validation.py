"""Checks of arrays and numbers that are given: numeric, finite, of the right shape and range, or one clear line."""

from __future__ import annotations

import sys
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
        raise InputError(
            "is a masked array, and its mask would be lost: give x.data, and mask=~x.mask apart", parameter=name
        )
    if hasattr(value, "toarray"):
        raise InputError("is a sparse matrix: give it dense, as .toarray() returns it", parameter=name)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ShapeError("is ragged: all rows must have one length", parameter=name) from error
    if array.dtype.kind not in "biuf":
        raise InputError(f"must be an array of real numbers, got dtype {array.dtype}", parameter=name)
    found = np.array(array, dtype=np.float64)
    if array.dtype.kind in "iu" and found.size and np.abs(found).max() >= LARGEST_INTEGER:
        # Python compares an integer with a float64 without rounding either.
        changed = next((n for n, v in zip(array.ravel().tolist(), found.ravel().tolist(), strict=True) if n != v), None)
        if changed is not None:
            raise InputError(
                f"has the integer {changed}, which float64 would round: it is beyond 2**53", parameter=name
            )
    return found


def as_finite_array(value: Any, name: str, ndim: int) -> FloatArray:
    """Return `value` as a finite float64 array of `ndim` axes, none of them empty."""
    array = as_float_array(value, name)
    if array.ndim != ndim:
        raise ShapeError(f"must have {ndim} {'axis' if ndim == 1 else 'axes'}, got shape {array.shape}", parameter=name)
    if array.size == 0:
        raise ShapeError(f"is empty: shape {array.shape}", parameter=name)
    require_finite(array, name)
    return array


def as_matrix(value: Any, name: str) -> Matrix:
    """Return `value` as a finite float64 matrix: what SciPy holds sparse stays so, by rows, without explicit zeros."""
    if not issparse(value):
        return as_finite_array(value, name, 2)
    if value.ndim != 2 or 0 in value.shape:
        raise ShapeError(f"must have 2 axes, none of them empty, got shape {value.shape}", parameter=name)
    matrix = csr_array(value, copy=True)
    # Of entries that stand twice, what is SciPy's own sum: that of their type.
    matrix.sum_duplicates()
    matrix.data = as_float_array(matrix.data, name)
    matrix.eliminate_zeros()
    rows, columns = matrix.nonzero()
    bad = np.flatnonzero(~np.isfinite(matrix.data))
    if bad.size:
        where = int(rows[bad[0]]), int(columns[bad[0]])
        raise InputError(f"has {_counted(bad.size)} not finite, the first at {where}", parameter=name)
    return matrix


def as_vector(value: Any, size: int, name: str) -> FloatArray:
    """Return `value` as a finite float64 vector of length `size`."""
    array = as_finite_array(value, name, 1)
    if array.size != size:
        raise ShapeError(f"has {array.size} entries, expected {size}", parameter=name)
    return array


def as_number(
    value: Any,
    name: str,
    *,
    positive: bool = False,
    most: float = sys.float_info.max,
    error: type[InputError] = InputError,
) -> float:
    """Return `value` as a float; refuse what is no real number from 0 to `most`, or 0 where it is to be `positive`."""
    # Comparisons take integers of any size, and refuse NaN.
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not real or not 0.0 <= value <= most or (positive and value == 0.0):
        span = f" of at most {most:g}" if most < sys.float_info.max else ""
        raise error(
            f"must be a {'positive' if positive else 'non-negative'} number{span}, got {value!r}", parameter=name
        )
    return float(value)


def require_finite(array: FloatArray, name: str) -> None:
    """Refuse NaN and infinite entries, naming the first."""
    bad = np.argwhere(~np.isfinite(array))
    if bad.size:
        where = tuple(int(i) for i in bad[0])
        index = where[0] if len(where) == 1 else where
        raise InputError(f"has {_counted(len(bad))} not finite, the first at {index}", parameter=name)


def _counted(bad: int) -> str:
    return "1 entry that is" if bad == 1 else f"{bad} entries that are"


def frozen(array: M) -> M:
    """Return `array`, dense or sparse, made read-only."""
    for part in (array.data, array.indices, array.indptr) if issparse(array) else (array,):
        part.setflags(write=False)
    return array


def as_count(
    value: Any, name: str, least: int, most: int | None = None, *, error: type[InputError] = InputError
) -> int:
    """Return `value` as an int; refuse what is no integer, less than `least`, or more than `most`."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        span = f"an integer, at least {least}" if most is None else f"a whole number from {least} to {most}"
        raise error(f"must be {span}, got {value!r}", parameter=name)
    return int(value)
