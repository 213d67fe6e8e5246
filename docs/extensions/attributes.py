"""Attributes and members as they are meant: defaults told once, members of enumerations listed, colons no types.

Nobody calls a protocol or an enumeration with the arguments that its signature would show.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

COLON = re.compile(r"(?<=\w): ")
BEFORE_NAPOLEON = 400


def setup(app: Any) -> dict[str, bool]:
    """Listen to autodoc."""
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-signature", _without_arguments)
    app.connect("autodoc-process-docstring", _keep_whole, priority=BEFORE_NAPOLEON)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _skip(app: Any, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Leave out a dataclass's defaults, which its signature and its parameters tell; take in enumerations' members."""
    if isinstance(thing, Enum):
        return False
    return True if isinstance(thing, (str, int, float, bool, tuple, frozenset, type(None))) else None


def _without_arguments(app: Any, what: str, name: str, thing: Any, *others: Any) -> tuple[str, None] | None:
    """Show no arguments of a protocol or an enumeration."""
    is_either = what == "class" and (issubclass(thing, Enum) or getattr(thing, "_is_protocol", False))
    return ("", None) if is_either else None


def _keep_whole(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Let no attribute's "One line: what it means" be read as a type and what it means."""
    if what in ("attribute", "data", "property") and lines:
        lines[0] = COLON.sub(" - ", lines[0], count=1)
