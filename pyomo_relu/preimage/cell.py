"""`Cell`: the part of a pre-image in which the network keeps its activation pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyomo_relu.balance import NEAR, row_scales
from pyomo_relu.inversion.activation import ActivationRegion, Pattern
from pyomo_relu.preimage.polytope import Polytope, polytope_of
from pyomo_relu.problem import Problem


@dataclass(frozen=True, eq=False, repr=False)
class Cell(Polytope):
    """A polytope of codes on which G is affine and meets the observation.

    Parameters
    ----------
    pattern : tuple of bool array
        Which pre-activations are positive or zero (the others are negative or zero), one array a layer.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> cell = pr.preimage(net, [2.0], tol=0.5).cells[0]
    >>> cell, cell.interior.tolist(), [on.tolist() for on in cell.pattern]
    (Cell(dimension 1 of 1, 5 sides), [2.0], [[True, False], [True]])
    """

    pattern: Pattern


def cell_of(problem: Problem, pattern: Pattern, tol: float) -> Cell | None:
    """Return the codes of the closed region of a pattern with ``|G(z)_j - x_j| <= tol``, or None where there are none.

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
    sides, limits = [region.sides], [region.limits]
    if problem.box is not None:
        axes = np.eye(problem.network.n_in)
        sides += [axes, -axes]
        limits += [problem.box.upper, -problem.box.lower]
    # Where no code moves an output, it is met up to a tolerance that is relative to its size.
    unit = row_scales(problem.network[-1], NEAR)
    matrix, centre, room = region.matrix / unit[:, None], (problem.x - region.offset) / unit, tol / unit
    equations, targets = matrix, centre
    if tol > 0.0:
        equations, targets = equations[:0], targets[:0]
        sides += [matrix, -matrix]
        limits += [centre + room, room - centre]
    found = polytope_of(equations, targets, np.vstack(sides), np.concatenate(limits))
    return None if found is None else Cell(**vars(found), pattern=pattern)
