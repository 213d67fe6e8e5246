"""Named networks whose pre-images are known: connected and not convex, disconnected, a sphere, a ball, nothing.

Weights are integers, so that everything about them is exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.figure import check_picture, new_figure, save_figure
from pyomo_relu.network import Network
from pyomo_relu.preimages import preimage
from pyomo_relu.preimages.picture import SIDE, check_drawable, draw_preimage
from pyomo_relu.validation import FloatArray, frozen


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

    Examples
    --------
    >>> points = EXAMPLES["two-points"]
    >>> points.text, points.network([[-1.0], [1.0]]).tolist(), points.x.tolist()
    ('{-1, 1}: G = |z| and x = 1; disconnected', [[1.0], [1.0]], [1.0])
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
    """Draw the pre-image of an example with two inputs, as :func:`~pyomo_relu.preimages.plot_preimage` does.

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

    Examples
    --------
    >>> draw_preimage_2d(EXAMPLES["two-points"], "never.png")
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: only pre-images with 2 inputs can be drawn, got 1: take a slice
    """
    check_drawable(example.network, example.box.is_bounded)
    _draw([example], path)


def draw_preimages_2d(path: str | PathLike[str]) -> None:
    """Draw all the examples that have two inputs in one picture; path and errors as in :func:`draw_preimage_2d`."""
    _draw([example for example in EXAMPLES.values() if example.network.n_in == 2], path)


def _draw(shown: Sequence[Example], path: str | PathLike[str]) -> None:
    target = check_picture(path)
    n_rows = math.isqrt(len(shown))
    n_columns = math.ceil(len(shown) / n_rows)
    figure = new_figure(SIDE * n_columns, SIDE * n_rows)
    for axes, example in zip(np.ravel(figure.subplots(n_rows, n_columns)), shown, strict=True):
        draw_preimage(axes, preimage(example.network, example.x, example.box))
        axes.set_title(example.text.replace("; ", "\n"), fontsize=9)
    save_figure(figure, target)
