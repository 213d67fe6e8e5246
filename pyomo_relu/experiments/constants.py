"""The constants of Assumptions 2 and 3: how far rows keep a code from vanishing."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import block_array, csr_array, eye_array, kron

from pyomo_relu.errors import PyomoReluError
from pyomo_relu.rank import rank_of, singular_values
from pyomo_relu.validation import FloatArray


def expansion_linf(rows: FloatArray) -> float:
    """Return ``c_inf = min ||W u||_inf / ||u||_inf``, exactly up to HiGHS' tolerance; 0 where the rows lack rank.

    By one LP an entry: ``1 / c_inf = max_r max {u_r : ||W u||_inf <= 1}``. For the rows I that occurred;
    the minimum over all I of the paper's assumption is combinatorial.

    Parameters
    ----------
    rows : array, shape (m, k)

    References
    ----------
    Lei, Jalal, Dhillon, Dimakis (2019), Assumption 2; the LPs are derived for this project.

    Examples
    --------
    >>> round(expansion_linf(np.array([[1.0, 0.0], [0.0, 3.0], [1.0, 1.0]])), 9)
    1.0
    """
    k = rows.shape[1]
    if not _have_rank(rows):
        return 0.0
    both, ones = np.vstack([rows, -rows]), np.ones(2 * len(rows))
    largest = 0.0
    for r in range(k):
        found = linprog(-np.eye(k)[r], A_ub=both, b_ub=ones, bounds=(None, None), method="highs-ds")
        largest = max(largest, -_optimum(found))
    return 1.0 / largest


def expansion_l1(rows: FloatArray) -> float:
    """Return a lower bound on ``c_1 = min ||W u||_1 / ||u||_1``; 0 where the rows lack rank.

    Any left inverse L gives ``||u||_1 = ||L W u||_1 <= ||L||_1 ||W u||_1``, its norm the largest column sum;
    an LP finds the L of least norm.

    Parameters
    ----------
    rows : array, shape (m, k)

    References
    ----------
    Lei, Jalal, Dhillon, Dimakis (2019), Assumption 3; the LP is derived for this project.

    Examples
    --------
    >>> round(expansion_l1(np.array([[1.0, 0.0], [0.0, 3.0], [0.0, 1.0]])), 9)
    1.0
    """
    m, k = rows.shape
    if not _have_rank(rows):
        return 0.0
    # L, by rows, is the difference of two non-negative parts; the last variable is its norm.
    inverse = kron(eye_array(k), csr_array(rows.T))
    columns = kron(np.ones((1, k)), eye_array(m))
    found = linprog(
        np.append(np.zeros(2 * m * k), 1.0),
        A_ub=block_array([[columns, columns, csr_array(-np.ones((m, 1)))]]),
        b_ub=np.zeros(m),
        A_eq=block_array([[inverse, -inverse, csr_array((k * k, 1))]]),
        b_eq=np.eye(k).ravel(),
        method="highs-ds",
    )
    return 1.0 / _optimum(found)


def _have_rank(rows: FloatArray) -> bool:
    return bool(rank_of(singular_values(rows), rows.shape) == rows.shape[1])


def _optimum(found: Any) -> float:
    """Return an LP's optimum: rows of full rank have one, so that anything else is the solver's failure."""
    if found.status != 0:
        raise PyomoReluError(f"HiGHS finds no constant of rows of full rank: {found.message}")
    return float(found.fun)
