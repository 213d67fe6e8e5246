"""Named networks whose pre-images are known: connected and not convex, disconnected, a sphere, a ball, nothing.

Weights are integers, so that everything about them is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.atomic import atomic_write
from pyomo_relu.box import Box
from pyomo_relu.errors import InputError
from pyomo_relu.network import Network
from pyomo_relu.plots import check_picture, new_figure
from pyomo_relu.preimage.activation import ActivationRegion
from pyomo_relu.validation import FloatArray, frozen

GRID = 241
"""Points on each axis at which activation patterns are sought, and |G - x| is drawn."""

ON_LINE = 1e-9
"""How far from a line a point may lie and still count as on it, relative to the box."""

PRE_IMAGE, BOUNDARY = "#e07b39", "#1f2937"


@dataclass(frozen=True, eq=False)
class Example:
    """A network, an observation, and what is known of the pre-image in a box.

    Parameters
    ----------
    name : str
    network : Network
    x : array, shape (n,)
    box : Box
    convex : bool
    n_components : int
        Number of connected components of the pre-image in the box.
    text : str
        One line: the pre-image, as a set.
    """

    name: str
    network: Network
    x: FloatArray
    box: Box
    convex: bool
    n_components: int
    text: str


def _example(
    name: str,
    weights: list[Any],
    x: float,
    reach: float,
    *,
    convex: bool,
    n_components: int,
    text: str,
    bias: float = 0,
) -> Example:
    """Return an example of two layers and one output; `bias` is the last layer's."""
    network = Network.from_arrays(weights, [None, [bias]])
    box = Box.of((-reach, reach), network.n_in)
    return Example(name, network, frozen(np.array([float(x)])), box, convex, n_components, text)


def _both_signs(k: int) -> list[list[int]]:
    """Return ``[I; -I]``, whose ReLU holds the positive and the negative parts of the code."""
    return [*np.eye(k, dtype=int).tolist(), *(-np.eye(k, dtype=int)).tolist()]


EXAMPLES = {
    example.name: example
    for example in (
        _example(
            "two-half-planes",
            [[[1, 0], [-1, 0], [1, -1]], [[1, -1, -1]]],
            0,
            4,
            convex=False,
            n_components=1,
            text="z1 <= 0 or z2 <= 0: G = ReLU(min(z1, z2)) and x = 0; connected, not convex",
        ),
        _example(
            "two-points",
            [_both_signs(1), [[1, 1]]],
            1,
            3,
            convex=False,
            n_components=2,
            text="{-1, 1}: G = |z| and x = 1; disconnected",
        ),
        _example(
            "sphere-2d",
            [_both_signs(2), [[1] * 4]],
            1,
            2,
            convex=False,
            n_components=1,
            text="the boundary of the l1 ball: G = |z1| + |z2| and x = 1; connected, not convex, no interior",
        ),
        _example(
            "sphere-3d",
            [_both_signs(3), [[1] * 6]],
            1,
            2,
            convex=False,
            n_components=1,
            text="the boundary of the l1 ball: G = |z1| + |z2| + |z3| and x = 1; not convex, no interior",
        ),
        _example(
            "ball",
            [_both_signs(2), [[1] * 4]],
            0,
            2,
            convex=True,
            n_components=1,
            text="the l1 ball: G = ReLU(|z1| + |z2| - 1) and x = 0; convex, with two layers",
            bias=-1,
        ),
        _example(
            "nothing",
            [_both_signs(2), [[1] * 4]],
            1,
            2,
            convex=True,
            n_components=0,
            text="empty: G = |z1| + |z2| + 2 and x = 1; the empty set is convex",
            bias=2,
        ),
    )
}
"""The examples by name."""


def draw_preimage_2d(example: Example, path: str | PathLike[str]) -> None:
    """Draw the pre-image of an example with two inputs, the cells of its network, and how far G is from x.

    Parameters
    ----------
    example : Example
        Its box is what is drawn, and must be bounded.
    path : path
        ``.png``, ``.svg`` or ``.pdf``; written whole or not at all.

    Raises
    ------
    InputError
        If the network has not two inputs, the box is not bounded, or the suffix is another one.
    MissingDependencyError
        If Matplotlib is not installed.

    Notes
    -----
    Cells are found on a grid of 241 x 241 codes: one that holds none of them is left out. Within a cell the
    pre-image is a polygon, an edge or a corner of one, and is drawn as it is, not as the grid sees it.

    Examples
    --------
    >>> draw_preimage_2d(EXAMPLES["two-points"], "never.png")
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: only networks with 2 inputs can be drawn, got 1
    """
    if example.network.n_in != 2:
        raise InputError(f"only networks with 2 inputs can be drawn, got {example.network.n_in}")
    if not example.box.is_bounded:
        raise InputError("only a bounded box can be drawn")
    target = check_picture(path)
    figure = new_figure(5.6, 5.0)
    _draw(figure, figure.subplots(), example)
    with atomic_write(target) as file:
        figure.savefig(file, format=target.suffix.lower().lstrip("."))


