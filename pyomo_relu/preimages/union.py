"""`Preimage`: all codes that meet an observation, as a union of polytopes, and the graph of where they meet."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np

from pyomo_relu.deadline import Deadline
from pyomo_relu.documents import plain
from pyomo_relu.errors import InputError
from pyomo_relu.linear_program import LinearProgramError
from pyomo_relu.preimages.cell import Cell, is_small
from pyomo_relu.preimages.common_faces import CommonFaces
from pyomo_relu.preimages.polytope import APART
from pyomo_relu.preimages.union_convexity import is_convex
from pyomo_relu.problem import Problem
from pyomo_relu.running_error import output_within
from pyomo_relu.scaling import NEAR, rescaled, row_scales
from pyomo_relu.status import Status
from pyomo_relu.tolerance import FAR_ABOVE, MET
from pyomo_relu.validation import FloatArray, as_vector

GRAPH = 0.7
"""The most that the graph takes of the time that is left; the rest is for convexity."""


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
        Wall clock in seconds for the graph and convexity together: what the search left.

    Notes
    -----
    `complete` says that a code of the box with ``|G(z)_j - x_j| <= tol + r_j`` in exact arithmetic, r_j a bound on what
    rounding can do to output j of a forward pass, has the pattern of a cell that was found, up to pre-activations
    that reach beyond zero by 1e-11 (of outputs, by 1e-7; hidden neurons balanced, outputs of size one). So a code
    whose forward pass in float64 meets x is among them. What is left out is proved to hold no code: by multipliers
    rounded outwards, or in fractions. Without a box, this is proved for codes with entries of up to 1e4.

    Cells that miss x by more than r are left out where fractions prove that they hold none of these codes. Cells are
    described in float64, where what moves an output by less than 1e-9 of its size is nothing. Those that lie within
    others up to 1e-7 are left out, parts in which no ball of radius 1e-7 fits count as flat, parts that are nearer to
    each other than 1e-7 as meeting. Between 1e-7 and 1e-5 it is not told whether they meet.

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
        """Whether all pairs of cells were told to meet, or proved apart: if not, edges may be missing."""
        return self._meetings[1]

    @cached_property
    def _meetings(self) -> tuple[Any, bool, float]:
        """The graph, whether it is complete, and how many seconds of `limit` are left."""
        deadline = Deadline.after(self.limit)
        graph = nx.Graph()
        graph.add_nodes_from(range(len(self.cells)))
        try:
            unclear = self._connect(graph, deadline.share(GRAPH))
        except LinearProgramError:
            unclear = None
        # A pair that may meet does not matter where others connect it.
        complete = unclear is not None and all(nx.has_path(graph, i, j) for i, j in unclear)
        return graph, complete, deadline.left

    def _connect(self, graph: Any, deadline: Deadline) -> list[tuple[int, int]] | None:
        """Add the edges; return the pairs that could not be told, or None where the time was not enough."""
        boxes, unclear = [], []
        for cell in self.cells:
            if deadline.expired:
                return None
            boxes.append(cell.box)
        lower, upper = np.array([box.lower for box in boxes]), np.array([box.upper for box in boxes])
        faces = CommonFaces.of(self._rescaled.network, self.cells)
        for i in range(len(self.cells)):
            near = (lower[i + 1 :] <= upper[i] + APART).all(axis=1) & (upper[i + 1 :] >= lower[i] - APART).all(axis=1)
            for j in (np.flatnonzero(near) + i + 1).tolist():
                if deadline.expired:
                    return None
                try:
                    point = faces.meeting(i, j)
                except LinearProgramError:
                    unclear.append((i, j))
                    continue
                if point is not None:
                    graph.add_edge(i, j, point=point)
        return unclear

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
        """Whether it is convex; None where that is not known.

        So it is where the cells are not complete, `limit` came first, or what HiGHS says is not proved. False comes
        with codes that miss x: halfway between two that meet it, or in the envelope of all cells.
        """
        if not self.complete:
            return None
        if self.graph_complete and len(self.components) > 1:
            return False
        deadline = Deadline.after(self._meetings[2])
        if self._misses_a_midpoint(deadline):
            return False
        return is_convex(self.cells, self._may_hold, deadline=deadline)

    def _excess(self, z: FloatArray) -> Any:
        """By how much codes, of shape (k,) or (N, k), miss x beyond the tolerance, relative to the outputs' size."""
        return ((np.abs(self.problem.network(z) - self.problem.x) - self.tol) / self._unit).max(axis=-1)

    @cached_property
    def _rescaled(self) -> Problem:
        """The problem that was searched."""
        return rescaled(self.problem, NEAR)

    @cached_property
    def _unit(self) -> FloatArray:
        """What is 1 for each output: its weights' size, and `MET` of that is nothing; or x where it is large."""
        unit = row_scales(self._rescaled.network[-1], NEAR)
        return np.asarray(unit * max(1.0, float(np.abs(self.problem.x / unit).max())))

    def _may_hold(self, z: FloatArray) -> bool:
        """Whether a code is not seen to miss x."""
        return bool(self._excess(z) <= MET) or self.contains(z)

    def _misses_a_midpoint(self, deadline: Deadline) -> bool:
        """Whether G is seen to miss x halfway between two cells, by forward passes: then it is not convex."""
        points = np.array([cell.interior for cell in self.cells])
        if not len(points):
            return False
        own = np.maximum(self._excess(points), 0.0)
        for point, missed in zip(points, own, strict=True):
            if deadline.expired:
                break
            least = np.maximum(MET, FAR_ABOVE * np.maximum(own, missed))
            y, off = output_within(self.problem.network, (point + points) / 2.0)
            surely = (np.abs(y - self.problem.x) - off - self.tol) / self._unit
            if (surely.max(axis=-1) > least).any():
                return True
        return False

    @cached_property
    def unique(self) -> bool | None:
        """Whether it is a single point, up to 1e-5 in each entry, relative to its size; None where that is not known.

        True is proved: codes that meet x, and the rows of the cell up to what LPs let pass, are no further apart.
        """
        if (self.dimension or 0) > 0:
            return False
        if not self.cells:
            return False if self.complete else None
        points = np.array([cell.interior for cell in self.cells])
        most = APART * max(1.0, float(np.abs(points).max()))
        if len(points) > 1 and (np.ptp(points, axis=0) > most).any():
            return False
        if len(points) > 1 or not self.complete:
            return None
        try:
            return True if is_small(self._rescaled, self.cells[0], self.tol, most) else None
        except LinearProgramError:
            return None

    def contains(self, z: Any) -> bool:
        """Whether a code, shape (k,), lies in a cell, up to 1e-7.

        Examples
        --------
        >>> from pyomo_relu.network import Network
        >>> from pyomo_relu.preimages import preimage
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
        >>> from pyomo_relu.preimages import preimage
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
        >>> from pyomo_relu.preimages import preimage
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
        """Return plain numbers and lists, fit for JSON; infinite numbers are text.

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
            "tol": plain(self.tol),
            "cells": [_to_dict(cell) for cell in self.cells],
            "seconds": self.seconds,
        }


def _to_dict(cell: Cell) -> dict[str, Any]:
    return {
        "dimension": cell.dimension,
        "interior": cell.interior.tolist(),
        "lower": plain(cell.box.lower),
        "upper": plain(cell.box.upper),
        "equations": cell.equations.tolist(),
        "targets": cell.targets.tolist(),
        "sides": cell.sides.tolist(),
        "limits": cell.limits.tolist(),
        "pattern": [on.astype(int).tolist() for on in cell.pattern],
    }
