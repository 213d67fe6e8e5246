"""ONNX tensors as NumPy arrays; external data is read from the model's own folder only."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pyomo_relu.errors import InputError
from pyomo_relu.reading import opened, size_of

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


MAX_EXTERNAL = 2**31
"""Bytes of external data of one model: many tensors can name the same bytes of one file."""


class ExternalData:
    """What a model keeps outside its own file, of which it may ask for `MAX_EXTERNAL` bytes in all.

    Parameters
    ----------
    folder : Path
        The model's own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.left = folder, MAX_EXTERNAL

    def read(self, tensor: Any, size: int) -> bytes:
        """Return the `size` bytes of a tensor.

        Raises
        ------
        InputError
            If they are not in a regular file inside the folder, or too many.
        """
        entries = {entry.key: entry.value for entry in tensor.external_data}
        path = _inside(self.folder, entries.get("location", ""))
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", size))
        with opened(path, MAX_EXTERNAL, "external data") as file:
            there = size_of(file)
            if length != size or not 0 <= offset <= there - size:
                raise InputError(f"external data is {length} bytes at {offset} of {there}, expected {size} bytes")
            self.left -= size
            if self.left < 0:
                raise InputError(f"with it the model's external data has more than {MAX_EXTERNAL} bytes")
            try:
                file.seek(offset)
                return file.read(size)
            except OSError as error:
                raise InputError(f"external data cannot be read: {error.strerror}") from error


def tensor_array(onnx: Any, tensor: Any, external: ExternalData) -> Array:
    """Return a ``TensorProto`` as an array.

    Raises
    ------
    InputError
        If its type is not in :data:`DTYPES`, its sizes do not fit, or its data is outside the model's folder.
    """
    name = f"tensor {tensor.name!r}"
    dtype = DTYPES.get(tensor.data_type)
    if dtype is None:
        raise InputError(f"{name} has element type {tensor.data_type}, which is not supported")
    if any(n < 0 for n in tensor.dims):
        raise InputError(f"{name} has shape {tuple(tensor.dims)}")
    try:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            data = external.read(tensor, math.prod(tensor.dims) * dtype.itemsize)
            return np.frombuffer(data, dtype).reshape(tensor.dims)
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except ValueError as error:
        raise InputError(f"{name} does not hold what its shape {tuple(tensor.dims)} says") from error


def sparse_array(onnx: Any, tensor: Any, external: ExternalData) -> Any:
    """Return a ``SparseTensorProto`` of two axes as a ``scipy.sparse.csr_array``.

    Raises
    ------
    InputError
        As :func:`tensor_array`, or if its indices do not fit.
    """
    name = f"sparse tensor {tensor.values.name!r}"
    values, places = (tensor_array(onnx, part, external) for part in (tensor.values, tensor.indices))
    shape = tuple(tensor.dims)
    if len(shape) != 2 or not all(0 < n < 2**31 for n in shape):
        raise InputError(f"{name} has shape {shape}; two axes are supported")
    if places.dtype.kind != "i" or places.shape not in (values.shape, (values.size, 2)) or values.ndim != 1:
        raise InputError(f"{name} has {values.size} values and indices of shape {places.shape}")
    # SciPy has no sparse matrix of float16.
    values = values.astype(np.float64) if values.dtype.kind == "f" else values
    rows, columns = divmod(places, shape[1]) if places.ndim == 1 else places.T
    try:
        return csr_array((values, (rows, columns)), shape=shape)
    except ValueError as error:
        raise InputError(f"{name} has indices beyond its shape {shape}") from error


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