def draw_preimages_2d(path: str | PathLike[str]) -> None:
    """Draw all the examples that have two inputs in one picture; path and errors as in :func:`draw_preimage_2d`."""
    target = check_picture(path)
    shown = [example for example in EXAMPLES.values() if example.network.n_in == 2]
    figure = new_figure(5.6 * len(shown) / 2.0, 9.0)
    for axes, example in zip(figure.subplots(2, len(shown) // 2).ravel(), shown, strict=True):
        _draw(figure, axes, example)
    with atomic_write(target) as file:
        figure.savefig(file, format=target.suffix.lower().lstrip("."))


def _draw(figure: Any, axes: Any, example: Example) -> None:
    box = example.box
    codes, shape = _grid(box)
    misses = np.abs(example.network(codes) - example.x).max(axis=1).reshape(shape)
    extent = (box.lower[0], box.upper[0], box.lower[1], box.upper[1])
    drawn = axes.imshow(misses, origin="lower", extent=extent, cmap="Greys", vmin=0.0, interpolation="bilinear")
    figure.colorbar(drawn, ax=axes, label="largest |G(z) - x|")
    for cell in cells_2d(example.network, box):
        axes.fill(*polygon_of(cell, box).T, facecolor="none", edgecolor=BOUNDARY, linewidth=0.7, zorder=3)
    for part in preimage_2d(example):
        if len(part) == 1:
            axes.plot(*part.T, "o", color=PRE_IMAGE)
        else:
            axes.fill(*part.T, facecolor=PRE_IMAGE, edgecolor=PRE_IMAGE, linewidth=2.0)
    axes.set(xlim=extent[:2], ylim=extent[2:], xlabel="z1", ylabel="z2")
    axes.set_title(example.text.replace("; ", "\n"), fontsize=9)


def _grid(box: Box) -> tuple[FloatArray, tuple[int, int]]:
    """Return the grid's codes, shape (GRID^2, 2), the first entry running fastest."""
    first, second = (np.linspace(box.lower[i], box.upper[i], GRID) for i in range(2))
    z1, z2 = np.meshgrid(first, second)
    return np.column_stack([z1.ravel(), z2.ravel()]), z1.shape


def cells_2d(network: Network, box: Box) -> list[ActivationRegion]:
    """Return the cells that hold a code of the grid."""
    signs = [t > 0.0 for t in network.pre_activations(_grid(box)[0])]
    _, first = np.unique(np.hstack(signs), axis=0, return_index=True)
    return [ActivationRegion.of(network, tuple(on[i] for on in signs)) for i in first]


def preimage_2d(example: Example) -> list[FloatArray]:
    """Return the pre-image in each cell, as the corners of a polygon in order, shape (m, 2); parts may be flat.

    Examples
    --------
    >>> parts = preimage_2d(EXAMPLES["ball"])
    >>> float(max(np.abs(part).sum(axis=1).max() for part in parts))
    1.0
    """
    parts = []
    for cell in cells_2d(example.network, example.box):
        part = polygon_of(cell, example.box)
        for row, target in zip(cell.matrix, example.x - cell.offset, strict=True):
            part = _clipped(_clipped(part, row, target), -row, -target)
        if len(part):
            parts.append(part)
    return parts


def polygon_of(cell: ActivationRegion, box: Box) -> FloatArray:
    """Return the corners of a cell in a box, in order, shape (m, 2)."""
    low, high = box.lower, box.upper
    corners = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    for row, limit in zip(cell.sides, cell.limits, strict=True):
        corners = _clipped(corners, row, limit)
    return corners


def _clipped(corners: FloatArray, row: NDArray[np.float64], limit: float) -> FloatArray:
    """Return the part of a convex polygon where ``row . z <= limit``."""
    if not len(corners):
        return corners
    over = corners @ row - limit
    over[np.abs(over) <= ON_LINE * (np.abs(corners).max() * np.abs(row).sum() + abs(limit))] = 0.0
    kept = []
    for i in range(len(corners)):
        # Before the first corner comes the last.
        if over[i - 1] * over[i] < 0.0:
            share = over[i - 1] / (over[i - 1] - over[i])
            kept.append(corners[i - 1] + share * (corners[i] - corners[i - 1]))
        if over[i] <= 0.0:
            kept.append(corners[i])
    return np.array(kept).reshape(len(kept), 2)
