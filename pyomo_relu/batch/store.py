"""`Store`: a folder of results that grows as they come, and from which a killed run goes on.

::

    batch.json       what it is a batch of: number of observations, fingerprints; versions of what began it
    results.jsonl    a line a result, as they come; each observation at most once
    failures.jsonl   a line a failure; written at the end, and tried again by the next run
    codes.npz        codes (N, k) and residuals (N,), NaN where there is none; written at the end

Of the lines see :mod:`pyomo_relu.batch.line_file`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pyomo_relu.atomic import atomic_write
from pyomo_relu.batch.batch import Batch, failure_of
from pyomo_relu.batch.job import Answers
from pyomo_relu.batch.line_file import Lines, open_lines
from pyomo_relu.documents import parse_json
from pyomo_relu.errors import InputError
from pyomo_relu.reading import content, require_regular
from pyomo_relu.result import Result
from pyomo_relu.validation import as_count

FORMAT, VERSION = "pyomo-relu batch", 1
OPERATOR = "generator, operator"
"""A part of the header: both apart."""

HEADER, RESULTS, FAILURES, CODES = "batch.json", "results.jsonl", "failures.jsonl", "codes.npz"

_MOST_HEADER = 2**20


class Store:
    """A store that is open; see :func:`open_store`.

    Attributes
    ----------
    results : dict of int to Result
        What lines of an earlier run say; see :meth:`kept`.
    others : str
        The versions with which that began and which are others now; empty where there are none.
    """

    def __init__(self, folder: Path, results: dict[int, Result], lines: Lines, others: str) -> None:
        self._folder, self._lines, self.results, self.others = folder, lines, results, others

    def kept(self, recheck: Callable[[int, Result], Result]) -> dict[int, Result]:
        """Return what an earlier run has left, each row and result after its re-check.

        Raises
        ------
        InputError
            Where a re-check raises a ValueError; it names the line.
        """
        found = {}
        for number, (index, result) in enumerate(self.results.items(), start=1):
            try:
                found[index] = recheck(index, result)
            except ValueError as error:
                raise InputError(
                    f"{self._lines.path}: line {number}: {error}: without that line, its row is done again"
                ) from error
        return found

    def append(self, answers: Answers) -> None:
        """Write results to disk; failures wait for :meth:`finish`."""
        found = [(i, a) for i, a in answers if isinstance(a, Result) and failure_of(i, a) is None]
        self._lines.append(b"".join(_line(i, result) for i, result in found))

    def finish(self, batch: Batch) -> None:
        """Write the failures, and the codes as arrays."""
        with atomic_write(self._folder / FAILURES) as file:
            file.writelines(json.dumps(failure.to_dict()).encode() + b"\n" for failure in batch.failures)
        with atomic_write(self._folder / CODES) as file:
            np.savez(file, codes=batch.codes, residuals=batch.residuals)


@contextmanager
def open_store(
    path: str | os.PathLike[str],
    size: int,
    n_in: int,
    prints: Mapping[str, str],
    versions: Mapping[str, str],
    *,
    resume: bool,
) -> Iterator[Store]:
    """Open the store in a folder, which is made if it is not there.

    Parameters
    ----------
    path : path
    size, n_in : int
        Number of observations, and size of a code.
    prints : mapping of str to str
        Fingerprints of what the batch is made of.
    versions : mapping of str to str
        Of what works on it: with others, answers may be others.
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
    except OSError as error:
        raise InputError(f"store {folder}: {error.strerror}") from error
    with open_lines(folder / RESULTS) as lines:
        others = _check_header(folder, {"size": size, **prints}, versions, resume=resume)
        yield Store(folder, _read(lines, size, n_in), lines, others)


def _check_header(folder: Path, parts: Mapping[str, Any], versions: Mapping[str, str], *, resume: bool) -> str:
    """Check that it is this batch's, or write it; return the versions that are others now."""
    header = {"format": FORMAT, "version": VERSION, **parts, "versions": dict(versions)}
    path = folder / HEADER
    for name in (HEADER, FAILURES, CODES):
        require_regular(folder / name)
    if not path.exists():
        for name in (RESULTS, FAILURES, CODES):
            if (folder / name).exists() and (folder / name).stat().st_size:
                raise InputError(f"store {folder}: there is a {name}, but no {HEADER}: give another folder")
        with atomic_write(path) as file:
            file.write(json.dumps(header, indent=2).encode() + b"\n")
        return ""
    if not resume:
        raise InputError(
            f"is needed to go on: store {folder} holds a batch already; or give another folder", parameter="resume"
        )
    found = parse_json(content(path, _MOST_HEADER), path)
    if not isinstance(found, dict) or (found.get("format"), found.get("version")) != (FORMAT, VERSION):
        raise InputError(f"{path}: not the header of a {FORMAT}, version {VERSION}")
    # The first headers had neither of the two.
    is_old = "versions" not in found
    other = [name for name in parts if found.get(name) != parts[name] and not (is_old and name == OPERATOR)]
    if other:
        named = "; ".join(other)
        raise InputError(f"store {folder}: belongs to another batch (not the same: {named}): give another folder")
    begun = found.get("versions", versions)
    if not isinstance(begun, dict):
        raise InputError(f"{path}: damaged: its versions are no table")
    # Headers of earlier versions tell less.
    return ", ".join(f"{name} {begun[name]}" for name in versions if begun.get(name, versions[name]) != versions[name])


def _line(index: int, result: Result) -> bytes:
    return json.dumps({"index": index, **result.to_dict()}, allow_nan=False).encode() + b"\n"


def _read(lines: Lines, size: int, n_in: int) -> dict[int, Result]:
    """Return the results in a file of lines."""
    found: dict[int, Result] = {}
    for number, line in enumerate(lines.read(), start=1):
        try:
            record = parse_json(line, "line")
            index, result = as_count(record.pop("index"), "index", 0), Result.from_dict(record)
        except (InputError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{lines.path}: line {number} is damaged") from error
        if result.z is not None and len(result.z) != n_in:
            raise InputError(f"{lines.path}: line {number}: the code has {len(result.z)} entries, expected {n_in}")
        if index >= size or index in found:
            raise InputError(f"{lines.path}: line {number}: observation {index} is unknown, or there twice")
        found[index] = result
    return found
