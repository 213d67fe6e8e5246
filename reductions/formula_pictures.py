"""Pictures of formulas of two variables as pre-images: a component a model, and the convexity family."""

from __future__ import annotations

from os import PathLike

import numpy as np

from pyomo_relu.figure import check_picture, new_figure, save_figure
from pyomo_relu.preimages import preimage
from pyomo_relu.preimages.picture import SIDE, draw_preimage
from reductions.cnf import CNF
from reductions.convexity_family import ConvexityFamily
from reductions.instance import Instance
from reductions.three_sat import ThreeSat

BOX = (-1.0, 2.0)
"""Of every picture; the pre-images go on beyond it."""


def draw_formulas(path: str | PathLike[str]) -> None:
    """Draw two formulas as networks of :class:`ThreeSat`, and two of :class:`ConvexityFamily`, in one picture.

    Parameters
    ----------
    path : path
        ``.png``, ``.svg`` or ``.pdf``; written whole or not at all.

    Raises
    ------
    InputError
        If the suffix is another one.
    MissingDependencyError
        If Matplotlib is not installed.

    Examples
    --------
    >>> draw_formulas("never.gif")
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: never.gif: cannot draw '.gif'; known: .png, .svg, .pdf
    """
    target = check_picture(path)
    figure = new_figure(2 * SIDE, 2 * SIDE)
    for axes, (title, instance) in zip(np.ravel(figure.subplots(2, 2)), _shown(), strict=True):
        found = preimage(instance.network, instance.observation, BOX)
        draw_preimage(axes, found)
        parts = found.n_components
        axes.set_title(
            f"{title}\n{parts} component{'s' * (parts != 1)}, {'' if found.convex else 'not '}convex", fontsize=9
        )
    save_figure(figure, target)


def _shown() -> list[tuple[str, Instance]]:
    family = ConvexityFamily("nonempty", ThreeSat())
    return [
        ("x1 or x2: three models", ThreeSat().reduce(CNF(2, ((1, 2),)))),
        ("x1 equals x2: two models", ThreeSat().reduce(CNF(2, ((1, -2), (-1, 2))))),
        ("convexity family of x1, which is satisfiable", family.reduce(CNF(1, ((1,),)))),
        ("convexity family of x1 and not x1, which is not", family.reduce(CNF(1, ((1,), (-1,))))),
    ]
