"""`Polytope`: a polyhedron by its sides, which knows its dimension and a point inside."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.linear_program import FARTHEST, LinearProgram, LinearProgramError
from pyomo_relu.validation import FloatArray

THIN = 1e-7
"""A set whose inscribed ball has a smaller radius is flat: nothing thinner is told apart."""

APART = 1e-5
"""Sets that meet nowhere up to this are apart; between `THIN` and it is not told whether they meet."""

RANK = 1e-9
"""Singular values, and directions within a hull, that are smaller than this, relative to the largest, count as none."""


@dataclass(frozen=True, eq=False, repr=False)
class Polytope:
    """A polyhedron that is not empty, bounded or not.

    ::

        {z : equations z = targets, sides z <= limits}  =  {base + basis y : ...},   rows of length 1

    Parameters
    ----------
    equations, targets : array, shapes (e, k) and (e,)
        Those that are given, and the sides that turned out to be tight everywhere.
    sides, limits : array, shapes (m, k) and (m,)
        The other sides; some may be redundant.
    base : array, shape (k,)
    basis : array, shape (k, dimension)
        Orthonormal; with `base` the affine hull.
    interior : array, shape (k,)
        A point of the relative interior: the centre of a largest ball, of radius 1 at most.
    reach : float
        How far its points may be from `base`, where that is known: what is proved is proved for those.

    Examples
    --------
    >>> sides, limits = np.vstack([np.eye(2), -np.eye(2)]), np.array([1.0, 1.0, 0.0, 0.0])
    >>> square = polytope_of(np.zeros((0, 2)), np.zeros(0), sides, limits)
    >>> square.dimension, square.interior.tolist(), square.volume(), square.box.upper.tolist()
    (2, [0.5, 0.5], 1.0, [1.0, 1.0])
    """

    equations: FloatArray
    targets: FloatArray
    sides: FloatArray
    limits: FloatArray
    base: FloatArray
    basis: FloatArray
    interior: FloatArray
    reach: float = FARTHEST

    def __repr__(self) -> str:
        return f"{type(self).__name__}(dimension {self.dimension} of {len(self.base)}, {len(self.limits)} sides)"

    @property
    def dimension(self) -> int:
        """Dimension of the affine hull."""
        return int(self.basis.shape[1])

    @cached_property
    def _program(self) -> LinearProgram:
        far, rows = np.full(self.dimension, np.inf), self.sides @ self.basis
        # The point inside may miss a row by the tolerance; an LP without it is of no use.
        limits = np.maximum(self.limits - self.sides @ self.base, rows @ self._inside)
        return LinearProgram(rows, np.full(len(rows), -np.inf), limits, -far, far)

    def maximum(self, direction: FloatArray) -> float:
        """Return the largest ``direction . z``, ``inf`` where there is none; `direction` has shape (k,).

        Raises
        ------
        LinearProgramError
            If HiGHS cannot tell, or calls empty what is not.

        Examples
        --------
        >>> square = polytope_of(np.zeros((0, 2)), np.zeros(0), np.vstack([np.eye(2), -np.eye(2)]), np.ones(4))
        >>> square.maximum(np.array([1.0, 2.0]))
        3.0
        """
        return self._range(direction)[0]

    def ceiling(self, direction: FloatArray) -> float:
        """Return a number that ``direction . z`` does not exceed, proved by an LP's multipliers; ``inf`` where none is.

        Raises
        ------
        LinearProgramError
            As :meth:`maximum`.
        """
        return self._range(direction)[1]

    def _range(self, direction: FloatArray) -> tuple[float, float]:
        """Return the maximum, and what it is proved not to exceed."""
        cost = self.basis.T @ direction
        if np.linalg.norm(cost) <= RANK * np.linalg.norm(direction):
            value = float(direction @ self.interior)
            return value, value
        base, value = float(direction @ self.base), self._program.maximum(cost)[0]
        if value == -np.inf:
            raise LinearProgramError("HiGHS calls a cell infeasible of which a point is known")
        far = np.full(self.dimension, self.reach)
        return base + value, base + self._program.ceiling(cost, columns=(-far, far))

    @cached_property
    def box(self) -> Box:
        """The smallest box around it; infinite where it is not bounded."""
        axes = np.eye(len(self.base))
        upper = np.array([self.maximum(axis) for axis in axes])
        lower = np.array([-self.maximum(-axis) for axis in axes])
        return Box(np.minimum(lower, upper), upper)

    @property
    def is_bounded(self) -> bool:
        """Whether it is bounded."""
        return self.box.is_bounded

    def contains(self, z: FloatArray, tol: float = THIN) -> Any:
        """Whether codes satisfy every row up to `tol`.

        Parameters
        ----------
        z : array, shape (k,) or (N, k)
        tol : float

        Returns
        -------
        bool, or array of bool, shape (N,)
        """
        sides = (z @ self.sides.T <= self.limits + tol).all(axis=-1)
        return sides & (np.abs(z @ self.equations.T - self.targets) <= tol).all(axis=-1)

    def includes(self, other: Polytope) -> bool:
        """Whether all of `other`, another polytope of k axes, satisfies every row: proved, up to the tolerance."""
        if not self.contains(other.interior):
            return False
        rows = [(row, limit) for row, limit in zip(self.sides, self.limits, strict=True)]
        for row, target in zip(self.equations, self.targets, strict=True):
            rows += [(row, target), (-row, -target)]
        return all(other.ceiling(row) <= limit + THIN for row, limit in rows)

    def meeting(self, other: Polytope) -> FloatArray | None:
        """Return a point of both, up to `THIN`, or None where every code is proved to miss a row by half of `APART`.

        Raises
        ------
        LinearProgramError
            If that cannot be told.
        """
        k = len(self.base)
        equations = np.vstack([self.equations, other.equations])
        targets = np.concatenate([self.targets, other.targets])
        rows = np.vstack([self.sides, other.sides, equations, -equations])
        limits = np.concatenate([self.limits, other.limits, targets, -targets])
        matrix = np.column_stack([rows, np.full(len(rows), -1.0)])
        free = np.full(k, np.inf)
        # The violation has a floor: a point well inside both is as good as any.
        program = LinearProgram(
            matrix, np.full(len(rows), -np.inf), limits, np.append(-free, -1.0), np.append(free, np.inf)
        )
        cost = np.append(np.zeros(k), -1.0)
        value, point = program.maximum(cost)
        if point is not None and -value <= THIN:
            return point[:k]
        far = np.maximum(np.abs(self.base), np.abs(other.base)) + max(self.reach, other.reach)
        # Of violations, those of up to 1 are in question.
        most = program.ceiling(cost, columns=(np.append(-far, -1.0), np.append(far, 1.0)))
        if -value <= APART or most > -APART / 2.0:
            raise LinearProgramError("two cells are too near to each other to be told apart")
        return None

    @cached_property
    def vertices(self) -> FloatArray:
        """Corners, shape (m, k), in order around it where it is a polygon; only where it is bounded."""
        if self.dimension == 0:
            return self.interior[None, :]
        if self.dimension == 1:
            axis = self.basis[:, 0]
            ends = np.array([-self.maximum(-axis), self.maximum(axis)]) - axis @ self.base
            return np.asarray(self.base + ends[:, None] * axis)
        from scipy.spatial import ConvexHull, HalfspaceIntersection

        corners = HalfspaceIntersection(self._halfspaces, self._inside).intersections
        hull = ConvexHull(corners)
        return np.asarray(self.base + corners[hull.vertices] @ self.basis.T)

    def volume(self) -> float:
        """Return the volume in its own dimension: a length, an area, ...; 1 for a point, ``inf`` where not bounded.

        By Qhull; the number of corners grows like ``m ** (dimension / 2)``.
        """
        if not self.is_bounded:
            return math.inf
        if self.dimension == 0:
            return 1.0
        if self.dimension == 1:
            return float(np.linalg.norm(np.diff(self.vertices, axis=0)))
        from scipy.spatial import ConvexHull

        return float(ConvexHull((self.vertices - self.base) @ self.basis).volume)

    @property
    def _inside(self) -> FloatArray:
        return np.asarray(self.basis.T @ (self.interior - self.base))

    @property
    def _halfspaces(self) -> FloatArray:
        rows = self.sides @ self.basis
        length = np.linalg.norm(rows, axis=1)
        kept = length > RANK
        shift = (self.sides @ self.base - self.limits)[kept]
        return np.asarray(np.column_stack([rows[kept], shift]) / length[kept, None])


def polytope_of(
    equations: FloatArray, targets: FloatArray, sides: FloatArray, limits: FloatArray, reach: float = FARTHEST
) -> Polytope | None:
    """Return ``{z : equations z = targets, sides z <= limits}``, or None where floats show no point of it.

    Parameters
    ----------
    equations, targets : array, shapes (e, k) and (e,)
    sides, limits : array, shapes (m, k) and (m,)
        Infinite limits are dropped. Rows that are not zero are scaled to length 1, however short they are.
    reach : float
        The largest length of a point that is of interest.

    Notes
    -----
    The centre of a largest ball is sought in the affine hull of the equations. Where its radius is zero, the rows
    with positive multipliers are tight everywhere (complementary slackness), become equations, and it is
    sought again: each round lowers the dimension. That there is no point is HiGHS's word, and rounding's.
    """
    finite = np.isfinite(limits)
    equal, less = _normalised(equations, targets, True), _normalised(sides[finite], limits[finite], False)
    if equal is None or less is None:
        return None
    (equations, targets), (sides, limits) = equal, less
    while True:
        hull = _affine_hull(equations, targets)
        if hull is None:
            return None
        base, basis = hull
        ball = largest_ball(sides @ basis, limits - sides @ base)
        if ball is None or ball.radius < -THIN:
            return None
        if ball.radius > THIN or not ball.tight.any():
            interior = np.asarray(base + basis @ ball.centre)
            far = min(reach + float(np.linalg.norm(base)), FARTHEST)
            return Polytope(equations, targets, sides, limits, base, basis, interior, far)
        equations = np.vstack([equations, sides[ball.tight]])
        targets = np.concatenate([targets, limits[ball.tight]])
        sides, limits = sides[~ball.tight], limits[~ball.tight]


@dataclass(frozen=True, eq=False)
class InscribedBall:
    """A largest ball in a polyhedron.

    Parameters
    ----------
    centre : array, shape (n,)
    radius : float
        At most 1. Below zero where there is no point: the centre misses rows by no more than that.
    tight : bool array, shape (m,)
        The rows that hold it.
    most : float
        What the radius is proved not to exceed, where that was asked for; else infinite.
    """

    centre: FloatArray
    radius: float
    tight: Any
    most: float


def largest_ball(rows: FloatArray, limits: FloatArray, reach: float | None = None) -> InscribedBall | None:
    """Return a largest ball in ``rows y <= limits``; None where a row that is zero is violated.

    Rows are those of a polytope, of length 1, in the coordinates of a hull, and some may be zero there. `reach` is how
    large entries of y may be for which the radius is to be proved.

    Raises
    ------
    LinearProgramError
        If HiGHS cannot tell.
    """
    lengths = np.linalg.norm(rows, axis=1)
    flat = lengths <= RANK
    if (limits[flat] < -THIN).any():
        return None
    tight = np.zeros(len(rows), dtype=bool)
    n = rows.shape[1]
    if n == 0 or flat.all():
        return InscribedBall(np.zeros(n), 1.0, tight, 1.0)
    # Scaled by their length within the hull, so that nearly parallel rows are judged by distance there.
    matrix = np.column_stack([rows[~flat], lengths[~flat]]) / lengths[~flat, None]
    limit = limits[~flat] / lengths[~flat]
    free, cost = np.full(n, np.inf), np.append(np.zeros(n), 1.0)
    # However empty it is, there is a radius: nothing rests on HiGHS calling a program infeasible.
    lower, upper = np.full(n + 1, -np.inf), np.append(free, 1.0)
    program = LinearProgram(matrix, np.full(len(matrix), -np.inf), limit, lower, upper)
    value, point = program.maximum(cost)
    if point is None:
        raise LinearProgramError("HiGHS finds no centre of a ball, and there is always one")
    tight[np.flatnonzero(~flat)[np.abs(program.row_duals) > 1e-6]] = True
    most = np.inf
    if reach is not None:
        far = np.full(n, reach)
        most = program.ceiling(cost, columns=(np.append(-far, -1.0), np.append(far, 1.0)))
    return InscribedBall(point[:n], value, tight, most)


def _normalised(rows: FloatArray, limits: FloatArray, equal: bool) -> tuple[FloatArray, FloatArray] | None:
    """Scale rows to length 1 and drop those that are zero; None where a zero row cannot hold."""
    lengths = np.linalg.norm(rows, axis=1)
    zero = lengths == 0.0
    missed = np.abs(limits[zero]) if equal else -limits[zero]
    if (missed > THIN).any():
        return None
    return rows[~zero] / lengths[~zero, None], limits[~zero] / lengths[~zero]


def _affine_hull(equations: FloatArray, targets: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Return a point and an orthonormal basis of the solutions of equations, or None where there are none."""
    k = equations.shape[1]
    if not len(equations):
        return np.zeros(k), np.eye(k)
    left, values, right = np.linalg.svd(equations)
    rank = int((values > RANK * values[0]).sum())
    base = right[:rank].T @ ((left[:, :rank].T @ targets) / values[:rank])
    if (np.abs(equations @ base - targets) > THIN).any():
        return None
    return base, right[rank:].T
