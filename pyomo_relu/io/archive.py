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
from pyomo_relu.reading import opened, size_of

MAX_BYTES = 2**30
"""Largest total size, packed and unpacked."""

MAX_RATIO = 100
"""How many times its own size an archive may unpack to: trained weights shrink by less than 2, zeros by 1000."""

FREE_BYTES = 2**26
"""Up to here it may unpack to any number of times its size."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What NumPy and PyTorch write. Of other methods zipfile unpacks a block whole, whatever size its header says."""

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
def open_archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, BinaryIO]]:
    """Open a zip file whose names are unique and whose sizes are sane; also give the file that it is read from.

    Raises
    ------
    NetworkFileError
        If it is not such a file, or reading it in the block finds damage.
    """
    with (
        opened(path, MAX_BYTES, error=NetworkFileError) as file,
        catching(path, DAMAGE),
        zipfile.ZipFile(file) as archive,
    ):
        members = archive.infolist()
        # zipfile does not compare the two, so one flipped bit could hide members, such as the last layers.
        if _declared_count(file) not in (len(members), ANY_COUNT):
            raise NetworkFileError(f"{path}: damaged, its list of {len(members)} members is not whole")
        if len({member.filename for member in members}) < len(members):
            raise NetworkFileError(f"{path}: a name occurs twice in the archive")
        if any(member.compress_type not in METHODS for member in members):
            raise NetworkFileError(f"{path}: is packed by a method other than deflate: save it again by np.savez")
        # Reading stops where these sizes end, so that it does not matter whether they are true.
        size, most = sum(member.file_size for member in members), _most(size_of(file))
        if size > most:
            raise NetworkFileError(f"{path}: unpacks to {size} bytes, more than {most}: save it uncompressed")
        yield archive, file


def _most(packed: int) -> int:
    return min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * packed))


def _declared_count(file: BinaryIO) -> int | None:
    file.seek(-END_BYTES, os.SEEK_END)
    signature, count = struct.unpack("<4s6xH", file.read(12))
    return int(count) if signature == b"PK\x05\x06" else None
