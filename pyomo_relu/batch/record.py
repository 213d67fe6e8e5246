"""Results as lines of JSON, and back, without the loss of a bit."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from pyomo_relu.certificate import Certificate, Claim, Standing
from pyomo_relu.result import LayerReport, Result
from pyomo_relu.status import Status

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
    """Return the row and the result of a line.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError
        If it is not such a line.
    """
    record = json.loads(line)
    index = record.pop("index")
    if isinstance(index, bool) or not isinstance(index, int):
        raise TypeError(f"index {index!r} is not a whole number")
    z = record.pop("z")
    claims = tuple(
        Claim(**{**_numbers(claim, ("value",)), "standing": Standing(claim["standing"])})
        for claim in record.pop("certificate")
    )
    layers = tuple(
        LayerReport(
            **{
                **_numbers(layer, ("eps", "recovery_factor", "objective", "residual")),
                "seconds": _number(layer["seconds"]),
                "status": Status(layer["status"]),
            }
        )
        for layer in record.pop("layers")
    )
    known = {
        **_numbers(record, ("residual", "objective", "dual_bound")),
        "seconds": _number(record["seconds"]),
        "status": Status(record["status"]),
        "z": None if z is None else np.array([_number(entry) for entry in z], dtype=np.float64),
    }
    return index, Result(**known, certificate=Certificate(claims), layers=layers)


def _fields(value: Result | Claim | LayerReport) -> dict[str, Any]:
    return {name: _plain(entry) for name, entry in vars(value).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Status | Standing):
        return value.value
    if isinstance(value, np.generic):
        value = value.item()
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _numbers(record: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {**record, **{name: None if record[name] is None else _number(record[name]) for name in names}}


def _number(value: Any) -> float:
    return _NOT_FINITE[value] if isinstance(value, str) else float(value)
