"""Whether a union of polytopes is convex.

Its envelope is the polyhedron of those sides of the parts that hold for all of them. The union is
convex if and only if it is its envelope.

References
----------
Bemporad, Fukuda, Torrisi, "Convexity recognition of the union of polyhedra" (2001), theorem 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pyomo_relu.deadline import Deadline
from pyomo_relu.linear_program import LinearProgramError
from pyomo_relu.preimages.polytope import RANK, THIN, Polytope, largest_ball
from pyomo_relu.validation import FloatArray

STEPS = 20
"""Points on the way from one part to another, each half as far as the one before."""


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


def is_convex(
    parts: Sequence[Polytope],
    inside: Callable[[FloatArray], bool] | None = None,
    *,
    deadline: Deadline = Deadline(),  # noqa: B008 - frozen
) -> bool | None:
    """Decide whether a union of polytopes, none of them within another, is convex.

    Parameters
    ----------
    parts : sequence of Polytope
    inside : callable, optional
        Whether a point may lie in the union, for all that is known; where not given, whether a part contains it.
        False is the answer only where a point between two parts, or in the envelope, does not.
    deadline : Deadline
        After it the answer is None: not known. So it is where HiGHS says what its multipliers do not prove.

    Notes
    -----
    Parts of a convex union have one affine hull. In it the envelope is cut by the sides of a part that holds the
    centre of its largest ball; what is left over is treated alike, until a centre lies in no part or nothing is left.
    A gap in which no ball of radius 1e-7 fits is not seen.

    Examples
    --------
    >>> from pyomo_relu.preimages.polytope import polytope_of
    >>> none = np.zeros((0, 1)), np.zeros(0)
    >>> def interval(low, high):
    ...     return polytope_of(*none, np.array([[1.0], [-1.0]]), np.array([high, -low]))
    >>> is_convex([interval(0.0, 1.0), interval(1.0, 2.0)]), is_convex([interval(0.0, 1.0), interval(1.5, 2.0)])
    (True, False)
    """
    if len(parts) < 2:
        return True
    may_hold = inside or (lambda z: any(bool(part.contains(z)) for part in parts))
    first = max(parts, key=lambda part: part.dimension)
    for part in parts:
        if part.dimension != first.dimension or not _in_hull(part, first):
            return False if _leaves_between(part, first, may_hold) else None
    own = [_in_coordinates(part, first) for part in parts]
    try:
        gap = _gap(*_envelope(own, first, deadline), own, deadline)
    except (_LateError, LinearProgramError):
        return None
    if gap is None:
        return True
    return None if may_hold(first.base + first.basis @ gap) else False


def _leaves_between(part: Polytope, other: Polytope, may_hold: Callable[[FloatArray], bool]) -> bool:
    """Whether the way from a part to another, of a larger dimension or another hull, is seen to leave the union."""
    step = other.interior - part.interior
    return any(not may_hold(part.interior + 0.5**i * step) for i in range(1, STEPS))


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


def _check_time(deadline: Deadline) -> None:
    if deadline.expired:
        raise _LateError


def _envelope(parts: Sequence[_Part], first: Polytope, deadline: Deadline) -> tuple[FloatArray, FloatArray]:
    rows, limits = [np.zeros((0, first.dimension))], [np.zeros(0)]
    centres = np.array([part.inside for part in parts])
    for part in parts:
        _check_time(deadline)
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
    return part.polytope.ceiling(direction) - float(direction @ first.base) <= limit + THIN


def _gap(rows: FloatArray, limits: FloatArray, parts: Sequence[_Part], deadline: Deadline) -> FloatArray | None:
    """Return a point of ``rows y <= limits`` that lies in no part, or None where that is flat, if there are any."""
    waiting, reach = [(rows, limits)], max(part.polytope.reach for part in parts)
    while waiting:
        _check_time(deadline)
        rows, limits = waiting.pop()
        ball = largest_ball(rows, limits, reach)
        if ball is None or ball.most <= 2.0 * THIN:
            continue
        if ball.radius <= THIN:
            raise LinearProgramError("HiGHS calls flat what is not proved to be")
        part = next((part for part in parts if part.holds(ball.centre)), None)
        if part is None:
            return ball.centre
        for row, limit in zip(part.rows, part.limits, strict=True):
            waiting.append((np.vstack([rows, -row]), np.append(limits, -limit)))
            rows, limits = np.vstack([rows, row]), np.append(limits, limit)
    return None
