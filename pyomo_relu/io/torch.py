"""Networks from PyTorch: ``Sequential`` modules and state dicts. No code of a file is run."""

from __future__ import annotations

import pickle
import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyomo_relu.errors import NetworkFileError
from pyomo_relu.io.affine_chain import AffineChain
from pyomo_relu.io.archive import open_archive
from pyomo_relu.io.blame import blaming, catching
from pyomo_relu.io.optional import require
from pyomo_relu.io.slopes import expand_slopes, refuse_slopes
from pyomo_relu.io.torch_modules import SUPPORTED, module_layers
from pyomo_relu.io.torch_state import state_arrays
from pyomo_relu.layer import Layer

DAMAGE = (
    pickle.UnpicklingError,
    struct.error,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What torch.load, and modules that it builds, raise for bytes that are not theirs."""


def read(path: Path, *, slopes: float | Sequence[float] | None = None) -> tuple[Layer, ...]:
    """Read a state dict, or a whole ``Sequential`` saved by ``torch.save(model, path)``.

    Only ``torch.load(weights_only=True)`` is used, and only the classes of
    :data:`~pyomo_relu.io.torch_modules.SUPPORTED` are let in. Modules are taken in
    their eval form.

    Parameters
    ----------
    path : Path
    slopes : float or sequence of float, optional
        Activations: a state dict holds none, so it needs them. An error for a ``Sequential``.

    Raises
    ------
    NetworkFileError
        If the file is damaged or holds another class or key, or a state dict comes without `slopes`.
    InputError
        If `slopes` do not fit, or come with a ``Sequential``.
    MissingDependencyError
        If PyTorch is not installed.
    """
    torch = require("torch", "reading PyTorch files")
    content = _load(torch, path)
    if isinstance(content, torch.nn.Module):
        refuse_slopes(slopes, path)
        # The classes are PyTorch's own, but what the file put into them can be anything.
        with blaming(path), catching("a module", DAMAGE):
            return module_layers(torch, content)
    if not isinstance(content, Mapping):
        raise NetworkFileError(f"{path}: it holds a {type(content).__name__}, not a state dict or a Sequential")
    with blaming(path):
        arrays = state_arrays(torch, content)
    chain = AffineChain()
    for i, ((weight, bias), slope) in enumerate(
        zip(arrays, expand_slopes(slopes, len(arrays), path), strict=True), start=1
    ):
        with blaming(f"{path}: layer {i}"):
            chain.linear(weight)
            if bias is not None:
                chain.shift(bias)
            chain.activate(slope)
    return chain.layers()


def from_object(source: Any) -> tuple[Layer, ...] | None:
    """Return the layers of a PyTorch module in its eval form; None for what is not PyTorch's.

    Raises
    ------
    InputError
        If it is, or contains, a module of a class that is not supported.
    """
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(source, torch.nn.Module):
        return None
    return module_layers(torch, source)


def _load(torch: Any, path: Path) -> Any:
    serialization = torch.serialization
    wanted = [getattr(torch.nn, name) for name in SUPPORTED]
    # The context removes on leaving all that it was given, the user's own entries too.
    new = [cls for cls in wanted if cls not in serialization.get_safe_globals()]
    # One open file for all of it: what was looked at is what is loaded.
    with open_archive(path) as (archive, file):
        # PyTorch's own zip reader skips the checksums.
        damaged = archive.testzip()
        if damaged is not None:
            raise NetworkFileError(f"{path}: damaged at {damaged!r}")
        with catching(path, DAMAGE), serialization.safe_globals(new):
            file.seek(0)
            refused = sorted(serialization.get_unsafe_globals_in_checkpoint(file))
            if refused:
                raise NetworkFileError(f"{path}: {refused[0]} is not supported; supported: {', '.join(SUPPORTED)}")
            file.seek(0)
            return torch.load(file, map_location="cpu", weights_only=True)
