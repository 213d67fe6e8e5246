"""NumPy's .npy format: a header, and as many bytes as it says. No pickle is ever loaded."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.errors import InputError
from pyomo_relu.io.archive import DAMAGE

_HEADERS: dict[tuple[int, int], Callable[[Any], Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""Of what holds plain numbers; version 3.0 is for records whose fields have names of other alphabets."""

_TOO_LONG = 2**63


def read_npy(file: IO[bytes], size: int, name: str) -> NDArray[Any]:
    """Read an array from an open file; what its header claims beyond the file's bytes takes no memory.

    Parameters
    ----------
    file : binary file
    size : int
        Bytes that it has.
    name : str
        What errors begin with.

    Returns
    -------
    array
        Read-only.

    Raises
    ------
    InputError
        One line, if it is damaged, holds Python objects, or has more or fewer bytes than its shape says.

    Examples
    --------
    >>> import io
    >>> np.save(file := io.BytesIO(), [1.0, 2.0])
    >>> data = file.getvalue()
    >>> read_npy(io.BytesIO(data), len(data), "x.npy")
    array([1., 2.])
    >>> read_npy(io.BytesIO(data), len(data) - 8, "x.npy")
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: x.npy: damaged: 8 bytes fewer than its shape (2,) says
    """
    try:
        shape, is_fortran, dtype, read = _header(file)
    except (*DAMAGE, OverflowError, RecursionError, TypeError) as error:
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise InputError(f"{name}: damaged, or not a .npy file ({reason})") from error
    if dtype.hasobject:
        raise InputError(f"{name}: holds pickled Python objects, which are never loaded")
    # True is an integer to Python, and entries of no bytes may be any number.
    if not all(type(n) is int and 0 <= n < _TOO_LONG for n in shape) or dtype.itemsize == 0:
        raise InputError(f"{name}: damaged: its shape is not made of sizes, or its entries have none")
    spare = size - read - math.prod(shape) * dtype.itemsize
    if spare:
        said = f"{abs(spare)} bytes {'more' if spare > 0 else 'fewer'} than its shape {str(shape)[:80]} says"
        raise InputError(f"{name}: damaged: {said}")
    # One byte too many is asked for: at the end of an archive's member its checksum is compared.
    data = file.read(size - read + 1)
    if len(data) != size - read:
        raise InputError(f"{name}: damaged: {len(data)} bytes after its header, expected {size - read}")
    try:
        return np.ndarray(shape, dtype, data, order="F" if is_fortran else "C")
    except ValueError as error:
        raise InputError(f"{name}: damaged: its shape is {str(shape)[:80]} ({str(error)[:80]})") from error


def _header(file: IO[bytes]) -> tuple[tuple[Any, ...], bool, np.dtype[Any], int]:
    """Return shape, order and dtype, and how many bytes the header has."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"version {version[0]}.{version[1]}, expected 1.0 or 2.0")
    with warnings.catch_warnings():
        # Of headers that Python 2 wrote.
        warnings.simplefilter("ignore", UserWarning)
        shape, is_fortran, dtype = _HEADERS[version](file)
    return shape, is_fortran, dtype, file.tell()
