"""Networks as NumPy archives, the package's own format.

::

    format    "pyomo-relu"
    version   1
    weight_1  (n_1, k)      bias_1  (n_1,)      slope_1  () or (n_1,)
    weight_2  (n_2, n_1)    bias_2  (n_2,)      slope_2  () or (n_2,)    ...

A sparse weight is ``weight_1_data``, ``weight_1_indices``, ``weight_1_indptr`` and ``weight_1_shape`` in the place of
``weight_1``, as SciPy's ``csr_array`` has them, and the version is 2.

Also read are files with the keys ``W1, b1, W2, b2, ...`` and perhaps ``act``,
which must be "relu". Where a file has no slopes, the caller must give them.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from pyomo_relu.atomic import atomic_write
from pyomo_relu.errors import NetworkFileError
from pyomo_relu.io.affine_chain import MAX_ENTRIES, AffineChain
from pyomo_relu.io.archive import open_archive
from pyomo_relu.io.blame import blaming
from pyomo_relu.io.npy import read_npy
from pyomo_relu.io.slopes import expand_slopes, refuse_slopes
from pyomo_relu.layer import Layer

FORMAT, VERSIONS = "pyomo-relu", (1, 2)

SPARSE = ("data", "indices", "indptr", "shape")


def read(path: Path, *, slopes: float | Sequence[float] | None = None) -> tuple[Layer, ...]:
    """Read the layers of an .npz file; no pickle is ever loaded.

    Parameters
    ----------
    path : Path
    slopes : float or sequence of float, optional
        Activations, only for a file that has none.

    Raises
    ------
    NetworkFileError
        If the file is damaged, a key is missing or unknown, or an array does not fit.
    InputError
        If `slopes` are given and the file has its own, or they do not fit.
    """
    with open_archive(path) as (archive, _), blaming(path):
        names = archive.namelist()
        kinds, n = _check_names(names)
        arrays = {name.removesuffix(".npy"): _array(archive, name) for name in names}
        own_slopes = _own_slopes(arrays, n)
    if own_slopes:
        refuse_slopes(slopes, path)
    chain = AffineChain()
    for i, slope in enumerate(own_slopes or expand_slopes(slopes, n, path), start=1):
        with blaming(f"{path}: layer {i}"):
            chain.linear(_weight(arrays, f"{kinds[0]}{i}"))
            chain.shift(arrays[f"{kinds[1]}{i}"])
            chain.activate(slope)
    return chain.layers()


def write(path: Path, layers: Sequence[Layer]) -> None:
    """Write `layers` to an .npz file, atomically and exactly (float64)."""
    sparse = [issparse(layer.weight) for layer in layers]
    newer = any(sparse) or any(layer.activation.uniform is None for layer in layers)
    arrays: dict[str, Any] = {"format": FORMAT, "version": VERSIONS[newer]}
    for i, layer in enumerate(layers, start=1):
        if sparse[i - 1]:
            arrays |= {f"weight_{i}_{part}": getattr(layer.weight, part) for part in SPARSE}
        else:
            arrays[f"weight_{i}"] = layer.weight
        arrays |= {f"bias_{i}": layer.bias, f"slope_{i}": layer.activation.compact}
    with atomic_write(path) as file:
        np.savez(file, **arrays)


def _check_names(names: list[str]) -> tuple[list[str], int]:
    """Return the kinds of arrays, weight and bias first, and the number of layers."""
    own = "W1.npy" not in names
    kinds = ["weight_", "bias_"] if own else ["W", "b"]
    if own and any(name.startswith("slope_") for name in names):
        kinds.append("slope_")
    others = tuple(f"_{part}.npy" for part in SPARSE[1:]) if own else ()
    n = max(1, sum(name.startswith(kinds[0]) and not name.endswith(others) for name in names))
    expected = {f"{kind}{i}.npy" for i in range(1, n + 1) for kind in kinds}
    for i in range(1, n + 1) if own else ():
        parts = {f"weight_{i}_{part}.npy" for part in SPARSE}
        if parts.intersection(names) and f"weight_{i}.npy" not in names:
            expected = expected - {f"weight_{i}.npy"} | parts
    expected |= {"format.npy", "version.npy"} if own else {"act.npy"}.intersection(names)
    for trouble, wrong in (("missing", expected.difference(names)), ("unknown", set(names) - expected)):
        if wrong:
            keys = sorted(name.removesuffix(".npy") for name in wrong)
            raise NetworkFileError(f"{trouble} keys: {', '.join(map(repr, keys[:8]))}")
    return kinds, n


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(name) as file:
        array = read_npy(file, archive.getinfo(name).file_size, name)
    if array.dtype.kind != "U" and not np.can_cast(array.dtype, np.float64, "safe"):
        raise NetworkFileError(f"{name} has dtype {array.dtype}, which does not fit in float64")
    return array


def _own_slopes(arrays: Mapping[str, NDArray[Any]], n: int) -> list[Any]:
    """Return the slopes that the file holds, none if it has none."""
    if "format" in arrays:
        tag = _single(arrays, "format"), _single(arrays, "version")
        if tag[0] != FORMAT or tag[1] not in VERSIONS:
            raise NetworkFileError(
                f"format and version are {str(tag)[:80]}, expected {(FORMAT, VERSIONS[-1])} or before"
            )
    if "act" in arrays:
        act = _single(arrays, "act")
        if act != "relu":
            raise NetworkFileError(f"act is {repr(act)[:80]}; only 'relu' is understood")
        return [0.0] * n
    return [arrays[f"slope_{i}"] for i in range(1, n + 1)] if "slope_1" in arrays else []


def _weight(arrays: Mapping[str, NDArray[Any]], name: str) -> Any:
    """Return a weight, dense or sparse; what SciPy cannot make a matrix of is damage."""
    if name in arrays:
        return arrays[name]
    data, indices, indptr, shape = (arrays[f"{name}_{part}"] for part in SPARSE)
    if shape.shape != (2,) or any(part.ndim != 1 for part in (data, indices, indptr)):
        raise NetworkFileError("the parts of its sparse weight have not one axis each, and a shape of two sizes")
    if any(part.dtype.kind not in "iu" for part in (indices, indptr, shape)):
        raise NetworkFileError("the indices of its sparse weight are no integers")
    if math.prod(int(size) for size in shape) > MAX_ENTRIES or shape[0] + 1 != indptr.size:
        raise NetworkFileError(f"its sparse weight has the shape {shape.tolist()}, which is too large or no fit")
    try:
        matrix = csr_array((data, indices, indptr), shape=tuple(shape.tolist()))
        matrix.check_format(full_check=True)
    except ValueError as error:
        raise NetworkFileError(f"its sparse weight is damaged: {' '.join(str(error).split())[:80]}") from error
    return matrix


def _single(arrays: Mapping[str, NDArray[Any]], name: str) -> Any:
    if arrays[name].shape:
        raise NetworkFileError(f"{name} has shape {arrays[name].shape}, expected one value")
    return arrays[name].item()
