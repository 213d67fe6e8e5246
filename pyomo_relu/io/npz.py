"""Networks as NumPy archives, the package's own format.

::

    format    "pyomo-relu"
    version   1
    weight_1  (n_1, k)      bias_1  (n_1,)      slope_1  () or (n_1,)
    weight_2  (n_2, n_1)    bias_2  (n_2,)      slope_2  () or (n_2,)    ...

Also read are files with the keys ``W1, b1, W2, b2, ...`` and perhaps ``act``,
which must be "relu". Where a file has no slopes, the caller must give them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.atomic import atomic_write
from pyomo_relu.errors import NetworkFileError
from pyomo_relu.io.affine import AffineChain
from pyomo_relu.io.archive import open_archive
from pyomo_relu.io.blame import blaming
from pyomo_relu.io.npy import read_npy
from pyomo_relu.io.slopes import expand_slopes, refuse_slopes
from pyomo_relu.layer import Layer

FORMAT, VERSION = "pyomo-relu", 1


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
            chain.linear(arrays[f"{kinds[0]}{i}"])
            chain.shift(arrays[f"{kinds[1]}{i}"])
            chain.activate(slope)
    return chain.layers()


def write(path: Path, layers: Sequence[Layer]) -> None:
    """Write `layers` to an .npz file, atomically and exactly (float64)."""
    arrays: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    for i, layer in enumerate(layers, start=1):
        arrays |= {f"weight_{i}": layer.weight, f"bias_{i}": layer.bias, f"slope_{i}": layer.activation.compact}
    with atomic_write(path) as file:
        np.savez(file, **arrays)


def _check_names(names: list[str]) -> tuple[list[str], int]:
    """Return the kinds of arrays, weight and bias first, and the number of layers."""
    own = "W1.npy" not in names
    kinds = ["weight_", "bias_"] if own else ["W", "b"]
    if own and any(name.startswith("slope_") for name in names):
        kinds.append("slope_")
    n = max(1, sum(name.startswith(kinds[0]) for name in names))
    expected = {f"{kind}{i}.npy" for i in range(1, n + 1) for kind in kinds}
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
        if tag != (FORMAT, VERSION):
            raise NetworkFileError(f"format and version are {str(tag)[:80]}, expected {(FORMAT, VERSION)}")
    if "act" in arrays:
        act = _single(arrays, "act")
        if act != "relu":
            raise NetworkFileError(f"act is {repr(act)[:80]}; only 'relu' is understood")
        return [0.0] * n
    return [arrays[f"slope_{i}"] for i in range(1, n + 1)] if "slope_1" in arrays else []


def _single(arrays: Mapping[str, NDArray[Any]], name: str) -> Any:
    if arrays[name].shape:
        raise NetworkFileError(f"{name} has shape {arrays[name].shape}, expected one value")
    return arrays[name].item()
