"""Polish: the best code of an activation cell, then across the faces that hold it back."""

from __future__ import annotations

import math

import numpy as np

from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.enclosure import is_within
from pyomo_relu.inversion.cell import cell_optimum, pattern_of
from pyomo_relu.inversion.pattern import ActivationRegion, Pattern, map_flops
from pyomo_relu.norms import Norm, NormName, SmoothNorm, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.rank import svd_flops
from pyomo_relu.tube import NO_TUBE, Tube
from pyomo_relu.validation import FloatArray


def polish(
    problem: Problem,
    z: FloatArray,
    norm: Norm | NormName,
    *,
    tube: Tube = NO_TUBE,
    lps: int = 40,
    enough: float = 0.0,
    deadline: Deadline = NO_LIMIT,
) -> FloatArray:
    """Return a code at least as near as `z`; from outside the tube one inside it, where one is found.

    Parameters
    ----------
    problem : Problem
    z : array, shape (k,)
    norm : Norm, or its name
    tube : Tube
        The most that single outputs may miss the observation by.
    lps : int
        Most cells (smooth norms without a tube: least-squares solves) to spend.
    enough : float
        A residual that need not be beaten.
    deadline : Deadline
        No cell is begun after it, and none that would not end before it.

    Examples
    --------
    >>> from pyomo_relu.network import Network
    >>> problem = Problem.of(Network.from_arrays([[[1.0], [2.0]]]), [1.0, 2.5])
    >>> polish(problem, np.array([0.5]), "inf").round(6).tolist()
    [1.166667]
    """
    norm = as_norm(norm)
    if isinstance(norm, SmoothNorm) and tube.is_everything:
        return _gauss_newton(problem.scaled, z, norm, lps, deadline)

    def residual(code: FloatArray) -> float:
        return problem.residual(code, norm) if is_within(problem, code, tube) else math.inf

    best, value = z, residual(z)
    queue = [pattern_of(problem, z)]
    while queue and lps > 0 and value > enough and not deadline.expired:
        pattern = queue.pop(0)
        found = cell_optimum(problem.scaled, pattern, norm, tube, deadline)
        lps -= 1
        if found is None:
            continue
        reached = residual(found.code)
        if reached < value - 1e-12 * problem.scale or best is z:
            if reached < value:
                best, value = found.code, reached
            queue = [_flipped(pattern, face) for face in found.blocking]
    return best


def met(problem: Problem, z: FloatArray) -> FloatArray:
    """Return the code next to `z` that meets the outputs of infinite weight, in the cell of `z` and up to rounding."""
    if problem.hard is None:
        return z
    where = ActivationRegion.of(problem.network, pattern_of(problem, z))
    missed = (problem.x - where.matrix @ z - where.offset)[problem.hard]
    return problem.box.clip(z + np.linalg.lstsq(where.matrix[problem.hard], missed, rcond=None)[0])


def _flipped(pattern: Pattern, face: tuple[int, int]) -> Pattern:
    changed = pattern[face[0]].copy()
    changed[face[1]] = not changed[face[1]]
    return (*pattern[: face[0]], changed, *pattern[face[0] + 1 :])


def _gauss_newton(problem: Problem, z: FloatArray, norm: SmoothNorm, steps: int, deadline: Deadline) -> FloatArray:
    """Go to the least-squares point of the current cell's affine map, as far as that helps."""
    value = problem.residual(z, norm)
    flops = map_flops(problem.network) + svd_flops(problem.x.size, problem.network.n_in)
    for _ in range(steps):
        if not deadline.affords(flops):
            break
        matrix = np.eye(problem.network.n_in)
        for layer, on in zip(problem.network, pattern_of(problem, z), strict=True):
            matrix = layer.activation.gain(on)[:, None] * (layer.weight @ matrix)
        missed = problem.x - problem.network(z)
        factors = np.sqrt(norm.weights(np.abs(missed)))
        step = np.linalg.lstsq(factors[:, None] * matrix, factors * missed, rcond=None)[0]
        for length in (1.0, 0.5, 0.25, 0.1):
            candidate = problem.box.clip(z + length * step)
            reached = problem.residual(candidate, norm)
            if reached < value - 1e-12 * problem.scale:
                z, value = candidate, reached
                break
        else:
            return z
    return z
