"""A dataclass's defaults are told by its signature and its parameters, not a third time as attributes."""

from __future__ import annotations

from enum import Enum
from typing import Any


def setup(app: Any) -> dict[str, bool]:
    """Listen to autodoc."""
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _skip(app: Any, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    plain = isinstance(thing, (str, int, float, bool, tuple, frozenset, type(None))) and not isinstance(thing, Enum)
    return True if what == "class" and plain else None
