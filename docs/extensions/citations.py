"""In docstrings, "(M4)" becomes a link to that equation of the mathematics."""

from __future__ import annotations

import re
from typing import Any

NUMBER = re.compile(r"\(M(\d+)\)")


def setup(app: Any) -> dict[str, bool]:
    """Listen to autodoc."""
    app.connect("autodoc-process-docstring", _link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _link(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = [NUMBER.sub(r":eq:`M\1`", line) for line in lines]
