"""ONNX: truncated, changed and random bytes are refused in one line, or read right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from damaged_files import is_refusal, read_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_graphs import Case, c

from pyomo_relu.layer import Layer

SMALL = Case([("Gemm", ["x", c(2, 2), c(2)], "t", {"transB": 1, "alpha": 2.0}), ("LeakyRelu", ["t"], "y")], ("N", 2))


def test_truncated_file(tmp_path: Path) -> None:
    data, path = SMALL.model().SerializeToString(), tmp_path / "net.onnx"
    whole = read_bytes(data, path)
    assert not isinstance(whole, str)
    for length in range(len(data)):
        found = read_bytes(data[:length], path)
        if isinstance(found, str):
            assert is_refusal(found, path)
        else:
            assert np.array_equal(found[0].weight, whole[0].weight)
            assert np.array_equal(found[0].bias, whole[0].bias)
            assert found[0].slope == whole[0].slope


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "net.onnx"


@settings(max_examples=400, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes_are_refused_or_read(changes: list[tuple[int, int]], scratch: Path) -> None:
    data = bytearray(SMALL.model().SerializeToString())
    for position, byte in changes:
        data[position % len(data)] = byte
    found = read_bytes(bytes(data), scratch)
    assert is_refusal(found, scratch) or all(isinstance(layer, Layer) for layer in found)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_garbage_is_refused(data: bytes, scratch: Path) -> None:
    assert is_refusal(read_bytes(data, scratch), scratch)
