"""Fingerprints: equal only for equal values."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from batch_setting import LINEAR, NET
from hypothesis import given
from hypothesis import strategies as st

import pyomo_relu as pr
from pyomo_relu.batch.fingerprint import fingerprint


@pytest.mark.parametrize("value", [NET, LINEAR, pr.Exact(norm=1), pr.Solver("scip", options={"limits/nodes": 9})])
def test_what_goes_to_workers_survives_the_way(value: Any) -> None:
    assert fingerprint(pickle.loads(pickle.dumps(value))) == fingerprint(value)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=2),
    lambda inner: st.tuples(inner, inner) | st.dictionaries(st.text(max_size=1), inner, max_size=2), max_leaves=5,
), st.data())  # fmt: skip
def test_fingerprints_are_equal_only_for_equal_values(value: Any, data: st.DataObject) -> None:
    other = data.draw(st.just(value) | st.tuples(st.just(value)) | st.text(max_size=2) | st.integers(0, 1))
    assert (fingerprint(value) == fingerprint(other)) == (repr(value) == repr(other))


def test_fingerprints_tell_arrays_apart() -> None:
    arrays = [np.zeros(4), np.zeros((2, 2)), np.zeros(4, dtype=np.int64), np.array([0.0, 0.0, 0.0, -0.0]), 0.0, "0.0"]
    assert len({fingerprint(array) for array in arrays}) == 6
    assert math.isfinite(int(fingerprint(arrays), 16))
