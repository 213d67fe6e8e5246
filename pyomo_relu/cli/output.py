"""Files of answers: refused before anything is solved, written whole or not at all."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pyomo_relu.errors import InputError

if TYPE_CHECKING:
    from pyomo_relu.inversion import Extent
    from pyomo_relu.result import Result
    from pyomo_relu.validation import FloatArray

SUFFIXES = (".json", ".npy", ".npz", ".csv")


def check_destination(path: Path, flag: str, suffixes: Sequence[str], inputs: Sequence[Path | None] = ()) -> None:
    """Refuse a file that could not be written at the end of a long solve.

    Parameters
    ----------
    path : Path
    flag : str
        Where it was given, such as ``"--out"``.
    suffixes : sequence of str
        Those that are known.
    inputs : sequence of Path or None
        Files that are read, and must not be replaced.

    Raises
    ------
    InputError
        If the suffix is unknown, the folder is missing or not writable, or the file is an input.
    """
    if path.suffix.lower() not in suffixes:
        raise InputError(f"{flag} {path}: unknown suffix {path.suffix!r}; known: {', '.join(suffixes)}")
    if path.is_dir():
        raise InputError(f"{flag} {path}: is a folder")
    target = Path(os.path.realpath(path))
    if target in [Path(os.path.realpath(source)) for source in inputs if source is not None]:
        raise InputError(f"{flag} {path}: would replace an input")
    try:
        # Permission bits do not tell of read-only file systems, and say nothing to root.
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise InputError(f"{flag} {path}: cannot write there: {error.strerror}") from error


def as_json(result: Result, extent: Extent | None, indent: int | None = None) -> str:
    """Return the whole answer: the result's fields, and ``extent`` where it was asked for."""
    whole = result.to_dict() if extent is None else {**result.to_dict(), "extent": extent.to_dict()}
    return json.dumps(whole, indent=indent, allow_nan=False)


def write_result(result: Result, extent: Extent | None, path: Path) -> bool:
    """Write the whole answer (.json), or its code (.npy, .npz under the name ``z``, .csv one number a line).

    Returns
    -------
    bool
        False where there is no code to write; then no file is touched.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    from pyomo_relu.atomic import atomic_write

    if path.suffix.lower() == ".json":
        data = as_json(result, extent, indent=2).encode() + b"\n"
    elif result.z is None:
        return False
    else:
        data = _encoded(result.z, path.suffix.lower())
    with atomic_write(path) as file:
        file.write(data)
    return True


def _encoded(z: FloatArray, suffix: str) -> bytes:
    import numpy as np

    file = io.BytesIO()
    if suffix == ".npy":
        np.save(file, z, allow_pickle=False)
    elif suffix == ".npz":
        np.savez(file, z=z)
    else:
        # 17 digits give every float64 back.
        np.savetxt(file, z, fmt="%.17g")
    return file.getvalue()
