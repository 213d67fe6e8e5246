"""Whether a leaf of the search holds a code, in fractions, where floats could not tell."""

from __future__ import annotations

from fractions import Fraction

from pyomo_relu.certified.rational_checks import cell_system
from pyomo_relu.certified.rational_system import decide
from pyomo_relu.preimages.pattern_search import Leaf
from pyomo_relu.problem import Problem
from pyomo_relu.validation import FloatArray


def holds_no_code(problem: Problem, leaf: Leaf, tol: float, room: FloatArray) -> bool:
    """Whether no code of a leaf, each pre-activation up to its slack, has ``|G(z)_j - x_j| <= tol + room_j``.

    Parameters
    ----------
    problem : Problem
        That was searched.
    leaf : Leaf
    tol : float
        Infinite for the whole region.
    room : array, shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from pyomo_relu import Network
    >>> problem = Problem.of(Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]]), [2.0], box=(-1, 1))   # |z|
    >>> leaf = Leaf((np.array([True, False]), np.array([True])), (np.zeros(2), np.zeros(1)))
    >>> holds_no_code(problem, leaf, 0.5, np.zeros(1)), holds_no_code(problem, leaf, 0.5, np.full(1, 0.5))
    (True, False)
    """
    network = problem.network
    rows, limits = cell_system(network, problem.x, leaf.pattern, problem.box, tol)
    if not rows:
        return False
    # How far the pattern's affine functions may be off, layer by layer, where pre-activations use their slack.
    off, at = [Fraction(0)] * network.n_in, 0
    for layer, on, slack in zip(network, leaf.pattern, leaf.slack, strict=True):
        moved = [
            sum((abs(Fraction(w)) * e for w, e in zip(row, off, strict=True) if w), Fraction(0))
            for row in layer.dense().tolist()
        ]
        off = []
        for j, (step, is_on, beyond) in enumerate(zip(moved, on.tolist(), map(Fraction, slack.tolist()), strict=True)):
            slope = layer.activation.fraction(j)
            if slope < 1:
                limits[at] += step + beyond
                at += 1
            off.append((step if is_on else slope * step) + (1 - slope) * beyond)
    if tol < float("inf"):
        first = len(limits) - 2 * network.n_out
        for j, (step, extra) in enumerate(zip(off, map(Fraction, room.tolist()), strict=True)):
            for place in (first + 2 * j, first + 2 * j + 1):
                limits[place] += step + extra
    return decide(rows, limits).is_empty
