"""Pictures of inversions: of one observation, and of many beside each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.figure import ACCENT, INK, SOFT, check_picture, new_figure, save_figure
from pyomo_relu.problem import observed
from pyomo_relu.validation import FloatArray, as_vector

SMALLEST_IMAGE = 16
STEMS = 64
HOLE = "#e8d9a8"


@dataclass(frozen=True, eq=False)
class GalleryRow:
    """One row of :func:`plot_gallery`.

    Parameters
    ----------
    label : str
        What the row shows.
    images : sequence of array, shape (n,), or None
        One a column, n a perfect square; None where there is nothing to show.
    captions : sequence of str
        A line or two below each image.

    Examples
    --------
    >>> row = GalleryRow("observed", [np.zeros(16), None], ["3.1 dB", ""])
    >>> row.label, len(row.images)
    ('observed', 2)
    """

    label: str
    images: Sequence[FloatArray | None]
    captions: Sequence[str]


def image_side(size: int) -> int | None:
    """Return the side of a square image of `size` pixels, or None where `size` is no square, or below 16.

    Parameters
    ----------
    size : int

    Returns
    -------
    int or None

    Examples
    --------
    >>> image_side(784), image_side(100_000), image_side(9)
    (28, None, None)
    """
    side = math.isqrt(size)
    return side if side * side == size and size >= SMALLEST_IMAGE else None


def plot_inversion(
    observation: Any, reconstruction: Any, path: str | PathLike[str], *, mask: Any = None, title: str = ""
) -> None:
    """Draw an observation, its reconstruction ``A G(z)`` and the error between them.

    A perfect square of at least 16 numbers is drawn as images, row by row; others as stems, or lines from 64 on.

    Parameters
    ----------
    observation : array_like, shape (n,)
        Where the mask is False its entries may be anything, even NaN.
    reconstruction : array_like, shape (n,)
    path : path
        ``.png``, ``.svg`` or ``.pdf``; written whole or not at all.
    mask : array_like of bool, shape (n,), optional
        True where observed; the other entries are marked, and have no error.
    title : str
        A line above the picture.

    Raises
    ------
    InputError, ShapeError
        If the inputs do not fit, the mask observes nothing, or the suffix is unknown.
    MissingDependencyError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "x.png"
    ...     plot_inversion([1.0, 0.0, 2.0], [1.1, 0.0, 2.0], path)
    ...     path.exists()
    True
    """
    target = check_picture(path)
    shown = as_vector(reconstruction, np.size(reconstruction), "reconstruction")
    n = shown.size
    if np.shape(observation) != (n,):
        raise ShapeError(f"observation has shape {np.shape(observation)}, the reconstruction {shown.shape}")
    seen, values = observed(observation, np.ones(n) if mask is None else mask, n)
    target_values = np.zeros(n)
    target_values[seen] = values
    error = np.where(seen, shown - target_values, 0.0)
    side = image_side(n)
    if side is None:
        figure = _as_curves(target_values, shown, error, seen)
    else:
        figure = _as_images(target_values, shown, error, seen, side)
    if title:
        figure.suptitle(title, fontsize=11, color=INK, wrap=True)
    save_figure(figure, target)


def plot_gallery(
    rows: Sequence[GalleryRow], columns: Sequence[str], path: str | PathLike[str], *, title: str = ""
) -> None:
    """Draw rows of square images under column headings, in one shade of grey from 0 to 1.

    Parameters
    ----------
    rows : sequence of GalleryRow
    columns : sequence of str
        Headings, one a column.
    path : path
        ``.png``, ``.svg`` or ``.pdf``; written whole or not at all.
    title : str
        A line above the picture.

    Raises
    ------
    InputError, ShapeError
        If a row does not have one image and one caption a column, an image is no square, or the suffix is unknown.
    MissingDependencyError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "digits.png"
    ...     plot_gallery([GalleryRow("observed", [np.eye(4).ravel()], ["an identity"])], ["first"], path)
    ...     path.exists()
    True
    """
    target = check_picture(path)
    if not rows or not columns:
        raise InputError("a gallery needs at least one row and one column")
    for row in rows:
        if len(row.images) != len(columns) or len(row.captions) != len(columns):
            found = f"{len(row.images)} images and {len(row.captions)} captions"
            raise ShapeError(f"row {row.label!r} has {found} for {len(columns)} columns")
    # A single column still leaves room for a title.
    figure = new_figure(max(3.4, 1.3 + 1.35 * len(columns)), 0.5 + 1.62 * len(rows))
    grid = figure.subplots(len(rows), len(columns), squeeze=False)
    for i, row in enumerate(rows):
        for j, image in enumerate(row.images):
            axes = grid[i, j]
            _bare(axes)
            if image is None:
                axes.text(0.5, 0.5, "no code", ha="center", va="center", fontsize=9, color=SOFT)
                axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
            else:
                axes.imshow(_square(image, row.label), cmap="gray", vmin=0.0, vmax=1.0)
            axes.set_xlabel(row.captions[j], fontsize=7, color=SOFT, labelpad=3, linespacing=1.25)
            if i == 0:
                axes.set_title(columns[j], fontsize=10, color=INK, pad=5)
        grid[i, 0].set_ylabel(row.label, fontsize=9, color=INK, rotation=0, ha="right", va="center", labelpad=8)
    if title:
        figure.suptitle(title, fontsize=11, color=INK, wrap=True)
    save_figure(figure, target)


def _as_images(target: FloatArray, shown: FloatArray, error: FloatArray, seen: NDArray[np.bool_], side: int) -> Any:
    figure = new_figure(9.2, 3.2)
    left, middle, right = figure.subplots(1, 3)
    low = min(float(target[seen].min()), float(shown.min()))
    high = max(float(target[seen].max()), float(shown.max()))
    reach = float(np.abs(error).max()) or 1.0
    gray = {"cmap": "gray", "vmin": low, "vmax": high if high > low else low + 1.0}
    left.imshow(target.reshape(side, side), **gray)
    brightness = middle.imshow(shown.reshape(side, side), **gray)
    departure = right.imshow(error.reshape(side, side), cmap="RdBu_r", vmin=-reach, vmax=reach)
    for axes, drawn in ((middle, brightness), (right, departure)):
        # Inside the image's own frame the bar is as high as the image, whatever the layout makes of it.
        bar = figure.colorbar(drawn, cax=axes.inset_axes((1.035, 0.0, 0.045, 1.0)))
        bar.ax.tick_params(labelsize=8, colors=INK)
        bar.outline.set(color="#d1d5db", linewidth=0.6)
    for axes, name in ((left, "observation"), (middle, "reconstruction A G(z)"), (right, _error_title(error))):
        _bare(axes)
        axes.set_title(name, fontsize=10, color=INK, pad=6)
    for axes in (left, right):
        _hatch(axes, ~seen.reshape(side, side))
    if not seen.all():
        left.set_xlabel(f"hatched: {np.count_nonzero(~seen)} of {seen.size} not observed", fontsize=8, color=SOFT)
    return figure


def _as_curves(target: FloatArray, shown: FloatArray, error: FloatArray, seen: NDArray[np.bool_]) -> Any:
    figure = new_figure(9.2, 4.4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    index = np.arange(target.size, dtype=np.float64)
    known = np.where(seen, target, np.nan)
    if target.size <= STEMS:
        _stems(above, index - 0.12, known, INK, "observation", "o")
        _stems(above, index + 0.12, shown, ACCENT, "reconstruction A G(z)", "s")
        _stems(below, index, np.where(seen, error, np.nan), ACCENT, "", "o")
    else:
        above.plot(index, known, color=INK, lw=1.1, label="observation")
        above.plot(index, shown, color=ACCENT, lw=1.0, label="reconstruction A G(z)")
        below.fill_between(index, np.where(seen, error, np.nan), color=ACCENT, alpha=0.35, lw=0)
        below.plot(index, np.where(seen, error, np.nan), color=ACCENT, lw=0.9)
    hidden = "not observed"
    for start, stop in _runs(~seen):
        for axes in (above, below):
            axes.axvspan(start - 0.5, stop - 0.5, facecolor=HOLE, alpha=0.45, lw=0, label=hidden)
        hidden = "_"
    for axes in (above, below):
        axes.axhline(0.0, color=SOFT, lw=0.7, zorder=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8, colors=INK)
    above.set_xlim(-0.75, target.size - 0.25)
    above.legend(fontsize=8, frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    below.set_title(_error_title(error), fontsize=9, color=INK, loc="left", pad=4)
    below.set_xlabel("entry", fontsize=9, color=INK)
    below.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    return figure


def _stems(axes: Any, at: FloatArray, values: FloatArray, color: str, label: str, marker: str) -> None:
    axes.vlines(at, 0.0, values, color=color, lw=1.0, alpha=0.6)
    axes.plot(at, values, marker, ms=4, color=color, label=label)


def _hatch(axes: Any, hidden: NDArray[np.bool_]) -> None:
    from matplotlib.collections import PolyCollection

    corners = [
        [(start - 0.5, row - 0.5), (stop - 0.5, row - 0.5), (stop - 0.5, row + 0.5), (start - 0.5, row + 0.5)]
        for row in range(len(hidden))
        for start, stop in _runs(hidden[row])
    ]
    if corners:
        axes.add_collection(
            PolyCollection(corners, facecolor=HOLE, edgecolor="#a08a45", hatch="////", linewidth=0.0), autolim=False
        )


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the stretches (start, stop) of a vector in which it is True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _error_title(error: FloatArray) -> str:
    return f"error A G(z) - x, largest {np.abs(error).max():.3g}"


def _bare(axes: Any) -> None:
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color="#d1d5db", linewidth=0.6)


def _square(image: FloatArray, label: str) -> FloatArray:
    side = image_side(int(np.size(image)))
    if side is None:
        raise ShapeError(f"row {label!r} has an image of {np.size(image)} pixels, which is no square")
    return np.asarray(image, dtype=np.float64).reshape(side, side)
