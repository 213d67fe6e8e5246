"""`Journal`: a line of JSON a finished task, so that a killed experiment goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pyomo_relu.batch.line_file import Lines
from pyomo_relu.documents import parse_json
from pyomo_relu.errors import InputError
from pyomo_relu.experiments.experiment import Row, Task


class Journal:
    """The finished tasks of one experiment, on disk.

    Parameters
    ----------
    lines : Lines
        The open file: first the header, then a line of JSON a task.
    header : mapping
        What makes runs comparable: experiment, seed, versions.
    resume : bool
        Whether the file may hold tasks already.

    Raises
    ------
    InputError
        If the file holds something and `resume` is False, its header is another one, or a line is damaged. A last
        line that was cut off when its writer was killed is dropped: its task is done again.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from pyomo_relu.batch.line_file import open_lines
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open_lines(Path(folder) / "runs.jsonl") as lines:
    ...         Journal(lines, {"seed": 0}, resume=False).add(("a", 1), [{"error": 0.5}])
    ...     with open_lines(Path(folder) / "runs.jsonl") as lines:
    ...         Journal(lines, {"seed": 0}, resume=True).done
    {('a', 1): [{'error': 0.5}]}
    """

    def __init__(self, lines: Lines, header: Mapping[str, Any], *, resume: bool) -> None:
        self._lines = lines
        self.done: dict[Task, list[Row]] = {}
        if not resume and lines.path.stat().st_size > 0:
            raise InputError(f"is needed to go on: {lines.path} exists; or give another folder", parameter="resume")
        number = 0
        for number, line in enumerate(lines.read(), start=1):
            try:
                entry = parse_json(line, "line")
                if number == 1:
                    found = _table(entry["header"])
                else:
                    self.done[tuple(entry["task"])] = [_table(row) for row in entry["rows"]]
            except (InputError, KeyError, TypeError) as error:
                remedy = (
                    "remove it to do its task again" if number > 1 else "it says what the runs are: take another folder"
                )
                raise InputError(f"{lines.path}: line {number} is damaged; {remedy}") from error
            if number == 1:
                self._check(found, header)
        if number == 0:
            self._write({"header": dict(header)})

    def add(self, task: Task, rows: list[Row]) -> None:
        """Write down a finished task; it is on the disk when this returns."""
        self._write({"task": list(task), "rows": rows})
        self.done[task] = rows

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._lines.append(json.dumps(entry, allow_nan=False).encode() + b"\n")

    def _check(self, found: Mapping[str, Any], header: Mapping[str, Any]) -> None:
        for key in sorted({*found, *header}):
            if found.get(key) != header.get(key):
                raise InputError(
                    f"{self._lines.path} has {key} {str(found.get(key))[:80]}, "
                    f"this run {header.get(key)}: take another folder"
                )


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"expected a table, got {type(value).__name__}")
    return value
