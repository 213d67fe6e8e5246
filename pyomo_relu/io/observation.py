"""Observations, masks and operators in files: ``.npy``, ``.csv``, ``.txt`` and ``.json``."""

from __future__ import annotations

import io
from array import array as flat_array
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from pyomo_relu.documents import MOST_JSON, parse_json
from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.io.npy import read_npy
from pyomo_relu.reading import content, opened, require_regular, size_of
from pyomo_relu.validation import FloatArray, as_float_array

MAX_BYTES = 2**30
"""Of a .npy file, which is what is read in memory."""

MAX_TEXT = 2**28
"""Bytes of text: a number of two characters takes eight bytes."""

MAX_LINE = 2**24
"""Characters of a line of text, which is cut into words at once."""

_AS_NPY = "save it as .npy"


def read_array(path: str | PathLike[str], name: str, *, matrix: bool = False) -> FloatArray:
    """Read an array of real numbers; its suffix picks the format.

    Parameters
    ----------
    path : path
        ``.npy``; ``.csv`` or ``.txt``, numbers separated by commas or white space, with comments
        from ``#`` on; ``.json``, a list of numbers or of such lists. No pickle is ever loaded.
    name : str
        What it is, such as ``"observation"``, for the error's first word.
    matrix : bool
        Text says nothing of axes. False: one line, or one number a line, is a vector.
        True: its lines are always the rows of a matrix.

    Returns
    -------
    array of float64
        Of the shape that the file has. NaN and infinite entries pass: a mask may cover them.

    Raises
    ------
    InputError
        One line for a file that is missing, a folder, damaged, pickled, too large or not made of numbers.
    ShapeError
        If it is empty or ragged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "x.csv"
    ...     _ = path.write_text("1, 2.5, 0")
    ...     read_array(path, "observation").tolist()
    [1.0, 2.5, 0.0]
    """
    source = Path(path)
    where = f"{name} {source}"
    require_regular(source, where)
    reader = _READERS.get(source.suffix.lower())
    if reader is None:
        raise InputError(f"{where}: unknown suffix {source.suffix!r}; known: {', '.join(_READERS)}")
    array = as_float_array(reader(source, where), where)
    if array.size == 0:
        raise ShapeError(f"{where}: is empty")
    from_text = source.suffix.lower() in _TEXT
    return array.ravel() if from_text and not matrix and 1 in array.shape else array


def _read_npy(path: Path, where: str) -> Any:
    with opened(path, MAX_BYTES, where) as file:
        return read_npy(file, size_of(file), where)


def _read_text(path: Path, where: str) -> Any:
    found, width = flat_array("d"), 0
    for number, line in _lines(path, where):
        text = line.split("#", 1)[0].strip()
        if text:
            row = _numbers(text, f"{where}: line {number}")
            width = width or len(row)
            if len(row) != width:
                raise ShapeError(f"{where} is ragged: line {number} has {len(row)} numbers, those before {width}")
            found.extend(row)
    return np.array(found).reshape(-1, max(width, 1))


def _lines(path: Path, where: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text, from 1."""
    with opened(path, MAX_TEXT, where, remedy=_AS_NPY) as file, io.TextIOWrapper(file, "utf-8-sig") as text:
        try:
            for number, line in enumerate(iter(lambda: text.readline(MAX_LINE), ""), start=1):
                if len(line) == MAX_LINE:
                    raise InputError(f"{where}: line {number} has {MAX_LINE} characters or more: {_AS_NPY}")
                yield number, line
        except UnicodeDecodeError as error:
            raise InputError(f"{where}: damaged, or not text in UTF-8") from error
        except OSError as error:
            raise InputError(f"{where}: {error.strerror}") from error


def _numbers(text: str, where: str) -> list[float]:
    found: list[float] = []
    for cell in text.split(","):
        if not cell.strip():
            raise InputError(f"{where}: has an empty cell")
        for word in cell.split():
            try:
                # Python takes 1_000 for a number; in a file it is a slip.
                found.append(float(word if "_" not in word else ""))
            except ValueError as error:
                raise InputError(f"{where}: {word[:40]!r} is not a number") from error
    return found


def _read_json(path: Path, where: str) -> Any:
    # Whole numbers of any length become floats, which as Python integers would not fit.
    found = parse_json(content(path, MOST_JSON, where, remedy=_AS_NPY), where, parse_int=float, nan=True)
    if not isinstance(found, list):
        raise InputError(f"{where}: must be a JSON list of numbers")
    return found


_READERS: dict[str, Callable[[Path, str], Any]] = {
    ".npy": _read_npy,
    ".csv": _read_text,
    ".txt": _read_text,
    ".json": _read_json,
}
_TEXT = (".csv", ".txt")
