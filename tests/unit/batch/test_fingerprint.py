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
from scipy.sparse import coo_array, csc_array, csr_array

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


def test_numbers_of_numpy_are_the_numbers_that_they_are() -> None:
    for number in (0.1, 3, True, "a"):
        assert fingerprint(np.array([number])[0]) == fingerprint(number)
    assert fingerprint(pr.LayerLinf(eps=np.float64(0.1))) == fingerprint(pr.LayerLinf(eps=0.1))


def test_sparse_matrices_are_told_apart_by_their_entries() -> None:
    rows = csr_array(np.array([[1.0, 0.0], [0.0, 2.0]]))
    twice = coo_array((np.array([0.5, 0.5, 2.0]), (np.array([0, 0, 1]), np.array([0, 0, 1]))), shape=(2, 2))
    assert fingerprint(rows) == fingerprint(csc_array(rows)) == fingerprint(twice)
    assert len({fingerprint(matrix) for matrix in (rows, 2.0 * rows, rows.T[::-1], rows[:, :1], rows.toarray())}) == 5
