"""Networks in files: one reader a format, picked by suffix.

Readers return layers and writers take them. What a reader does not understand
is an error; nothing is dropped. No reader executes code from a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from pyomo_relu.errors import InputError, NetworkFileError
from pyomo_relu.io import npz, onnx, sklearn, torch
from pyomo_relu.io.observation import read_array
from pyomo_relu.io.optional import require
from pyomo_relu.io.slopes import refuse_slopes
from pyomo_relu.layer import Layer
from pyomo_relu.reading import require_regular

READERS: dict[str, Callable[..., tuple[Layer, ...]]] = {
    ".npz": npz.read,
    ".onnx": onnx.read,
    ".pt": torch.read,
    ".pth": torch.read,
}
WRITERS: dict[str, Callable[[Path, Sequence[Layer]], None]] = {".npz": npz.write, ".onnx": onnx.write}
OBJECTS = (torch.from_object, sklearn.from_object)

__all__ = ["OBJECTS", "READERS", "WRITERS", "read_array", "read_layers", "require", "write_layers"]


def read_layers(source: Any, *, slopes: float | Sequence[float] | None = None) -> tuple[Layer, ...]:
    """Read the layers of a file or of an object; see :func:`pyomo_relu.load_network`.

    Parameters
    ----------
    source : path, torch.nn.Module or sklearn.neural_network.MLPRegressor
    slopes : float or sequence of float, optional
        Activations, only for a file that has none.

    Returns
    -------
    tuple of Layer

    Raises
    ------
    NetworkFileError
        A file that is missing, damaged, or of a suffix or with a part that is not understood.
    InputError
        An object that is no network, or slopes that do not fit.
    MissingDependencyError
        If the package for that format is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_layers(f"{folder}/net.npz", [Layer([[1.0, 2.0]])])
    ...     read_layers(f"{folder}/net.npz")
    (Layer(2 -> 1, ReLU),)
    """
    if not isinstance(source, (str, PathLike)):
        refuse_slopes(slopes, f"a {type(source).__name__}")
        for convert in OBJECTS:
            layers = convert(source)
            if layers is not None:
                return layers
        raise InputError(f"cannot read a network from a {type(source).__name__}")
    path = Path(source)
    require_regular(path, error=NetworkFileError)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise NetworkFileError(f"{path}: unknown suffix {path.suffix!r}; known: {', '.join(READERS)}")
    if not path.exists():
        raise NetworkFileError(f"{path}: no such file")
    return reader(path, slopes=slopes)


def write_layers(path: str | PathLike[str], layers: Sequence[Layer]) -> None:
    """Write `layers` to `path`, atomically, in the format of its suffix.

    Parameters
    ----------
    path : path
        ``.npz`` or ``.onnx``; both hold float64.
    layers : sequence of Layer

    Raises
    ------
    NetworkFileError
        If the suffix is another one.
    MissingDependencyError
        If the package for that format is not installed.

    Examples
    --------
    >>> write_layers("net.h5", [Layer([[1.0, 2.0]])])
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.NetworkFileError: net.h5: cannot write '.h5'; known: .npz, .onnx
    """
    target = Path(path)
    writer = WRITERS.get(target.suffix.lower())
    if writer is None:
        raise NetworkFileError(f"{target}: cannot write {target.suffix!r}; known: {', '.join(WRITERS)}")
    writer(target, layers)
