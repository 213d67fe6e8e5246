"""Rows of images side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pyomo_relu.experiments.experiment import Row
from pyomo_relu.experiments.statistics import select
from pyomo_relu.network import Network
from pyomo_relu.plots import image_side
from pyomo_relu.validation import FloatArray

Band = tuple[str, Sequence[FloatArray | None], Sequence[str]]
"""A label, square images (NaN where nothing was observed; None where there is nothing to show), a caption each."""


def band_of(method: str, cells: Sequence[Sequence[Row]], networks: Sequence[Network]) -> Band:
    """Return what a method made of each column: its image and PSNR, or why there is none.

    Parameters
    ----------
    method : str
    cells : sequence of sequence of Row
        The rows of each column; the method need not be among them.
    networks : sequence of Network
        The generator of each column.
    """
    images: list[FloatArray | None] = []
    captions = []
    for cell, network in zip(cells, networks, strict=True):
        found = select(cell, method=method)
        code = found[0]["z"] if found else None
        images.append(None if code is None else network(code))
        captions.append("not run" if not found else "no code" if code is None else f"{found[0]['psnr']:.1f} dB")
    return method, images, captions


def draw_gallery(figure: Any, bands: Sequence[Band]) -> None:
    """Draw one band of images below the other, grey from 0 to 1, unobserved pixels coloured; the figure is fitted."""
    from matplotlib import colormaps

    grey = colormaps["gray"].with_extremes(bad="#e8d9a8")
    figure.set_size_inches(2.4 + 1.35 * len(bands[0][1]), 0.6 + 1.45 * len(bands))
    grid = figure.subplots(len(bands), len(bands[0][1]), squeeze=False)
    for axes_row, (label, images, captions) in zip(grid, bands, strict=True):
        for axes, image, caption in zip(axes_row, images, captions, strict=True):
            axes.set(xticks=[], yticks=[])
            if image is None:
                axes.text(0.5, 0.5, caption, ha="center", va="center", fontsize=8)
                axes.set_aspect("equal")
            else:
                axes.set_xlabel(caption, fontsize=7, labelpad=2)
                side = image_side(image.size)
                assert side is not None
                axes.imshow(np.reshape(image, (side, side)), cmap=grey, vmin=0.0, vmax=1.0)
        axes_row[0].set_ylabel(
            label.replace(" on the", "\non the"), fontsize=8, rotation=0, ha="right", va="center", labelpad=6
        )
