r"""`Lines`: a file of lines that grows as they come, and that a killed writer leaves readable.

A line counts once its ``\n`` is on disk: what a kill has left behind the last one is cut off.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pyomo_relu.documents import MOST_JSON
from pyomo_relu.errors import InputError
from pyomo_relu.reading import open_regular


class Lines:
    """A file of lines that is open; see :func:`open_lines`.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path, self._file = path, file

    def read(self) -> Iterator[bytes]:
        """Yield the lines; a torn last one is cut off once all others have been taken.

        Raises
        ------
        InputError
            If one is longer than any that is written.
        """
        self._file.seek(0)
        whole = 0
        for number in itertools.count(1):
            line = self._file.readline(MOST_JSON + 1)
            if len(line) > MOST_JSON:
                raise InputError(f"{self.path}: line {number} is damaged: it has more than {MOST_JSON} bytes")
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            yield line
        self._file.truncate(whole)

    def append(self, lines: bytes) -> None:
        """Write whole lines; they are on disk when this returns.

        Raises
        ------
        InputError
            If they cannot be written.
        """
        try:
            self._file.write(lines)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror}") from error


@contextmanager
def open_lines(path: Path) -> Iterator[Lines]:
    r"""Open a file of lines, which is made if it is not there, for one run at a time.

    Raises
    ------
    InputError
        If it is no regular file, cannot be opened, or another run has it open.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for number in (b"1", b"2"):
    ...         with open_lines(Path(folder) / "numbers") as lines:
    ...             print(list(lines.read()))
    ...             lines.append(number + b"\n")
    []
    [b'1\n']
    """
    # For appending: a file that another run writes to is not touched.
    file = os.fdopen(open_regular(path, os.O_RDWR | os.O_CREAT | os.O_APPEND), "a+b")
    try:
        _lock(file, path)
        yield Lines(path, file)
    finally:
        # What could not be written has been told, and is tried once more here.
        with suppress(OSError):
            file.close()


def _lock(file: BinaryIO, path: Path) -> None:
    """Let no two runs write to a file; the lock ends with the process, however that ends."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(f"{path}: another run is writing to it") from error
