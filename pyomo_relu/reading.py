"""Files from outside: the one door through which each is read.

A path may name what has no size and no end: a pipe that nobody writes to, a terminal, ``/dev/zero``. So the kind comes
first, then the size, and only then the bytes. What they say is bounded by whoever parses them; JSON and TOML in
:mod:`pyomo_relu.documents`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pyomo_relu.errors import InputError

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

# Not on every system: to come back at once, to leave terminals alone, and to translate no line ends.
_AT_ONCE = sum(getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))


@contextmanager
def opened(
    path: Path, most: int, name: object = None, *, error: type[InputError] = InputError, remedy: str = ""
) -> Iterator[BinaryIO]:
    """Open a regular file, to be read.

    Parameters
    ----------
    path : Path
    most : int
        Bytes that it may have.
    name : object, optional
        What errors begin with, such as ``"observation x.npy"``; the path where not given.
    error : type of InputError
    remedy : str
        What to do about a file that is larger.

    Raises
    ------
    InputError
        One line, if there is no such file, it is a folder, a pipe or a device, has more bytes, or may not be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "x.txt"
    ...     _ = path.write_text("1 2 3")
    ...     with opened(path, 100) as file:
    ...         file.read(3)
    b'1 2'
    >>> with opened(Path(tempfile.gettempdir()), 100, "observation"):
    ...     pass
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: observation: is a folder
    """
    what = path if name is None else name
    with os.fdopen(open_regular(path, os.O_RDONLY, what, error=error), "rb") as file:
        size = size_of(file)
        if size > most:
            raise error(f"{what}: has {size} bytes, more than {most}{remedy and f': {remedy}'}")
        yield file


def content(
    path: Path, most: int, name: object = None, *, error: type[InputError] = InputError, remedy: str = ""
) -> bytes:
    """Return the bytes of a regular file; parameters and errors are those of :func:`opened`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "x.txt"
    ...     _ = path.write_text("1 2 3")
    ...     content(path, 5)
    ...     content(path, 4, "observation", remedy="save it as .npy")
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: observation: has 5 bytes, more than 4: save it as .npy
    """
    what = path if name is None else name
    with opened(path, most, what, error=error, remedy=remedy) as file:
        size = size_of(file)
        try:
            found = file.read(size + 1)
        except OSError as trouble:
            raise error(f"{what}: {trouble.strerror}") from trouble
    if len(found) > size:
        raise error(f"{what}: grows while it is read: try again when it is whole")
    return found


def size_of(file: BinaryIO) -> int:
    """Return the number of bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def open_regular(path: Path, flags: int, name: object = None, *, error: type[InputError] = InputError) -> int:
    """Open a regular file, and return its handle, as :func:`os.open` does; a file that `flags` make is one.

    Raises
    ------
    InputError
        One line, if there is no such file and none is made, it is a folder, a pipe or a device, or is not let in.
    """
    what = path if name is None else name
    try:
        # Before it is opened, for that alone can wait (a pipe) or do something (a tape) ...
        require_regular(path, what, error=error)
        handle = os.open(path, flags | _AT_ONCE, 0o666)
    except FileNotFoundError as trouble:
        raise error(f"{what}: no such {'folder' if flags & os.O_CREAT else 'file'}") from trouble
    except OSError as trouble:
        raise error(f"{what}: {trouble.strerror}") from trouble
    try:
        # ... and after, since another may have taken its place.
        _refuse_special(os.fstat(handle).st_mode, what, error)
    except BaseException:
        os.close(handle)
        raise
    return handle


def require_regular(path: Path, name: object = None, *, error: type[InputError] = InputError) -> None:
    """Refuse what is there and no regular file, without opening it.

    Raises
    ------
    InputError
        If there is such a thing, or the path is none.
    """
    what = path if name is None else name
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as trouble:
        raise error(f"{what}: {trouble.strerror}") from trouble
    except ValueError as trouble:
        raise error(f"{what!s:.80}: is not a path: {trouble}") from trouble
    _refuse_special(mode, what, error)


def _refuse_special(mode: int, what: object, error: type[InputError]) -> None:
    if stat.S_ISREG(mode):
        return
    kind = next((kind for is_kind, kind in _KINDS if is_kind(mode)), "no regular file")
    raise error(f"{what}: is {kind}{'' if stat.S_ISDIR(mode) else ': give a regular file'}")
