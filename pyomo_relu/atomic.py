"""Files written whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pyomo_relu.errors import InputError

DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""Numbers of the errors of what is written to: it is full, broken or read-only."""


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for writing; the file appears only when the block ends without an error.

    A symbolic link stays, and what it points to is replaced; a file that is replaced hands on its mode. What is no
    file, as a pipe or ``/dev/stdout``, cannot be replaced: it is written to at once. Errors of the block stay its own,
    but those of a disk (`DISK_ERRORS`).

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written, or the disk is full.
    """
    with _refusing(path):
        mode = path.stat().st_mode if path.exists() else None
    writing = _written_at_once(path) if mode is not None and not stat.S_ISREG(mode) else _replaced(path, mode)
    with _refusing(path, DISK_ERRORS), writing as file:
        yield file


def drafts(path: Path) -> list[Path]:
    """Return what :func:`atomic_write` has left beside a file where it was killed, or is writing just now."""
    return [draft for draft in path.parent.glob(f".{path.name}.*") if re.fullmatch(r"[0-9a-f]{8}", draft.suffix[1:])]


@contextmanager
def _written_at_once(path: Path) -> Iterator[BinaryIO]:
    with _refusing(path):
        file = path.open("wb")
    with _closed(file, path):
        yield file


@contextmanager
def _replaced(path: Path, mode: int | None) -> Iterator[BinaryIO]:
    """Write beside the target, with the mode of the file that is there; a new one gets what the umask leaves."""
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    kept = None if mode is None else stat.S_IMODE(mode)
    with _refusing(path):
        # The kernel takes the umask off; beside a file that is there nobody may read more of the draft than of that.
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666 if kept is None else 0o600)
    try:
        with _closed(os.fdopen(handle, "wb"), path) as file:
            yield file
        with _refusing(path):
            if kept is not None:
                draft.chmod(kept)
            draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def _closed(file: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    """Close a file; what of it cannot be written then is told, unless the block has an error of its own."""
    try:
        yield file
    except BaseException:
        with suppress(OSError):
            file.close()
        raise
    with _refusing(path):
        file.close()


@contextmanager
def _refusing(path: Path, numbers: Collection[int] | None = None) -> Iterator[None]:
    """Tell of what the system refuses as bad input: all, or what has one of some numbers."""
    try:
        yield
    except OSError as error:
        if numbers is not None and error.errno not in numbers:
            raise
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
