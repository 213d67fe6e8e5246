"""Pictures of pre-images with two inputs, and the slices that make two inputs of more."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from pyomo_relu.errors import InputError
from pyomo_relu.figure import check_picture, new_figure, save_figure
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.preimages.cell import Cell
from pyomo_relu.preimages.enumeration import preimage
from pyomo_relu.preimages.union import Preimage
from pyomo_relu.validation import as_finite_array, as_vector

COLORS = ("#c2410c", "#1d4ed8", "#15803d", "#a21caf", "#b45309", "#0e7490", "#be123c", "#4d7c0f")
WALL = "#9ca3af"
SIDE = 5.2
"""Inches of a picture."""


def slice_of(network: Network, origin: Any, directions: Any) -> Network:
    """Return the network on a plane of codes: ``y -> G(origin + y[0] directions[0] + y[1] directions[1])``.

    Parameters
    ----------
    network : Network
    origin : array_like, shape (k,)
    directions : array_like, shape (2, k)
        Any number of directions is allowed; two can be drawn.

    Returns
    -------
    Network
        Of as many inputs as there are directions.

    Raises
    ------
    ShapeError, InputError
        If the sizes do not fit, or an entry is not finite.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0, 1.0, 1.0]]])
    >>> slice_of(net, [1.0, 0.0, 0.0], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])([2.0, 3.0]).tolist()
    [6.0]
    """
    rows = as_finite_array(directions, "directions", 2)
    if rows.shape[1] != network.n_in:
        raise InputError(f"directions have {rows.shape[1]} entries, the code {network.n_in}")
    return Network((Layer(rows.T, as_vector(origin, network.n_in, "origin"), 1.0), *network.layers))


def plot_preimage(found: Preimage, path: str | PathLike[str], *, seconds: float = 20.0) -> None:
    """Draw a pre-image with two inputs: a colour a component, the activation regions of the box behind.

    Parameters
    ----------
    found : Preimage
        In a bounded box, which is what is drawn.
    path : path
        ``.png``, ``.svg`` or ``.pdf``; written whole or not at all.
    seconds : float
        For the activation regions; those that are not found in time are not drawn, and the title says so.

    Raises
    ------
    InputError
        If the network has not two inputs, the box is not bounded, or the suffix is another one.
    MissingDependencyError
        If Matplotlib is not installed.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> plot_preimage(preimage(net, [1.0]), "never.png")
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: only pre-images with 2 inputs can be drawn, got 1: take a slice
    """
    problem = found.problem
    check_drawable(problem.network, problem.box.is_bounded)
    target = check_picture(path)
    figure = new_figure(SIDE, SIDE)
    draw_preimage(figure.subplots(), found, seconds=seconds)
    save_figure(figure, target)


def draw_preimage(axes: Any, found: Preimage, *, seconds: float = 20.0) -> None:
    """Draw on Matplotlib axes what :func:`~pyomo_relu.preimages.plot_preimage` draws, with its title.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    found : Preimage
        One that :func:`check_drawable` takes.
    seconds : float
        As in :func:`~pyomo_relu.preimages.plot_preimage`.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> from pyomo_relu.figure import new_figure
    >>> axes = new_figure(3, 3).add_subplot()
    >>> draw_preimage(axes, pr.preimage(pr.Network.from_arrays([[[1.0, 1.0]]]), [1.0], box=(-2, 2)))
    >>> axes.get_xlabel()
    'z1'
    """
    problem = found.problem
    regions = preimage(problem.network, problem.x, problem.box, np.inf, seconds=seconds)
    for region in regions.cells:
        _draw(axes, region, WALL, filled=False)
    for number, component in enumerate(found.components):
        for i in component:
            _draw(axes, found.cells[i], COLORS[number % len(COLORS)], filled=True)
    (left, low), (right, high) = problem.box.lower, problem.box.upper
    axes.set(xlim=(left, right), ylim=(low, high), xlabel="z1", ylabel="z2", aspect="equal")
    axes.set_title(_title(found, regions.complete), fontsize=9)


def check_drawable(network: Network, bounded: bool) -> None:
    """Refuse what :func:`~pyomo_relu.preimages.plot_preimage` would refuse, before anything is computed for it.

    Parameters
    ----------
    network : Network
    bounded : bool
        Whether the box is.

    Raises
    ------
    InputError
        If there are not two inputs, or the box is not bounded.
    MissingDependencyError
        If Matplotlib is not installed.

    Examples
    --------
    >>> check_drawable(Network.from_arrays([[[1.0, 1.0, 1.0]]]), bounded=True)
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: only pre-images with 2 inputs can be drawn, got 3: take a slice
    """
    if network.n_in != 2:
        raise InputError(f"only pre-images with 2 inputs can be drawn, got {network.n_in}: take a slice")
    if not bounded:
        raise InputError("must be given, and bounded, for a picture", parameter="box")


def _draw(axes: Any, cell: Cell, color: str, *, filled: bool) -> None:
    corners = cell.vertices
    if not filled:
        axes.fill(*corners.T, facecolor="none", edgecolor=color, linewidth=0.5, zorder=1)
    elif cell.dimension == 2:
        axes.fill(*corners.T, facecolor=color, edgecolor=color, alpha=0.55, linewidth=0.8, zorder=2)
    elif cell.dimension == 1:
        axes.plot(*corners.T, color=color, linewidth=2.2, solid_capstyle="round", zorder=3)
    else:
        axes.plot(*corners.T, "o", color=color, markersize=5, zorder=4)


def _title(found: Preimage, all_regions: bool) -> str:
    cells, parts = len(found.cells), len(found.components)
    most = "" if found.graph_complete else "at most "
    text = f"{cells} cell{'s' * (cells != 1)}, {most}{parts} component{'s' * (parts != 1)}"
    if found.complete:
        text += {True: ", convex", False: ", not convex", None: ", convexity not known"}[found.convex]
    else:
        text += ", not complete"
    return text if all_regions else f"{text}; not all activation regions drawn"
