"""`Preimage`: all codes that meet an observation, as a union of polytopes, and the graph of where they meet."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np

from pyomo_relu.balance import NEAR, balanced
from pyomo_relu.errors import InputError
from pyomo_relu.preimage.cell import Cell
from pyomo_relu.preimage.convexity import is_convex
from pyomo_relu.preimage.linear import LinearProgramError
from pyomo_relu.preimage.polytope import THIN
from pyomo_relu.preimage.walls import Walls
from pyomo_relu.problem import Problem
from pyomo_relu.running_error import output_within
from pyomo_relu.status import Status
from pyomo_relu.tolerance import MET
from pyomo_relu.validation import FloatArray, as_vector


@dataclass(frozen=True, eq=False)
class Preimage:
    """The codes that meet an observation, a finite union of polytopes.

    It is ``{z in the box : |G(z)_j - x_j| <= tol for all j}``; where the search did not end (`complete` is
    False), the part of it that was found.

    Parameters
    ----------
    problem : Problem
    tol : float
    cells : tuple of Cell
        None within another; together all of it.
    status : Status
        ``SOLVED``; ``LIMIT`` or ``TIME_LIMIT`` where the search was cut off; ``SOLVER_ERROR`` where an LP failed.
    seconds : float
        That the search took.
    limit : float
        Wall clock in seconds for the graph, and for convexity, each.

    Notes
    -----
    LPs are solved in float64, and trusted to HiGHS: parts in which no ball of radius 1e-7 fits count as flat,
    parts nearer to each other than 1e-7 as meeting.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> found = pr.preimage(net, [2.0])
    >>> found, found.n_components, found.convex, [cell.interior.tolist() for cell in found.cells]
    (Preimage(2 cells of dimension 0, complete), 2, False, [[2.0], [-2.0]])
    """

    problem: Problem
    tol: float
    cells: tuple[Cell, ...]
    status: Status
    seconds: float
    limit: float = math.inf

    def __repr__(self) -> str:
        cells = f"{len(self.cells)} cell{'s' * (len(self.cells) != 1)}"
        dimension = "" if self.dimension is None else f" of dimension {self.dimension}"
        return f"Preimage({cells}{dimension}, {'complete' if self.complete else self.status})"

    @property
    def complete(self) -> bool:
        """Whether `cells` are all there are."""
        return self.status is Status.SOLVED

    @property
    def dimension(self) -> int | None:
        """Largest dimension of a cell; None where there is none."""
        return max((cell.dimension for cell in self.cells), default=None)

    @property
    def graph(self) -> Any:
        """``networkx.Graph`` of cells: a node an index of `cells`, an edge where two meet, at its ``point``."""
        return self._meetings[0]

    @property
    def graph_complete(self) -> bool:
        """Whether all pairs of cells were tested: if `limit` came first, or an LP failed, edges may be missing."""
        return self._meetings[1]

    @cached_property
    def _meetings(self) -> tuple[Any, bool]:
        """The graph, and whether it is complete."""
        graph = nx.Graph()
        graph.add_nodes_from(range(len(self.cells)))
        try:
            return graph, self._connect(graph, time.perf_counter() + self.limit)
        except LinearProgramError:
            return graph, False

    def _connect(self, graph: Any, stop: float) -> bool:
        """Add the edges; return whether the time was enough for all."""
        boxes = []
        for cell in self.cells:
            if time.perf_counter() > stop:
                return False
            boxes.append(cell.box)
        lower, upper = np.array([box.lower for box in boxes]), np.array([box.upper for box in boxes])
        walls = Walls.of(balanced(self.problem, NEAR).network, self.cells)
        for i in range(len(self.cells)):
            near = (lower[i + 1 :] <= upper[i] + THIN).all(axis=1) & (upper[i + 1 :] >= lower[i] - THIN).all(axis=1)
            for j in (np.flatnonzero(near) + i + 1).tolist():
                if time.perf_counter() > stop:
                    return False
                point = walls.meeting(i, j)
                if point is not None:
                    graph.add_edge(i, j, point=point)
        return True

    @cached_property
    def components(self) -> tuple[tuple[int, ...], ...]:
        """Connected components of `graph`, as indices of `cells`, in order of their first cells.

        Where it is not complete, several of them may be one.
        """
        return tuple(sorted(tuple(sorted(part)) for part in nx.connected_components(self.graph)))

    @property
    def n_components(self) -> int | None:
        """Number of connected components of what was found; None where `graph` is not complete."""
        return len(self.components) if self.graph_complete else None

    @cached_property
    def convex(self) -> bool | None:
        """Whether it is convex; None where the cells are not complete, `limit` came first, or an LP failed."""
        if not self.complete:
            return None
        if self.graph_complete and len(self.components) > 1:
            return False
        stop = time.perf_counter() + self.limit
        if self._misses_a_midpoint(stop):
            return False
        try:
            return is_convex(self.cells, seconds=stop - time.perf_counter())
        except LinearProgramError:
            return None

    def _misses_a_midpoint(self, stop: float) -> bool:
        """Whether G is seen to miss x halfway between two cells, by forward passes: then it is not convex."""
        points = np.array([cell.interior for cell in self.cells])
        most = self.tol + MET * self.problem.scale
        network, x = self.problem.network, self.problem.x
        for point in points:
            if time.perf_counter() > stop:
                break
            y, off = output_within(network, (point + points) / 2.0)
            if (np.abs(y - x) - off > most).any():
                return True
        return False

    @property
    def unique(self) -> bool | None:
        """Whether it is a single point; None where the cells are not complete, and do not refute it."""
        if len(self.cells) > 1 or (self.dimension or 0) > 0:
            return False
        return len(self.cells) == 1 if self.complete else None

    def contains(self, z: Any) -> bool:
        """Whether a code, shape (k,), lies in a cell, up to 1e-7.

        Examples
        --------
        >>> from pyomo_relu.network import Network
        >>> from pyomo_relu.preimage import preimage
        >>> found = preimage(Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]]), [2.0])     # |z| = 2
        >>> found.contains([-2.0]), found.contains([0.0])
        (True, False)
        """
        return bool(self._cells_at(as_vector(z, self.problem.network.n_in, "code")))

    def path(self, z1: Any, z2: Any) -> FloatArray | None:
        """Return a path inside the pre-image from one of its codes to another, as the corners of a polygonal line.

        Parameters
        ----------
        z1, z2 : array_like, shape (k,)

        Returns
        -------
        array, shape (m, k), or None
            None where their components differ: if `complete` and `graph_complete`, then there is no path.

        Raises
        ------
        InputError
            If one of them is in no cell.

        Examples
        --------
        >>> from pyomo_relu.network import Network
        >>> from pyomo_relu.preimage import preimage
        >>> net = Network.from_arrays([[[1, 0], [-1, 0], [1, -1]], [[1, -1, -1]]])    # min(z1, z2)
        >>> preimage(net, [0.0], (-4, 4)).path([-1, 3], [3, -1])[[0, -1]].tolist()
        [[-1.0, 3.0], [3.0, -1.0]]
        """
        k = self.problem.network.n_in
        ends = as_vector(z1, k, "z1"), as_vector(z2, k, "z2")
        at = [self._cells_at(end) for end in ends]
        for name, cells in zip(("z1", "z2"), at, strict=True):
            if not cells:
                raise InputError(f"{name} is in no cell of the pre-image")
        if not nx.has_path(self.graph, at[0][0], at[1][0]):
            return None
        cells = nx.shortest_path(self.graph, at[0][0], at[1][0])
        corners = [self.graph.edges[edge]["point"] for edge in itertools.pairwise(cells)]
        return np.array([ends[0], *corners, ends[1]])

    def reach(self, direction: Any) -> tuple[float, float]:
        """Return the least and the largest ``direction . z``; their difference is the diameter along a unit direction.

        Parameters
        ----------
        direction : array_like, shape (k,)

        Returns
        -------
        least, largest : float
            Infinite where there is none.

        Raises
        ------
        InputError
            If there is no cell.
        LinearProgramError
            If HiGHS fails.

        Examples
        --------
        >>> from pyomo_relu.network import Network
        >>> from pyomo_relu.preimage import preimage
        >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
        >>> preimage(net, [1.0], tol=0.25).reach([2.0])
        (-2.5, 2.5)
        """
        row = as_vector(direction, self.problem.network.n_in, "direction")
        if not self.cells:
            raise InputError("an empty pre-image reaches nowhere")
        return min(-cell.maximum(-row) for cell in self.cells), max(cell.maximum(row) for cell in self.cells)

    def volume(self) -> float:
        """Return the total volume of the cells of largest dimension; 0 where there is none.

        Raises
        ------
        LinearProgramError
            If HiGHS fails.
        """
        return float(sum(cell.volume() for cell in self.cells if cell.dimension == self.dimension))

    def _cells_at(self, z: FloatArray) -> list[int]:
        return [i for i, cell in enumerate(self.cells) if cell.contains(z)]

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers and lists, fit for JSON; None for what is infinite.

        Raises
        ------
        LinearProgramError
            If HiGHS fails at the bounds of a cell.
        """
        return {
            "complete": self.complete,
            "status": self.status.value,
            "n_cells": len(self.cells),
            "n_components": self.n_components,
            "graph_complete": self.graph_complete,
            "components": [list(part) for part in self.components],
            "dimension": self.dimension,
            "convex": self.convex,
            "unique": self.unique,
            "tol": self.tol if math.isfinite(self.tol) else None,
            "cells": [_to_dict(cell) for cell in self.cells],
            "seconds": self.seconds,
        }


def _to_dict(cell: Cell) -> dict[str, Any]:
    return {
        "dimension": cell.dimension,
        "interior": cell.interior.tolist(),
        "lower": [value if math.isfinite(value) else None for value in cell.box.lower.tolist()],
        "upper": [value if math.isfinite(value) else None for value in cell.box.upper.tolist()],
        "equations": cell.equations.tolist(),
        "targets": cell.targets.tolist(),
        "sides": cell.sides.tolist(),
        "limits": cell.limits.tolist(),
        "pattern": [on.astype(int).tolist() for on in cell.pattern],
    }
