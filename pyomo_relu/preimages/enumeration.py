"""`preimage`: the cells of a pre-image, found one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from pyomo_relu.deadline import Deadline
from pyomo_relu.linear_program import LinearProgramError
from pyomo_relu.network import Network
from pyomo_relu.pinning import pinned
from pyomo_relu.preimages.cell import Cell, cell_of
from pyomo_relu.preimages.leaf import holds_no_code
from pyomo_relu.preimages.pattern_search import Leaf, leaves
from pyomo_relu.preimages.polytope import THIN
from pyomo_relu.preimages.relaxation import Relaxation, region_of
from pyomo_relu.preimages.union import Preimage
from pyomo_relu.problem import Problem
from pyomo_relu.running_error import output_within
from pyomo_relu.scaling import NEAR, rescaled
from pyomo_relu.status import Status
from pyomo_relu.tolerance import REFUTED
from pyomo_relu.validation import as_count, as_number

SEARCH = 0.7
"""The most that the search takes of the time that is left, and then the comparison of cells."""


def preimage(
    net: Network,
    x: Any,
    box: Any = None,
    tol: float = 0.0,
    *,
    max_cells: int = 10_000,
    seconds: float = 60.0,
) -> Preimage:
    """Find all codes that meet an observation.

    Parameters
    ----------
    net : Network
    x : array_like, shape (n,)
    box : Box or pair (lower, upper), optional
        Where the code may lie; everywhere if not given.
    tol : float
        How far each output may be from `x`: what noise of this size leaves undetermined. Infinite for the
        activation regions of the box.
    max_cells : int
        Most cells to find.
    seconds : float
        Wall clock for all of it: the search, leaving out cells that lie within others, and, when they are asked for,
        the graph and convexity.

    Returns
    -------
    Preimage
        With a `status`: cut off where a limit came first, an LP failed, or what was left out is not proved to be empty.

    Raises
    ------
    ShapeError, InputError
        If an input does not fit.

    Notes
    -----
    Neurons are fixed on or off from the first layer on, where an LP over the whole network and its observation
    finds both signs possible. The number of cells can grow like ``n ** k`` a layer.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> found = preimage(net, [2.0], box=(-3, 3))
    >>> sorted(cell.interior.tolist() for cell in found.cells), found.n_components, found.convex
    ([[-2.0], [2.0]], 2, False)
    """
    max_cells = as_count(max_cells, "max_cells", 1)
    as_number(seconds, "seconds", positive=True, most=math.inf)
    deadline = Deadline.after(seconds)
    search, stop = _CellSearch(net, x, box, tol), deadline.share(SEARCH)
    cells: list[Cell] = []
    status = Status.SOLVED
    with pinned(1):
        try:
            for cell in search.steps():
                if cell is not None:
                    cells.append(cell)
                if len(cells) > max_cells or stop.expired:
                    status = Status.LIMIT if len(cells) > max_cells else Status.TIME_LIMIT
                    break
        except LinearProgramError:
            status = Status.SOLVER_ERROR
        kept, ended = _maximal(cells[:max_cells], deadline.share(SEARCH))
    if status is Status.SOLVED:
        status = Status.UNDECIDED if search.undecided else ended
    left = deadline.left
    return Preimage(search.problem, search.tol, tuple(kept), status, seconds - left, left)


def iterate_cells(net: Network, x: Any, box: Any = None, tol: float = 0.0) -> Iterator[Cell]:
    """Yield the cells of a pre-image as they are found; one may be a face of another.

    Parameters
    ----------
    net, x, box, tol
        As there.

    Yields
    ------
    Cell

    Raises
    ------
    ShapeError, InputError
        As :func:`pyomo_relu.preimage`.
    LinearProgramError
        At the end, if rounding hides cells, or blurs them: they are not complete then.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> next(iterate_cells(net, [2.0])).dimension
    0
    """
    search = _CellSearch(net, x, box, tol)
    return _cells(search)


def _cells(search: _CellSearch) -> Iterator[Cell]:
    yield from (cell for cell in search.steps() if cell is not None)
    if search.undecided:
        raise LinearProgramError(f"{search.undecided} activation patterns hold codes that floats do not tell")


class _CellSearch:
    """The search for the cells of a pre-image, and how much of it was left undecided."""

    def __init__(self, net: Network, x: Any, box: Any, tol: float) -> None:
        as_number(tol, "tol", most=math.inf)
        self.problem, self.tol = Problem.of(net, x, box=box), float(tol)
        self.undecided = 0

    def steps(self) -> Iterator[Cell | None]:
        """Yield the cells, and None where one may stop between them.

        A cell's rows and its pattern are those of the network as it was given: they do not depend on a neuron's scale.
        """
        problem, tol = rescaled(self.problem, NEAR), self.tol
        network = problem.network
        box = problem.box
        region = region_of(network, problem.x, box, tol)
        if region is None:
            return
        relaxation = Relaxation(network, problem.x, region, tol)
        if not region.code.is_bounded and relaxation.bounds_the_code:
            # Bounds of neurons follow, and with them chords.
            region = region_of(network, problem.x, relaxation.code, tol)
            if region is None:
                return
            relaxation = Relaxation(network, problem.x, region, tol)
        for leaf in leaves(network, relaxation):
            yield None if leaf is None else self._cell(problem, relaxation, leaf)

    def _cell(self, problem: Problem, relaxation: Relaxation, leaf: Leaf) -> Cell | None:
        """Return the cell of a leaf; None where it is empty, or where that is counted as undecided."""
        cell = cell_of(problem, leaf.pattern, self.tol)
        if cell is None:
            if not relaxation.is_empty() and not holds_no_code(problem, leaf, self.tol, relaxation.room):
                self.undecided += 1
            return None
        # Rows of length 1 are met up to a tolerance, and x up to what that and rounding move the outputs.
        outputs, rounding = output_within(problem.network, cell.interior)
        missed = np.abs(outputs - problem.x) + rounding - self.tol
        if (missed > relaxation.room).any() and holds_no_code(problem, leaf, self.tol, relaxation.room):
            return None
        seen = missed.max() <= REFUTED * problem.scale
        if not seen or cell.blur > THIN:
            self.undecided += 1
        return cell if seen else None


def _maximal(cells: list[Cell], deadline: Deadline) -> tuple[list[Cell], Status]:
    """Leave out the cells that lie within another; of equal ones the first stays. Also return what stopped it."""
    if not cells:
        return [], Status.SOLVED
    order = sorted(range(len(cells)), key=lambda i: -cells[i].dimension)
    centres = np.array([cells[i].interior for i in order])
    kept: list[int] = []
    inside, ended = np.zeros(len(cells), dtype=bool), Status.SOLVED
    for place, i in enumerate(order):
        if inside[place]:
            continue
        kept.append(i)
        if ended is not Status.SOLVED:
            continue
        later = np.flatnonzero(cells[i].contains(centres[place + 1 :]) & ~inside[place + 1 :]) + place + 1
        try:
            for other in later.tolist():
                inside[other] = cells[i].includes(cells[order[other]])
        except LinearProgramError:
            ended = Status.SOLVER_ERROR
        ended = Status.TIME_LIMIT if ended is Status.SOLVED and deadline.expired else ended
    return [cells[i] for i in sorted(kept)], ended
