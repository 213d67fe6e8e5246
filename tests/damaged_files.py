"""Files of networks whose bytes are damaged: what reading them gives."""

from __future__ import annotations

from pathlib import Path

from pyomo_relu import io
from pyomo_relu.errors import NetworkFileError
from pyomo_relu.layer import Layer


def read_bytes(data: bytes, path: Path) -> tuple[Layer, ...] | str:
    """The layers of a file with these bytes, or the message that refuses it."""
    path.write_bytes(data)
    try:
        return io.read_layers(path)
    except NetworkFileError as error:
        return str(error)


def is_refusal(found: tuple[Layer, ...] | str, path: Path) -> bool:
    return isinstance(found, str) and found.startswith(f"{path}: ") and "\n" not in found
