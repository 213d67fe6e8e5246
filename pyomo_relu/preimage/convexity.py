"""Whether a union of polytopes is convex.

Its envelope is the polyhedron of those sides of the parts that hold for all of them. The union is
convex if and only if it is its envelope.

References
----------
Bemporad, Fukuda, Torrisi, "Convexity recognition of the union of polyhedra" (2001), theorem 3.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pyomo_relu.preimage.polytope import RANK, THIN, Polytope, largest_ball
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False)
class _Part:
    """A part in the coordinates of the common affine hull: ``rows y <= limits``."""

    polytope: Polytope
    rows: FloatArray
    limits: FloatArray
    inside: FloatArray

    def holds(self, y: FloatArray) -> bool:
        """Whether `y` lies in the part."""
        return bool((self.rows @ y <= self.limits + THIN).all())


class _LateError(Exception):
    """The time is up."""


def is_convex(parts: Sequence[Polytope], *, seconds: float = math.inf) -> bool | None:
    """Decide whether a union of polytopes, none of them within another, is convex.

    Parameters
    ----------
    parts : sequence of Polytope
    seconds : float
        Wall clock after which the answer is None: not known.

    Notes
    -----
    Parts of a convex union have one affine hull. In it the envelope is cut by the sides of a part that holds the
    centre of its largest ball; what is left over is treated alike, until a centre lies in no part or nothing is left.
    A gap in which no ball of radius 1e-7 fits is not seen.

    Examples
    --------
    >>> from pyomo_relu.preimage.polytope import polytope_of
    >>> none = np.zeros((0, 1)), np.zeros(0)
    >>> def interval(low, high):
    ...     return polytope_of(*none, np.array([[1.0], [-1.0]]), np.array([high, -low]))
    >>> is_convex([interval(0.0, 1.0), interval(1.0, 2.0)]), is_convex([interval(0.0, 1.0), interval(1.5, 2.0)])
    (True, False)
    """
    if len(parts) < 2:
        return True
    first = parts[0]
    if any(part.dimension != first.dimension or not _in_hull(part, first) for part in parts):
        return False
    own, stop = [_in_coordinates(part, first) for part in parts], time.perf_counter() + seconds
    try:
        return _covered(*_envelope(own, first, stop), own, stop)
    except _LateError:
        return None


def _in_hull(part: Polytope, first: Polytope) -> bool:
    missed = np.abs(first.equations @ part.interior - first.targets)
    turned = np.abs(first.equations @ part.basis)
    return bool((missed <= THIN).all() and (turned <= THIN).all())


def _in_coordinates(part: Polytope, first: Polytope) -> _Part:
    rows = part.sides @ first.basis
    lengths = np.linalg.norm(rows, axis=1)
    kept = lengths > RANK
    limits = (part.limits - part.sides @ first.base)[kept] / lengths[kept]
    return _Part(part, rows[kept] / lengths[kept, None], limits, first.basis.T @ (part.interior - first.base))


def _check_time(stop: float) -> None:
    if time.perf_counter() > stop:
        raise _LateError


def _envelope(parts: Sequence[_Part], first: Polytope, stop: float) -> tuple[FloatArray, FloatArray]:
    rows, limits = [np.zeros((0, first.dimension))], [np.zeros(0)]
    centres = np.array([part.inside for part in parts])
    for part in parts:
        _check_time(stop)
        for row, limit in zip(part.rows, part.limits, strict=True):
            # Most sides fail at some part's centre: no LP is needed for those.
            if (centres @ row <= limit + THIN).all() and all(
                other is part or _holds_on(other, first, row, limit) for other in parts
            ):
                rows.append(row[None, :])
                limits.append(np.array([limit]))
    return np.vstack(rows), np.concatenate(limits)


def _holds_on(part: _Part, first: Polytope, row: FloatArray, limit: float) -> bool:
    direction = first.basis @ row
    return part.polytope.maximum(direction) - float(direction @ first.base) <= limit + THIN


def _covered(rows: FloatArray, limits: FloatArray, parts: Sequence[_Part], stop: float) -> bool:
    """Whether ``rows y <= limits`` lies in the union of the parts, but for what is flat."""
    waiting = [(rows, limits)]
    while waiting:
        _check_time(stop)
        rows, limits = waiting.pop()
        ball = largest_ball(rows, limits)
        if ball is None or ball[1] <= THIN:
            continue
        part = next((part for part in parts if part.holds(ball[0])), None)
        if part is None:
            return False
        for row, limit in zip(part.rows, part.limits, strict=True):
            waiting.append((np.vstack([rows, -row]), np.append(limits, -limit)))
            rows, limits = np.vstack([rows, row]), np.append(limits, limit)
    return True
