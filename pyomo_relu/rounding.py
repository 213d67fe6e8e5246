"""Bounds on rounding error, so that float64 bounds hold for the real numbers."""

from __future__ import annotations

import numpy as np

UNIT = float(np.finfo(np.float64).eps)


def gamma(operations: int) -> float:
    """Return a factor that bounds the relative error of a chain of dot products.

    A computed dot product of m terms is off by at most ``gamma(m) |a| |b|``
    (Higham, "Accuracy and stability of numerical algorithms", 2002, equation 3.5);
    twice that leaves room for the rounding of the bound itself. This holds where no product underflows or overflows.
    """
    return 2.0 * (operations + 3) * UNIT
