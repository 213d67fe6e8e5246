"""`Cell`: the part of a pre-image in which the network keeps its activation pattern."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pyomo_relu.inversion.pattern import ActivationRegion, Pattern
from pyomo_relu.linear_program import FARTHEST, FEASIBLE, LinearProgram
from pyomo_relu.preimages.polytope import Polytope, polytope_of
from pyomo_relu.problem import Problem
from pyomo_relu.rounding import gamma
from pyomo_relu.scaling import NEAR, row_scales
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class Cell(Polytope):
    """A polytope of codes on which G is affine and meets the observation.

    Parameters
    ----------
    pattern : tuple of bool array
        Which pre-activations are positive or zero (the others are negative or zero), one array a layer.
    blur : float
        How far rounding may have moved its rows: where the code moves a pre-activation by next to nothing, what
        rounding does to that moves the code.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> cell = pr.preimage(net, [2.0], tol=0.5).cells[0]
    >>> cell, cell.interior.tolist(), [on.tolist() for on in cell.pattern]
    (Cell(dimension 1 of 1, 5 sides), [2.0], [[True, False], [True]])
    """

    pattern: Pattern = field(kw_only=True)
    blur: float = field(default=0.0, kw_only=True)


def cell_of(problem: Problem, pattern: Pattern, tol: float) -> Cell | None:
    """Return the codes of a pattern's closed region with ``|G(z)_j - x_j| <= tol``, or None where floats show none.

    Parameters
    ----------
    problem : Problem
    pattern : tuple of bool array, one a layer
    tol : float
        Infinite for the whole region.

    Examples
    --------
    >>> from pyomo_relu import Network
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> cell = cell_of(Problem.of(net, [2.0]), tuple(t > 0.0 for t in net.pre_activations([-3.0])), 0.0)
    >>> cell.dimension, cell.interior.tolist()
    (0, [-2.0])
    """
    region = ActivationRegion.of(problem.network, pattern)
    found = polytope_of(*_rows_of(problem, region, tol), _reach(problem))
    if found is None:
        return None
    return Cell(**vars(found), pattern=pattern, blur=_blur(problem, region, found))


def is_small(problem: Problem, cell: Cell, tol: float, most: float) -> bool:
    """Whether it is proved that no entry differs by more than `most` between two codes of a cell.

    Codes count that miss the cell's rows, of length 1, by up to the tolerance of LPs: a row that is nearly redundant
    may leave much of such a cell where it leaves a point without.

    Raises
    ------
    LinearProgramError
        If HiGHS fails.
    """
    region = ActivationRegion.of(problem.network, cell.pattern)
    equations, targets, sides, limits = _rows_of(problem, region, tol)
    matrix, upper = np.vstack([sides, equations]), np.concatenate([limits, targets])
    lower = np.concatenate([np.full(len(sides), -np.inf), targets])
    lengths = np.linalg.norm(matrix, axis=1)
    kept = (lengths > 0.0) & (np.isfinite(upper))
    matrix, lengths = matrix[kept] / lengths[kept, None], lengths[kept]
    # About the cell's own point, so that rounding is small.
    at = matrix @ cell.interior
    lower = np.minimum(lower[kept] / lengths - at, 0.0) - FEASIBLE
    upper = np.maximum(upper[kept] / lengths - at, 0.0) + FEASIBLE
    far = np.full(len(cell.interior), np.inf)
    program = LinearProgram(matrix, lower, upper, -far, far)
    reach = np.full(len(far), cell.reach + float(np.linalg.norm(cell.interior)))
    for axis in np.eye(len(far)):
        width = 0.0
        for direction in (axis, -axis):
            program.maximum(direction)
            width += program.ceiling(direction, columns=(-reach, reach))
        if width > most:
            return False
    return True


def _blur(problem: Problem, region: ActivationRegion, found: Polytope) -> float:
    """Return how far rounding may move those rows of a cell, of length 1, that come near it."""
    network = problem.network
    h, off, errors = np.abs(found.interior), np.zeros(network.n_in), []
    for layer in network:
        weight = np.abs(layer.weight)
        size = weight @ h + np.abs(layer.bias)
        off, h = (1.0 + gamma(layer.n_in)) * (weight @ off) + gamma(layer.n_in) * size, size
        errors.append(off[layer.activation.bends])
    lengths = np.linalg.norm(region.sides, axis=1)
    gaps = np.abs(region.limits - region.sides @ found.interior)
    far = found.reach + float(np.linalg.norm(found.interior))
    error, length = np.concatenate([*errors, off]), np.append(lengths, np.linalg.norm(region.matrix, axis=1))
    gap = np.append(gaps, np.zeros(network.n_out))
    near = (length > 0.0) & (gap <= far * length + error)
    return float((error[near] / length[near]).max(initial=0.0))


def _rows_of(
    problem: Problem, region: ActivationRegion, tol: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return equations, targets, sides and limits of a cell."""
    sides, limits = [region.sides], [region.limits]
    for sign, ends in ((1.0, problem.box.upper), (-1.0, problem.box.lower)):
        bounded = np.isfinite(ends)
        sides.append(sign * np.eye(ends.size)[bounded])
        limits.append(sign * ends[bounded])
    # Where no code moves an output, it is met up to a tolerance that is relative to its size.
    unit = row_scales(problem.network[-1], NEAR)
    matrix, centre, room = region.matrix / unit[:, None], (problem.x - region.offset) / unit, tol / unit
    equations, targets = matrix, centre
    if tol > 0.0:
        equations, targets = equations[:0], targets[:0]
        sides += [matrix, -matrix]
        limits += [centre + room, room - centre]
    return equations, targets, np.vstack(sides), np.concatenate(limits)


def _reach(problem: Problem) -> float:
    """Return the largest length of a code in the box."""
    return min(FARTHEST, float(np.linalg.norm(np.maximum(np.abs(problem.box.lower), np.abs(problem.box.upper)))))
