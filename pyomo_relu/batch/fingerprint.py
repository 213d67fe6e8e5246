"""Fingerprints: equal for equal values, in every process and on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from pyomo_relu.errors import InputError


def fingerprint(value: Any) -> str:
    """Return a SHA-256 of numbers, text, enums, dense and sparse arrays, and dataclasses, sequences, mappings of them.

    Raises
    ------
    InputError
        If it holds anything else, or a dataclass what is in none of its fields: nothing would tell it from its like.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> fingerprint(pr.Exact()) == fingerprint(pr.Exact(norm="inf")) != fingerprint(pr.Exact(norm=1))
    True
    """
    digest = hashlib.sha256()
    _add(digest, value)
    return digest.hexdigest()


def _add(digest: Any, value: Any) -> None:
    """Add a value; its kind and size go first, so that no two values are spelt alike."""
    value = _canonical(value)
    if value is None or isinstance(value, bool | int | float | str):
        text = repr(value)
        digest.update(f"{type(value).__name__} {len(text)} {text}".encode())
    elif isinstance(value, Enum):
        digest.update(f"{type(value).__module__}.{type(value).__qualname__}.{value.name} ".encode())
    elif isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        digest.update(f"array {value.dtype.str} {value.shape} ".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        _check_fields(value)
        digest.update(f"{kind.__module__}.{kind.__qualname__} {len(fields(value))} ".encode())
        for field in fields(value):
            _add(digest, field.name)
            _add(digest, getattr(value, field.name))
    elif isinstance(value, Mapping):
        digest.update(f"mapping {len(value)} ".encode())
        for key in sorted(value):
            _add(digest, key)
            _add(digest, value[key])
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        digest.update(f"sequence {len(value)} ".encode())
        for entry in value:
            _add(digest, entry)
    else:
        raise InputError(
            f"a store cannot tell {type(value).__name__} objects apart: "
            "make it a dataclass of numbers, text and arrays, or leave out the store"
        )


def _canonical(value: Any) -> Any:
    """Return a number of NumPy's as Python's, and a sparse matrix by its entries; all else as it is."""
    if isinstance(value, np.generic):
        return value.item()
    if issparse(value):
        rows = csr_array(value, copy=True)
        rows.sum_duplicates()
        return "sparse", rows.shape, rows.indptr.astype(np.int64), rows.indices.astype(np.int64), rows.data
    return value


def _check_fields(value: Any) -> None:
    """Refuse a dataclass that holds what is in none of its fields, and is not worked out from them."""
    known = {field.name for field in fields(value)}
    for name in getattr(value, "__dict__", {}):
        if name not in known and not isinstance(getattr(type(value), name, None), cached_property):
            raise InputError(
                f"a store cannot tell {type(value).__name__} objects apart: {name} is no field of the dataclass"
            )
