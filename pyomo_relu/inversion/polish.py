"""Polish: the best code of an activation cell by an LP, then across the faces that hold it back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from pyomo_relu.box import Box
from pyomo_relu.norms import Norm
from pyomo_relu.problem import Problem
from pyomo_relu.validation import FloatArray

Pattern = tuple[NDArray[np.bool_], ...]


@dataclass(frozen=True)
class CellOptimum:
    """The best code of a cell, and the neurons whose faces hold it back, the strongest first."""

    code: FloatArray
    blocking: tuple[tuple[int, int], ...]


def pattern_of(problem: Problem, z: FloatArray) -> Pattern:
    """Return which pre-activations are positive at `z`, one array a layer."""
    return tuple(t > 0.0 for t in problem.network.pre_activations(z))


def polish(problem: Problem, z: FloatArray, norm: Norm, *, lps: int = 40, enough: float = 0.0) -> FloatArray:
    """Return a code at least as near as `z`.

    Parameters
    ----------
    problem : Problem
    z : array, shape (k,)
    norm : "inf", 1 or 2
    lps : int
        Most LPs (p = 2: least-squares solves) to spend.
    enough : float
        A residual that need not be beaten.
    """
    if norm == 2:
        return _gauss_newton(problem, z, lps)
    best, value = z, problem.residual(z, norm)
    pattern = pattern_of(problem, z)
    queue: list[Pattern] = [pattern]
    while queue and lps > 0 and value > enough:
        pattern = queue.pop(0)
        found = cell_optimum(problem, pattern, norm)
        lps -= 1
        if found is None:
            continue
        reached = problem.residual(found.code, norm)
        if reached < value - 1e-12 * problem.scale or best is z:
            if reached < value:
                best, value = found.code, reached
            queue = [_flipped(pattern, face) for face in found.blocking]
    return best


def cell_optimum(problem: Problem, pattern: Pattern, norm: Norm) -> CellOptimum | None:
    """Solve ``min ||A G(z) - x||`` over the closure of one cell, p = inf or 1; None where it is empty."""
    network, k = problem.network, problem.network.n_in
    matrix, offset = np.eye(k), np.zeros(k)
    rows, right, faces = [], [], []
    for i, (layer, on) in enumerate(zip(network, pattern, strict=True)):
        matrix, offset = layer.weight @ matrix, layer.weight @ offset + layer.bias
        if layer.slope < 1.0:
            sign = np.where(on, -1.0, 1.0)
            rows.append(sign[:, None] * matrix)
            right.append(-sign * offset)
            faces += [(i, j) for j in range(layer.n_out)]
        gain = np.where(on, 1.0, layer.slope)
        matrix, offset = gain[:, None] * matrix, gain * offset
    live = np.abs(matrix).max(axis=1) > 0.0
    target = (problem.x - offset)[live]
    slack = np.ones((live.sum(), 1)) if norm == "inf" else np.eye(live.sum())
    fixed = np.abs(problem.x - offset)[~live]
    least = float(fixed.max()) if norm == "inf" and fixed.size else 0.0
    sides = np.vstack(rows) if rows else np.zeros((0, k))
    box = Box.everything(k) if problem.box is None else problem.box
    found = linprog(
        np.concatenate([np.zeros(k), np.ones(slack.shape[1])]),
        A_ub=np.block(
            [[sides, np.zeros((len(sides), slack.shape[1]))], [matrix[live], -slack], [-matrix[live], -slack]]
        ),
        b_ub=np.concatenate([*right, target, -target]),
        bounds=[*zip(box.lower, box.upper, strict=True), *[(least, None)] * slack.shape[1]],
        method="highs-ds",
    )
    if found.status != 0:
        return None
    force = np.abs(found.ineqlin.marginals[: len(sides)])
    order = [int(j) for j in np.argsort(-force) if force[j] > 1e-9]
    return CellOptimum(box.clip(np.asarray(found.x[:k])), tuple(faces[j] for j in order))


def _flipped(pattern: Pattern, face: tuple[int, int]) -> Pattern:
    changed = pattern[face[0]].copy()
    changed[face[1]] = not changed[face[1]]
    return (*pattern[: face[0]], changed, *pattern[face[0] + 1 :])


def _gauss_newton(problem: Problem, z: FloatArray, steps: int) -> FloatArray:
    """Go to the least-squares point of the current cell's affine map, as far as that helps."""
    value = problem.residual(z, 2)
    for _ in range(steps):
        matrix = np.eye(problem.network.n_in)
        for layer, on in zip(problem.network, pattern_of(problem, z), strict=True):
            matrix = np.where(on, 1.0, layer.slope)[:, None] * (layer.weight @ matrix)
        step = np.linalg.lstsq(matrix, problem.x - problem.network(z), rcond=None)[0]
        for length in (1.0, 0.5, 0.25, 0.1):
            candidate = z + length * step if problem.box is None else problem.box.clip(z + length * step)
            reached = problem.residual(candidate, 2)
            if reached < value - 1e-12 * problem.scale:
                z, value = candidate, reached
                break
        else:
            return z
    return z
