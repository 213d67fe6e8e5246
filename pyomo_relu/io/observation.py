"""Observations, masks and operators in files: ``.npy``, ``.csv``, ``.txt`` and ``.json``."""

from __future__ import annotations

import json
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.io.archive import DAMAGE, MAX_BYTES
from pyomo_relu.validation import FloatArray, as_float_array


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
    if source.is_dir():
        raise InputError(f"{where}: is a folder")
    reader = _READERS.get(source.suffix.lower())
    if reader is None:
        raise InputError(f"{where}: unknown suffix {source.suffix!r}; known: {', '.join(_READERS)}")
    if not source.is_file():
        raise InputError(f"{where}: no such file")
    try:
        size = source.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{where}: has {size} bytes, more than {MAX_BYTES}")
        found = reader(source, where)
    except OSError as error:
        raise InputError(f"{where}: {error.strerror or error}") from error
    array = as_float_array(found, where)
    if array.size == 0:
        raise ShapeError(f"{where}: is empty")
    from_text = source.suffix.lower() in _TEXT
    return array.ravel() if from_text and not matrix and 1 in array.shape else array


def _read_npy(path: Path, where: str) -> Any:
    # np.load takes a file without NumPy's magic for a pickle, and so misnames plain damage.
    with path.open("rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise InputError(f"{where}: damaged, or not a .npy file")
    try:
        # A map, so that a header which claims more than the file holds is found before memory is taken.
        array = np.lib.format.open_memmap(path, mode="r")
    except (*DAMAGE, OverflowError, TypeError) as error:
        if "Python objects" in str(error):
            raise InputError(f"{where}: holds pickled Python objects, which are never loaded") from error
        reason = " ".join(str(error).split())[:80]
        raise InputError(f"{where}: damaged, or not a .npy file ({reason})") from error
    unread = path.stat().st_size - array.offset - array.nbytes
    if unread and array.size:
        raise InputError(f"{where}: damaged: {unread} bytes more than its shape {array.shape} says")
    return np.array(array)


def _read_text(path: Path, where: str) -> Any:
    rows: list[list[float]] = []
    for number, line in enumerate(_decoded(path, where).splitlines(), start=1):
        text = line.split("#", 1)[0].strip()
        if text:
            rows.append(_numbers(text, f"{where}: line {number}"))
    return rows


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
    try:
        # Whole numbers of any length become floats, which as Python integers would not fit.
        found = json.loads(_decoded(path, where), parse_int=float)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{where}: damaged, or not JSON ({error})") from error
    if not isinstance(found, list):
        raise InputError(f"{where}: must be a JSON list of numbers")
    return found


def _decoded(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: damaged, or not text in UTF-8") from error


_READERS: dict[str, Callable[[Path, str], Any]] = {
    ".npy": _read_npy,
    ".csv": _read_text,
    ".txt": _read_text,
    ".json": _read_json,
}
_TEXT = (".csv", ".txt")
