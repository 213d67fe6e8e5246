"""Figures and their files; Matplotlib is loaded only when one is drawn, and its global state is left alone."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from pyomo_relu.atomic import atomic_write
from pyomo_relu.errors import InputError, MissingDependencyError

SUFFIXES = (".png", ".svg", ".pdf")
DPI = 150
INK, SOFT, ACCENT = "#1a1a1a", "#6b7280", "#c2410c"


def check_picture(path: str | PathLike[str]) -> Path:
    """Return the path of a picture, or refuse it before anything is computed for it.

    Parameters
    ----------
    path : path
        ``.png``, ``.svg`` or ``.pdf``.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the suffix is not .png, .svg or .pdf.
    MissingDependencyError
        If Matplotlib is not installed.

    Examples
    --------
    >>> check_picture("x.gif")
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: x.gif: cannot draw '.gif'; known: .png, .svg, .pdf
    """
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise InputError(f"{target}: cannot draw {target.suffix!r}; known: {', '.join(SUFFIXES)}")
    new_figure(1.0, 1.0)
    return target


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure of this size, in inches, which knows nothing of pyplot.

    Parameters
    ----------
    width, height : float

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingDependencyError
        If Matplotlib is not installed.

    Examples
    --------
    >>> figure = new_figure(4, 3)
    >>> figure.get_size_inches().tolist(), figure.axes
    ([4.0, 3.0], [])
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise MissingDependencyError('pictures need Matplotlib: pip install "pyomo-relu[plot]"') from error
    layout = ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.07)
    figure = Figure(figsize=(width, height), dpi=DPI, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Any, target: Path) -> None:
    """Write a figure whole or not at all; the suffix picks the format.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        From :func:`new_figure`.
    target : Path
        As :func:`check_picture` returns it.

    Raises
    ------
    InputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_figure(new_figure(2, 2), check_picture(f"{folder}/empty.svg"))
    ...     [path.name for path in Path(folder).iterdir()]
    ['empty.svg']
    """
    kind = target.suffix.lower().lstrip(".")
    from matplotlib import rc_context

    # Without a date, and in SVG random names, the same picture is the same file.
    metadata = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    with atomic_write(target) as file, rc_context({"svg.hashsalt": "pyomo-relu"}):
        figure.savefig(file, format=kind, metadata=metadata)
