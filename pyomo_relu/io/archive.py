"""Zip archives (.npz, .pt) that may be damaged or hostile."""

from __future__ import annotations

import lzma
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pyomo_relu.errors import NetworkFileError
from pyomo_relu.io.blame import catching

MAX_BYTES = 2**30
"""Largest total size, unpacked."""

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    tokenize.TokenError,
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    RuntimeError,
    MemoryError,
)
"""What zipfile and NumPy's array reader raise for bytes that are not theirs."""


END_BYTES = 22
"""Size of the record that ends an archive without a comment."""

ANY_COUNT = 0xFFFF
"""What that record says where the archive has too many members for it."""


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file whose names are unique and whose sizes are sane.

    Raises
    ------
    NetworkFileError
        If it is not such a file, or reading it in the block finds damage.
    """
    with catching(path, DAMAGE), path.open("rb") as file, zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        # zipfile does not compare the two, so one flipped bit could hide members, such as the last layers.
        if _declared_count(file) not in (len(members), ANY_COUNT):
            raise NetworkFileError(f"{path}: damaged, its list of {len(members)} members is not whole")
        if len({member.filename for member in members}) < len(members):
            raise NetworkFileError(f"{path}: a name occurs twice in the archive")
        size = sum(member.file_size for member in members)
        if size > MAX_BYTES:
            raise NetworkFileError(f"{path}: unpacks to {size} bytes, more than {MAX_BYTES}")
        yield archive


def _declared_count(file: BinaryIO) -> int | None:
    file.seek(-END_BYTES, os.SEEK_END)
    signature, count = struct.unpack("<4s6xH", file.read(12))
    return int(count) if signature == b"PK\x05\x06" else None
