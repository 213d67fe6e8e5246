r"""`Store`: a folder of results that grows as they come, and from which a killed run goes on.

::

    batch.json       what it is a batch of: number of observations, and fingerprints
    results.jsonl    a line a result, as they come; each observation at most once
    failures.jsonl   a line a failure; written at the end, and tried again by the next run
    codes.npz        codes (N, k) and residuals (N,), NaN where there is none; written at the end

A line counts once its ``\n`` is on disk: what a kill has left behind the last one is cut off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pyomo_relu.atomic import atomic_write
from pyomo_relu.batch.answers import Batch, failure_of
from pyomo_relu.batch.job import Answers
from pyomo_relu.batch.record import from_line, to_line
from pyomo_relu.errors import InputError
from pyomo_relu.result import Result

FORMAT, VERSION = "pyomo-relu batch", 1
HEADER, RESULTS, FAILURES, CODES = "batch.json", "results.jsonl", "failures.jsonl", "codes.npz"


class Store:
    """A store that is open; see :func:`open_store`.

    Attributes
    ----------
    results : dict of int to Result
        What an earlier run has left.
    """

    def __init__(self, folder: Path, results: dict[int, Result], lines: BinaryIO) -> None:
        self._folder, self._lines, self.results = folder, lines, results

    def append(self, answers: Answers) -> None:
        """Write results to disk; failures wait for :meth:`finish`."""
        found = [(i, a) for i, a in answers if isinstance(a, Result) and failure_of(i, a) is None]
        try:
            self._lines.write(b"".join(to_line(i, result) for i, result in found))
            self._lines.flush()
            os.fsync(self._lines.fileno())
        except OSError as error:
            raise InputError(f"cannot write {self._folder / RESULTS}: {error.strerror}") from error

    def finish(self, batch: Batch) -> None:
        """Write the failures, and the codes as arrays."""
        with atomic_write(self._folder / FAILURES) as file:
            file.writelines(json.dumps(failure.to_dict()).encode() + b"\n" for failure in batch.failures)
        with atomic_write(self._folder / CODES) as file:
            np.savez(file, codes=batch.codes, residuals=batch.residuals)


@contextmanager
def open_store(
    path: str | os.PathLike[str], size: int, n_in: int, prints: Mapping[str, str], *, resume: bool
) -> Iterator[Store]:
    """Open the store in a folder, which is made if it is not there.

    Parameters
    ----------
    path : path
    size, n_in : int
        Number of observations, and size of a code.
    prints : mapping of str to str
        Fingerprints of what the batch is made of.
    resume : bool
        Whether to go on with what the folder holds.

    Raises
    ------
    InputError
        If the folder holds a batch and `resume` is false, or another batch than this one; if a run has it open;
        if it is damaged, or cannot be written.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # For appending: a store that another run writes to is not touched.
        lines = (folder / RESULTS).open("a+b")
    except OSError as error:
        raise InputError(f"store {folder}: {error.strerror}") from error
    with lines:
        _lock(lines, folder)
        _check_header(folder, {"size": size, **prints}, resume=resume)
        yield Store(folder, _read(lines, folder / RESULTS, size, n_in), lines)


def _lock(lines: BinaryIO, folder: Path) -> None:
    """Let no two runs write to a store; the lock ends with the process, however that ends."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(f"store {folder}: another run is writing to it") from error


def _check_header(folder: Path, parts: Mapping[str, Any], *, resume: bool) -> None:
    header = {"format": FORMAT, "version": VERSION, **parts}
    path = folder / HEADER
    if not path.exists():
        for name in (RESULTS, FAILURES, CODES):
            if (folder / name).exists() and (folder / name).stat().st_size:
                raise InputError(f"store {folder}: there is a {name}, but no {HEADER}: give another folder")
        with atomic_write(path) as file:
            file.write(json.dumps(header, indent=2).encode() + b"\n")
        return
    if not resume:
        raise InputError(f"store {folder}: holds a batch already: give resume=True, or another folder")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged, or not JSON") from error
    if not isinstance(found, dict) or (found.get("format"), found.get("version")) != (FORMAT, VERSION):
        raise InputError(f"{path}: not the header of a {FORMAT}, version {VERSION}")
    other = [name for name in parts if found.get(name) != parts[name]]
    if other:
        named = "; ".join(other)
        raise InputError(f"store {folder}: belongs to another batch (not the same: {named}): give another folder")


def _read(lines: BinaryIO, path: Path, size: int, n_in: int) -> dict[int, Result]:
    """Return the results in a file, from which a torn last line is cut off."""
    lines.seek(0)
    whole = 0
    found: dict[int, Result] = {}
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            break
        whole += len(line)
        try:
            index, result = from_line(line)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise InputError(f"{path}: line {number} is damaged") from error
        if result.z is not None and len(result.z) != n_in:
            raise InputError(f"{path}: line {number}: the code has {len(result.z)} entries, expected {n_in}")
        if not 0 <= index < size or index in found:
            raise InputError(f"{path}: line {number}: observation {index} is unknown, or there twice")
        found[index] = result
    lines.truncate(whole)
    return found
