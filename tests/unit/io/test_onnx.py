"""ONNX: graphs of many exporters against ONNX Runtime, and exact round trips."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx_graphs import CASES, PLAIN, B, W, assert_agrees, c, onnx

from pyomo_relu.errors import InputError, MissingDependencyError
from pyomo_relu.io import onnx_dense, onnx_graph
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network, load_network


@pytest.mark.parametrize("name", CASES)
def test_graph_agrees_with_onnxruntime(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = case.save(tmp_path)
    net = load_network(path)
    assert_agrees(net, path, case.batch)
    if case.slopes is not None:
        assert [layer.slope for layer in net] == list(case.slopes)


def test_a_single_gemm_is_not_rounded(tmp_path: Path) -> None:
    net = load_network(CASES["gemm-transB"].save(tmp_path))
    assert np.array_equal(net[0].weight, W.astype(np.float64))
    assert np.array_equal(net[0].bias, B.astype(np.float64))
    assert not net[1].bias.any()


def test_relu_on_the_input_is_an_identity_layer(tmp_path: Path) -> None:
    net = load_network(CASES["relu-first"].save(tmp_path))
    assert np.array_equal(net[0].weight, np.eye(3))


def test_every_supported_op_has_a_step_and_a_case() -> None:
    assert set(onnx_dense.STEPS) == set(onnx_graph.OPS) - {"Constant"}
    assert {op for case in CASES.values() for op, *_ in case.ops} == set(onnx_graph.OPS)


DATA = os.environ.get("PYOMO_RELU_DATA")
SIZES = {
    "fc1": (2, 25, 25, 25, 2),
    "fc_2-2-3": (2, 2, 3),
    "mnist2x10": (784, 10, 10, 10),
    "mnist5x20_leaky_relu": (784, 20, 20, 20, 20, 20, 20, 10),
}


@pytest.mark.skipif(DATA is None, reason="PYOMO_RELU_DATA is not set")
@pytest.mark.parametrize("name", SIZES)
def test_files_of_others_agree_with_onnxruntime(name: str) -> None:
    path = Path(str(DATA)) / "onnx" / f"{name}.onnx"
    net = load_network(path)
    assert net.sizes == SIZES[name]
    assert {layer.slope for layer in net.layers[:-1]} == {float(np.float32(0.1)) if "leaky" in name else 0.0}
    assert net[-1].slope == 1.0
    assert_agrees(net, path)


@pytest.mark.skipif(DATA is None, reason="PYOMO_RELU_DATA is not set")
def test_the_two_files_of_the_generator_agree() -> None:
    folder = Path(str(DATA)) / "generator"
    ours, theirs = load_network(folder / "generator.npz"), load_network(folder / "generator.onnx")
    for a, b in zip(ours, theirs, strict=True):
        assert np.array_equal(a.weight, b.weight)
        assert np.array_equal(a.bias, b.bias)
        assert a.slope == b.slope == 0.0


NETWORKS = {
    "relu": Network.random((3, 5, 4), seed=0),
    "leaky": Network.random((3, 5, 4), (0.1, 1 / 3), seed=1),
    "linear-last": Network.random((3, 5, 4), (0.0, 1.0), seed=2),
    "linear-inside": Network.random((3, 5, 4, 2), (1.0, 1.0, 0.0), seed=3),
    "one": Network((Layer([[2.0]], [1.0]),)),
    "biases": Network((Layer(c(4, 3) / 3, c(4) / 7), Layer(c(2, 4), [1e-300, -5e300], 0.01))),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_round_trip_is_exact(name: str, tmp_path: Path) -> None:
    net, path = NETWORKS[name], tmp_path / "net.onnx"
    net.save(path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    again = load_network(path)
    assert len(again) == len(net)
    for a, b in zip(net, again, strict=True):
        assert np.array_equal(a.weight, b.weight)
        assert np.array_equal(a.bias, b.bias)
        assert a.slope == b.slope
    assert_agrees(net, path, rtol=1e-13)


def test_write_is_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    with pytest.raises(InputError, match="cannot write"):
        NETWORKS["one"].save(tmp_path / "missing" / "net.onnx")
    NETWORKS["one"].save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]


def test_slopes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="slopes must be left out"):
        load_network(PLAIN.save(tmp_path), slopes=0.0)


def test_missing_package_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = PLAIN.save(tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match=r'reading ONNX files.*pip install "pyomo-relu\[onnx\]"'):
        load_network(path)
    with pytest.raises(MissingDependencyError, match="writing ONNX files"):
        NETWORKS["one"].save(path)
