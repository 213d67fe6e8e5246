"""Results as lines of JSON, and back, without the loss of a bit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pyomo_relu.certificate import Certificate, Claim, Standing
from pyomo_relu.norms import as_norm
from pyomo_relu.result import LayerReport, Result
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray

_NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def to_line(index: int, result: Result) -> bytes:
    r"""Return a result as one line of JSON that ends in ``\n``; a number that is not finite is written as text.

    Parameters
    ----------
    index : int
        The observation's row.
    result : Result
    """
    record = {
        "index": index,
        **_fields(result),
        "z": None if result.z is None else [_plain(float(entry)) for entry in result.z],
        "certificate": [_fields(claim) for claim in result.certificate.claims],
        "layers": [_fields(layer) for layer in result.layers],
    }
    return json.dumps(record, allow_nan=False).encode() + b"\n"


def from_line(line: bytes) -> tuple[int, Result]:
    """Return the row and the result of a line: of the right types, whatever they say.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError
        If it is not such a line.
    """
    record = json.loads(line)
    index = _of(int)(record.pop("index"))
    return index, Result(**_parsed(record, _RESULT))


def _parsed(record: dict[str, Any], parts: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Return the entries, each read as its part is; one that is no part is a KeyError."""
    return {name: parts[name](entry) for name, entry in record.items()}


def _of(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        # To Python, True is an integer.
        if type(value) is not kind:
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value

    return read


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError("a truth value is no number")
    return _NOT_FINITE[value] if isinstance(value, str) else float(value)


def _code(entries: list[Any]) -> FloatArray:
    return np.array([_number(entry) for entry in entries], dtype=np.float64)


_TEXT, _COUNT, _NUMBER = _of(str), _of(int), _or_none(_number)

_CLAIM: dict[str, Callable[[Any], Any]] = {"text": _TEXT, "standing": Standing, "by": _TEXT, "value": _NUMBER}

_LAYER: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("layer", "active", "rank", "n_solves"), _COUNT),
    **dict.fromkeys(("eps", "recovery_factor", "objective", "residual"), _NUMBER),
    "status": Status,
    "unique": _of(bool),
    "seconds": _number,
    "message": _TEXT,
}

_RESULT: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("residual", "objective", "dual_bound"), _NUMBER),
    **dict.fromkeys(("solver", "message", "bound_by"), _TEXT),
    "z": _or_none(_code),
    "status": Status,
    "norm": lambda name: as_norm(name).name,
    "realizable": _or_none(_of(bool)),
    "certificate": lambda claims: Certificate(tuple(Claim(**_parsed(claim, _CLAIM)) for claim in claims)),
    "seconds": _number,
    "layers": lambda layers: tuple(LayerReport(**_parsed(layer, _LAYER)) for layer in layers),
}


def _fields(value: Result | Claim | LayerReport) -> dict[str, Any]:
    return {name: _plain(entry) for name, entry in vars(value).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Status | Standing):
        return value.value
    if isinstance(value, np.generic):
        value = value.item()
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
