"""Zip archives (.npz, .pt) that may be damaged or hostile."""

from __future__ import annotations

import lzma
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyomo_relu.errors import NetworkFileError
from pyomo_relu.io.blame import catching

MAX_BYTES = 2**30
"""Largest total size, unpacked."""

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tokenize.TokenError,
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    RuntimeError,
    MemoryError,
)
"""What zipfile and NumPy's array reader raise for bytes that are not theirs."""


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file whose names are unique and whose sizes are sane.

    Raises
    ------
    NetworkFileError
        If it is not such a file, or reading it in the block finds damage.
    """
    with catching(path, DAMAGE), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len({member.filename for member in members}) < len(members):
            raise NetworkFileError(f"{path}: a name occurs twice in the archive")
        size = sum(member.file_size for member in members)
        if size > MAX_BYTES:
            raise NetworkFileError(f"{path}: unpacks to {size} bytes, more than {MAX_BYTES}")
        yield archive
