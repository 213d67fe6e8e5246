"""JSON and TOML: read from outside, where a few bytes must not ask for more than they are; written without loss.

JSON has no infinite numbers. Here they are text, ``"inf"``, ``"-inf"`` and ``"nan"``, in everything that is written;
``null`` is what is not known.
"""

from __future__ import annotations

import json
import math
import sys
import tomllib
from collections.abc import Callable
from enum import Enum
from typing import Any, NoReturn

import numpy as np

from pyomo_relu.errors import InputError

MOST_JSON = 2**26
"""Bytes of a JSON file, unless it says otherwise: parsed, it can take 24 times as many."""

MOST_LEVELS = 64
"""Of lists and tables in each other: what walks through them calls itself."""

MOST_DOTS = 500
"""On a line of TOML: the time for a key grows with the square of its parts."""


def parse_json(
    data: bytes,
    name: object,
    *,
    parse_int: Callable[[str], Any] = int,
    nan: bool = False,
    error: type[InputError] = InputError,
) -> Any:
    r"""Read JSON in UTF-8.

    Parameters
    ----------
    data : bytes
    name : object
        What errors begin with.
    parse_int : callable
        What makes whole numbers of their text.
    nan : bool
        Whether ``NaN`` and ``Infinity`` pass, which JSON has not.
    error : type of InputError

    Raises
    ------
    InputError
        One line, if it is no such text, has more than `MOST_LEVELS` levels, or an integer beyond float64.

    Examples
    --------
    >>> parse_json(b'{"a": [1, 2.5]}', "header")
    {'a': [1, 2.5]}
    >>> parse_json(b"[" * 1000 + b"]" * 1000, "header")
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: header: damaged, or not JSON (it has more than 64 levels)
    """
    constant = None if nan else _refuse_constant
    try:
        found = json.loads(str(data, "utf-8-sig"), parse_int=parse_int, parse_constant=constant)
        _check(found)
    except (ValueError, RecursionError, MemoryError) as trouble:
        raise error(f"{name}: damaged, or not JSON ({_reason(trouble)})") from trouble
    return found


def plain(value: Any) -> Any:
    """Return a value as JSON has it: lists for arrays and tuples, the values of enums, text for infinite numbers.

    Examples
    --------
    >>> plain({"upper": np.array([1.5, np.inf]), "found": np.int64(2), "gap": None})
    {'upper': [1.5, 'inf'], 'found': 2, 'gap': None}
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def number(value: Any) -> float:
    """Return the number that :func:`plain` wrote.

    Raises
    ------
    ValueError, TypeError, OverflowError
        If it is none.

    Examples
    --------
    >>> number("-inf"), number(2)
    (-inf, 2.0)
    """
    if isinstance(value, bool) or (isinstance(value, str) and value not in ("inf", "-inf", "nan")):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def parse_toml(data: bytes, name: object, *, error: type[InputError] = InputError) -> dict[str, Any]:
    """Read TOML.

    Parameters
    ----------
    data : bytes
    name : object
        What errors begin with.
    error : type of InputError

    Raises
    ------
    InputError
        One line, if it is no TOML, has more than `MOST_LEVELS` levels or `MOST_DOTS` dots on a line, or an integer
        beyond float64.

    Examples
    --------
    >>> parse_toml(b"a.b = 1", "config")
    {'a': {'b': 1}}
    """
    try:
        for number, line in enumerate(data.splitlines(), start=1):
            if line.count(b".") > MOST_DOTS:
                raise _OddError(f"line {number} has more than {MOST_DOTS} dots")
        found = tomllib.loads(str(data, "utf-8"))
        _check(found)
    except (ValueError, RecursionError) as trouble:
        raise error(f"{name}: not TOML: {_reason(trouble)}") from trouble
    return found


class _OddError(ValueError):
    """What a document must not have, in our own words."""


def _check(document: Any) -> None:
    """Refuse too many levels, and integers that no float64 comes near."""
    level = [document]
    for _ in range(MOST_LEVELS + 1):
        if any(type(value) is int and abs(value) > sys.float_info.max for value in level):
            raise _OddError("it has an integer beyond float64")
        parts = [value for value in level if isinstance(value, (list, dict))]
        if not parts:
            return
        level = [child for part in parts for child in (part.values() if isinstance(part, dict) else part)]
    raise _OddError(f"it has more than {MOST_LEVELS} levels")


def _refuse_constant(text: str) -> NoReturn:
    raise _OddError(f"{text} is no number of JSON")


def _reason(trouble: Exception) -> str:
    if isinstance(trouble, RecursionError):
        return f"it has more than {MOST_LEVELS} levels"
    if isinstance(trouble, MemoryError):
        return "it does not fit in memory"
    if isinstance(trouble, (_OddError, json.JSONDecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError)):
        return " ".join(str(trouble).split())[:120]
    # What is left is Python's own limit for the digits of an integer.
    return "it has an integer beyond float64"
