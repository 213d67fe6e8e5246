"""Rank: numerical by singular values, full column rank proved by a Cholesky factorisation."""

from __future__ import annotations

import numpy as np

from pyomo_relu.rounding import UNIT
from pyomo_relu.validation import FloatArray


def svd_flops(m: int, n: int) -> float:
    """Return about how many operations singular values, a pseudo-inverse or least squares take, of an m x n matrix."""
    return 12.0 * m * n * min(m, n)


def singular_values(matrix: FloatArray) -> FloatArray:
    """Return the singular values of a matrix, largest first; none where it has no rows."""
    return np.asarray(np.linalg.svd(matrix, compute_uv=False), dtype=np.float64)


def rank_of(values: FloatArray, shape: tuple[int, ...]) -> int:
    """Return the numerical rank of a matrix of this shape, by its singular values."""
    return int((values > max(shape) * UNIT * values.max(initial=0.0)).sum())


def has_full_column_rank(matrix: FloatArray) -> bool:
    """Whether the columns of a matrix are proved to be linearly independent; shape (m, n).

    They are where a Cholesky factorisation of ``W'W``, less what rounding can have added, runs to its end. Columns
    that are nearly dependent, up to a condition number of some 1e7, are not proved to be independent.

    References
    ----------
    Rump, "Verification of positive definiteness", BIT Numerical Mathematics 46 (2006).

    Examples
    --------
    >>> has_full_column_rank(np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])), has_full_column_rank(np.ones((3, 2)))
    (True, False)
    """
    m, n = matrix.shape
    if m < n:
        return False
    largest = float(np.abs(matrix).max(initial=0.0))
    if not 0.0 < largest < np.inf:
        return bool(n == 0)
    # By a power of two, exactly: nothing overflows, and what underflows is nothing beside the largest entry.
    scaled = np.ldexp(matrix, 1 - np.frexp(largest)[1])
    gram = scaled.T @ scaled
    # Several times what rounding can do: in the product at most m eps, in the factorisation n eps, of the trace.
    gram[np.diag_indices(n)] -= 4.0 * (m + n) * UNIT * gram.trace()
    try:
        np.linalg.cholesky(gram)
    except np.linalg.LinAlgError:
        return False
    return True
