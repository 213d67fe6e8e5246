"""`Journal`: a line of JSON a finished task, so that a killed experiment goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyomo_relu.errors import InputError
from pyomo_relu.experiments.experiment import Row, Task


class Journal:
    """The finished tasks of one experiment, on disk.

    Parameters
    ----------
    path : Path
        A file of JSON lines: first the header, then a line a task.
    header : mapping
        What makes runs comparable: experiment, seed, versions.
    resume : bool
        Whether the file may hold tasks already.

    Raises
    ------
    InputError
        If the file exists and `resume` is False, its header is another one, or a line is damaged. A last
        line that was cut off when its writer was killed is dropped: its task is done again.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "runs.jsonl"
    >>> Journal(path, {"seed": 0}, resume=False).add(("a", 1), [{"error": 0.5}])
    >>> Journal(path, {"seed": 0}, resume=True).done
    {('a', 1): [{'error': 0.5}]}
    >>> folder.cleanup()
    """

    def __init__(self, path: Path, header: Mapping[str, Any], *, resume: bool) -> None:
        self.path = path
        self.done: dict[Task, list[Row]] = {}
        if path.exists() and path.stat().st_size > 0:
            if not resume:
                raise InputError(f"{path} exists: give --resume to go on with it, or another folder")
            self._read(header)
        else:
            self._write({"header": dict(header)})

    def add(self, task: Task, rows: list[Row]) -> None:
        """Write down a finished task; it is on the disk when this returns."""
        self._write({"task": list(task), "rows": rows})
        self.done[task] = rows

    def _write(self, entry: Mapping[str, Any]) -> None:
        line = json.dumps(entry, allow_nan=False) + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _read(self, header: Mapping[str, Any]) -> None:
        whole = self.path.read_bytes()
        kept = whole[: whole.rfind(b"\n") + 1]
        for number, line in enumerate(kept.splitlines(), start=1):
            try:
                entry = json.loads(line)
                if number == 1:
                    self._check(entry["header"], header)
                else:
                    self.done[tuple(entry["task"])] = entry["rows"]
            except (ValueError, KeyError, TypeError) as error:
                if isinstance(error, InputError):
                    raise
                raise InputError(f"{self.path}: line {number} is damaged; remove it to do its task again") from error
        if len(kept) < len(whole):
            with self.path.open("r+b") as file:
                file.truncate(len(kept))
        if not kept:
            self._write({"header": dict(header)})

    def _check(self, found: Mapping[str, Any], header: Mapping[str, Any]) -> None:
        for key in sorted({*found, *header}):
            if found.get(key) != header.get(key):
                raise InputError(
                    f"{self.path} has {key} {found.get(key)}, this run {header.get(key)}: take another folder"
                )
