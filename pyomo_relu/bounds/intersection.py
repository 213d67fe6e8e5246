"""Intersections of bounds. Bounds are rounded outwards: where they cross, nothing lies between them."""

from __future__ import annotations

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.errors import InputError
from pyomo_relu.validation import FloatArray

ROUNDING = 1e-9
"""Ends may cross by this much, absolute below 1 and relative above, before it is called a proof."""


class CrossedBoundsError(InputError):
    """No code is left. Functions that tighten a region return None instead."""


def between(lower: FloatArray, upper: FloatArray) -> Box:
    """Return the box between two ends; where they cross by no more than rounding, that between them is kept.

    Raises
    ------
    CrossedBoundsError
        If they cross by more.

    Examples
    --------
    >>> between(np.array([0.0, 1.0]), np.array([2.0, 1.0 - 1e-15])).upper.tolist()
    [2.0, 1.0]
    """
    if (lower > upper + ROUNDING * np.maximum(1.0, np.abs(np.where(np.isfinite(upper), upper, 0.0)))).any():
        raise CrossedBoundsError("the bounds cross: no code of the box meets those that are known")
    return Box(np.minimum(lower, upper), np.maximum(lower, upper))


def intersect(one: Box, other: Box) -> Box:
    """Return the intersection of two boxes; see :func:`between`."""
    return between(np.maximum(one.lower, other.lower), np.minimum(one.upper, other.upper))
