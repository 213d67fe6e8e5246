"""`preimage`: the cells of a pre-image, found one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from pyomo_relu.balance import NEAR, balanced
from pyomo_relu.box import Box
from pyomo_relu.errors import InputError
from pyomo_relu.network import Network
from pyomo_relu.preimage.cell import Cell, cell_of
from pyomo_relu.preimage.linear import LinearProgramError
from pyomo_relu.preimage.relaxation import Relaxation, region_of
from pyomo_relu.preimage.search import patterns
from pyomo_relu.preimage.union import Preimage
from pyomo_relu.problem import Problem
from pyomo_relu.status import Status
from pyomo_relu.validation import as_count


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
        Wall clock for the search, again for leaving out cells that lie within others, and, when they are asked for,
        again for the graph and for convexity.

    Returns
    -------
    Preimage
        With a `status`: cut off where a limit came first, or an LP failed.

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
    started = time.perf_counter()
    max_cells = as_count(max_cells, "max_cells", 1)
    if not seconds > 0.0:
        raise InputError(f"seconds must be positive, got {seconds}")
    problem = _problem(net, x, box, tol)
    cells: list[Cell] = []
    status = Status.SOLVED
    try:
        for cell in _steps(problem, tol):
            if cell is not None:
                cells.append(cell)
            if len(cells) > max_cells or time.perf_counter() - started > seconds:
                status = Status.LIMIT if len(cells) > max_cells else Status.TIME_LIMIT
                break
    except LinearProgramError:
        status = Status.SOLVER_ERROR
    kept, ended = _maximal(cells[:max_cells], time.perf_counter() + seconds)
    status = ended if status is Status.SOLVED else status
    return Preimage(problem, tol, tuple(kept), status, time.perf_counter() - started, seconds)


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
        If HiGHS fails: the cells are not complete then.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> next(iterate_cells(net, [2.0])).dimension
    0
    """
    problem = _problem(net, x, box, tol)
    return (cell for cell in _steps(problem, tol) if cell is not None)


def _problem(net: Network, x: Any, box: Any, tol: float) -> Problem:
    if not tol >= 0.0:
        raise InputError(f"tol must be at least 0, got {tol}")
    return Problem.of(net, x, box=box)


def _steps(problem: Problem, tol: float) -> Iterator[Cell | None]:
    """Yield the cells, and None where one may stop between them.

    A cell's rows and its pattern are those of the network as it was given: they do not depend on a neuron's scale.
    """
    problem = balanced(problem, NEAR)
    network = problem.network
    box = Box.everything(network.n_in) if problem.box is None else problem.box
    region = region_of(network, problem.x, box, tol)
    if region is None:
        return
    for pattern in patterns(network, Relaxation(network, problem.x, region, tol)):
        yield None if pattern is None else cell_of(problem, pattern, tol)


def _maximal(cells: list[Cell], stop: float) -> tuple[list[Cell], Status]:
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
        ended = Status.TIME_LIMIT if ended is Status.SOLVED and time.perf_counter() > stop else ended
    return [cells[i] for i in sorted(kept)], ended
