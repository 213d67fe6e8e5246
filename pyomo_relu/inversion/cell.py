"""The best code of one activation cell, in which the network is affine: by an LP, or by least squares with sides."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog, nnls

from pyomo_relu.box import Box
from pyomo_relu.deadline import FLOPS_A_SECOND, NO_LIMIT, Deadline
from pyomo_relu.inversion.pattern import ActivationRegion, Pattern, map_flops
from pyomo_relu.norms import Norm, NormName, SmoothNorm, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.rank import svd_flops
from pyomo_relu.tube import NO_TUBE, Tube
from pyomo_relu.validation import FloatArray

INSIDE_TUBE = 1e-7
"""Relative margin to the tube, so that a rounded code lies in it."""

INSIDE_HELD = 1e-2
"""The same where outputs are met, whose limit is nearer to the rounding."""

PRESSING = 1e-9
"""A face whose multiplier is smaller does not hold the code back."""

DAMPING = 1e-6
"""Relative weight of the code itself in least squares, where the cell's map does not determine it."""

NO_ROW = 1e-100
"""A side that is shorter than this, beside its room, is no row of the code."""


@dataclass(frozen=True, eq=False)
class CellOptimum:
    """The best code of a cell, and the neurons whose faces hold it back, the strongest first."""

    code: FloatArray
    blocking: tuple[tuple[int, int], ...]


def pattern_of(problem: Problem, z: FloatArray) -> Pattern:
    """Return which pre-activations are positive at a code, one array a layer.

    Parameters
    ----------
    problem : Problem
    z : array, shape (k,)

    Examples
    --------
    >>> from pyomo_relu.network import Network
    >>> pattern_of(Problem.of(Network.from_arrays([[[1.0], [-1.0]]]), [1.0, 0.0]), np.array([2.0]))[0].tolist()
    [True, False]
    """
    return tuple(t > 0.0 for t in problem.network.pre_activations(z))


def cell_optimum(
    problem: Problem, pattern: Pattern, norm: Norm | NormName, tube: Tube = NO_TUBE, deadline: Deadline = NO_LIMIT
) -> CellOptimum | None:
    """Solve ``min ||A G(z) - x||_p`` over the closure of one cell, and the tube; None where none is found.

    Parameters
    ----------
    problem : Problem
    pattern : tuple of bool arrays
        One a layer.
    norm : Norm, or its name
    tube : Tube
        The most that single outputs may miss the observation by, and which of them count.
    deadline : Deadline
        Nothing is begun that would not end before it.
    """
    if not deadline.affords(map_flops(problem.network)):
        return None
    norm, cell = as_norm(norm), _Cell.of(problem, pattern, tube.share(1.0 - INSIDE_TUBE, 1.0 - INSIDE_HELD))
    if cell is None:
        return None
    solved = _by_least_squares(cell, norm, deadline) if isinstance(norm, SmoothNorm) else _by_lp(cell, norm, deadline)
    if solved is None:
        return None
    code, force = solved
    order = [int(j) for j in np.argsort(-force) if force[j] > PRESSING]
    return CellOptimum(cell.box.clip(code), tuple(cell.faces[j] for j in order))


@dataclass(frozen=True, eq=False)
class _Cell:
    """``{z in box : sides z <= right}``, on which the outputs that move miss their targets by ``matrix z - target``.

    What the others miss theirs by is at most `least`. No output that counts is to miss its target by more than `most`.
    The first rows of the sides are those of the faces.
    """

    box: Box
    sides: FloatArray
    right: FloatArray
    faces: list[tuple[int, int]]
    matrix: FloatArray
    target: FloatArray
    least: float
    most: float

    @classmethod
    def of(cls, problem: Problem, pattern: Pattern, tube: Tube) -> _Cell | None:
        """Return the cell of a pattern; None where an output that does not move is not in the tube."""
        network, region = problem.network, ActivationRegion.of(problem.network, pattern)
        faces = [(i, j) for i, layer in enumerate(network) for j in np.flatnonzero(layer.activation.bends).tolist()]
        moves = region.matrix.any(axis=1)
        missed = problem.x - region.offset
        if (np.abs(missed) > tube.limits)[~moves].any():
            return None
        used, held = moves & tube.counts, moves & np.logical_not(tube.counts)
        least = float(np.abs(missed[~moves & tube.counts]).max(initial=0.0))
        # Outputs that must be met are sides of the cell.
        rows, target = region.matrix[held], missed[held]
        sides = np.vstack([region.sides, rows, -rows])
        right = np.concatenate([region.limits, target + tube.held, tube.held - target])
        return cls(problem.box, sides, right, faces, region.matrix[used], missed[used], least, tube.most)


