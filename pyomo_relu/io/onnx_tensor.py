"""ONNX tensors as NumPy arrays; external data is read from the model's own folder only."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.errors import InputError

Array = NDArray[Any]

DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    6: np.dtype("<i4"),
    7: np.dtype("<i8"),
    9: np.dtype("?"),
    10: np.dtype("<f2"),
    11: np.dtype("<f8"),
}
"""The element types of ``onnx.TensorProto`` that are read."""

FLOATS = frozenset({1, 10, 11})


def tensor_array(onnx: Any, tensor: Any, folder: Path) -> Array:
    """Return a ``TensorProto`` as an array.

    Raises
    ------
    InputError
        If its type is not in :data:`DTYPES`, its sizes do not fit, or its data is outside `folder`.
    """
    name = f"tensor {tensor.name!r}"
    dtype = DTYPES.get(tensor.data_type)
    if dtype is None:
        raise InputError(f"{name} has element type {tensor.data_type}, which is not supported")
    if any(n < 0 for n in tensor.dims):
        raise InputError(f"{name} has shape {tuple(tensor.dims)}")
    try:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            data = _external_bytes(tensor, folder, math.prod(tensor.dims) * dtype.itemsize)
            return np.frombuffer(data, dtype).reshape(tensor.dims)
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except ValueError as error:
        raise InputError(f"{name} does not hold what its shape {tuple(tensor.dims)} says") from error


def _external_bytes(tensor: Any, folder: Path, size: int) -> bytes:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    path = _inside(folder, entries.get("location", ""))
    offset, length = int(entries.get("offset", 0)), int(entries.get("length", size))
    try:
        with path.open("rb") as file:
            there = path.stat().st_size
            if length != size or not 0 <= offset <= there - size:
                raise InputError(f"external data is {length} bytes at {offset} of {there}, expected {size} bytes")
            file.seek(offset)
            return file.read(size)
    except OSError as error:
        raise InputError(f"external data cannot be read: {error.strerror}") from error


def _inside(folder: Path, location: Any) -> Path:
    """Return the regular file at `location`, refusing every way out of `folder` before it is opened."""
    refusal = InputError(f"external data at {location!r} is not a file inside the model's own folder")
    if not isinstance(location, str) or not location or ".." in Path(location).parts:
        raise refusal
    try:
        path = (folder / location).resolve()
        if path.is_relative_to(folder.resolve()) and path.is_file():
            return path
    except (OSError, RuntimeError, ValueError) as error:
        raise refusal from error
    raise refusal