def _by_lp(cell: _Cell, norm: Norm, deadline: Deadline) -> tuple[FloatArray, FloatArray] | None:
    """Return the code and the faces' multipliers for p = inf or 1."""
    n, k = cell.matrix.shape
    slack, least = (np.ones((n, 1)), cell.least) if norm.shared else (np.eye(n), 0.0)
    beside = np.zeros((len(cell.sides), slack.shape[1]))
    found = linprog(
        np.concatenate([np.zeros(k), np.ones(slack.shape[1])]),
        A_ub=np.block([[cell.sides, beside], [cell.matrix, -slack], [-cell.matrix, -slack]]),
        b_ub=np.concatenate([cell.right, cell.target, -cell.target]),
        bounds=[*zip(cell.box.lower, cell.box.upper, strict=True), *[(least, cell.most)] * slack.shape[1]],
        method="highs-ds",
        options={} if math.isinf(deadline.left) else {"time_limit": deadline.left},
    )
    if found.status != 0:
        return None
    return np.asarray(found.x[:k]), np.abs(found.ineqlin.marginals[: len(cell.faces)])


def _by_least_squares(cell: _Cell, norm: SmoothNorm, deadline: Deadline) -> tuple[FloatArray, FloatArray] | None:
    """Return the code and the faces' multipliers for a smooth norm: its weighted squares lie above it, and touch it."""
    solved = _least_squares(cell, np.ones(len(cell.matrix)), deadline)
    for _ in range(norm.refits):
        if solved is None or deadline.expired:
            break
        weights = norm.weights(np.abs(cell.matrix @ solved[0] - cell.target))
        solved = _least_squares(cell, np.sqrt(weights), deadline) or solved
    return solved


def _least_squares(cell: _Cell, factors: FloatArray, deadline: Deadline) -> tuple[FloatArray, FloatArray] | None:
    """Return the code and the faces' multipliers of least squares of rows times their factors.

    It is least-distance programming.

    References
    ----------
    Lawson, Hanson, Solving Least Squares Problems (1974), chapter 23: with ``matrix = Q R`` and w = R (z - z0), z0
    the least-squares point, it is ``min ||w||`` over the sides, and that is a non-negative least-squares problem.
    """
    k = cell.box.size
    if not deadline.affords(svd_flops(len(cell.matrix) + k, k)):
        return None
    damping = DAMPING * max(1.0, float(np.abs(cell.matrix).max(initial=0.0))) * np.eye(k)
    q, r = np.linalg.qr(np.vstack([factors[:, None] * cell.matrix, damping]))
    centre = np.linalg.solve(r, q.T @ np.concatenate([factors * cell.target, np.zeros(k)]))
    rows, right = [cell.sides], [cell.right]
    if math.isfinite(cell.most):
        rows += [cell.matrix, -cell.matrix]
        right += [cell.target + cell.most, cell.most - cell.target]
    for sign, bound in ((1.0, cell.box.upper), (-1.0, -cell.box.lower)):
        bounded = np.isfinite(bound)
        rows.append(sign * np.eye(k)[bounded])
        right.append(bound[bounded])
    sides = np.linalg.solve(r.T, np.vstack(rows).T)
    room = np.concatenate(right) - np.vstack(rows) @ centre
    # A side that no code moves holds everywhere or nowhere, and its room is not to overflow.
    scale = np.maximum(np.linalg.norm(sides, axis=0), np.maximum(np.finfo(float).tiny, NO_ROW * np.abs(room)))
    goal = np.zeros(k + 1)
    goal[-1] = 1.0
    system = np.vstack([-sides / scale, -room / scale])
    if not np.isfinite(system).all():
        return None
    # An active-set method: it moves some columns in and out, and nothing but a count can stop it.
    most = min(float(3 * system.shape[1]), deadline.left * FLOPS_A_SECOND / (4.0 * system.size))
    try:
        force = nnls(system, goal, maxiter=max(1, int(most)))[0]
    except RuntimeError:  # it did not converge
        return None
    left = goal - system @ force
    if left[-1] <= np.finfo(float).eps:
        return None
    w = -left[:k] / left[-1]
    return centre + np.linalg.solve(r, w), (force / scale)[: len(cell.faces)]
