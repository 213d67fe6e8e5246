"""ONNX files of many exporters, each against ONNX Runtime; refusals by name; damaged and hostile files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyomo_relu import io
from pyomo_relu.errors import InputError, MissingDependencyError, NetworkFileError
from pyomo_relu.io import onnx_dense, onnx_graph
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network, load_network

onnx = pytest.importorskip("onnx", reason="the onnx package is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

Op = tuple[Any, ...]
"""(type, inputs, output) or (type, inputs, output, attributes); an input that is an array is an initializer."""


@dataclass(frozen=True)
class Case:
    """A graph from ``x`` to ``y``; `batch` is the axis of the samples, None for one sample at a time."""

    ops: Sequence[Op]
    shape: Sequence[Any] = ("N", 3)
    out: Sequence[Any] | None = None
    batch: int | None = 0
    opset: int = 13
    dtype: Any = np.float32
    slopes: Sequence[float] | None = None
    listed: bool = False
    change: Callable[[Any], object] = field(default=lambda model: None)

    def model(self) -> Any:
        element = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        nodes, initializers = [], []
        for op, inputs, output, *attributes in self.ops:
            names = []
            for value in inputs:
                if isinstance(value, str):
                    names.append(value)
                else:
                    names.append(f"c{len(initializers)}")
                    initializers.append(numpy_helper.from_array(np.asarray(value), names[-1]))
            nodes.append(helper.make_node(op, names, [output], **(attributes[0] if attributes else {})))
        inputs = [helper.make_tensor_value_info("x", element, self.shape)]
        if self.listed:
            inputs += [helper.make_tensor_value_info(c.name, c.data_type, c.dims) for c in initializers]
        outputs = [helper.make_tensor_value_info("y", element, self.out)]
        graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
        model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", self.opset)])
        self.change(model)
        return model

    def save(self, folder: Path) -> Path:
        path = folder / "net.onnx"
        path.write_bytes(self.model().SerializeToString())
        return path


RNG = np.random.default_rng(0)


def c(*shape: int, dtype: Any = np.float32) -> Any:
    return RNG.normal(size=shape).astype(dtype)


def ints(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


W, B, V = c(4, 3), c(4), c(2, 4)
HEAD: list[Op] = [("Relu", ["t"], "h"), ("MatMul", ["h", V.T], "y")]
VARIANCE = np.abs(c(4)) + np.float32(0.1)
NORM = [c(4), c(4), c(4), VARIANCE]


def constant(**value: Any) -> tuple[list[str], dict[str, Any]]:
    return [], {key: numpy_helper.from_array(v) if key == "value" else v for key, v in value.items()}


def const(output: str, **value: Any) -> Op:
    inputs, attributes = constant(**value)
    return ("Constant", inputs, output, attributes)


RELU = (0.0, 1.0)
CASES: dict[str, Case] = {
    "gemm-transB": Case([("Gemm", ["x", W, B], "t", {"transB": 1}), *HEAD], slopes=RELU),
    "gemm-plain": Case([("Gemm", ["x", W.T, B], "t"), *HEAD], slopes=RELU),
    "gemm-alpha-beta": Case(
        [("Gemm", ["x", W, B], "t", {"transB": 1, "alpha": 0.3, "beta": -2.5}), *HEAD], slopes=RELU
    ),
    "gemm-without-bias": Case([("Gemm", ["x", W.T], "t"), *HEAD], slopes=RELU),
    "gemm-empty-bias": Case([("Gemm", ["x", W.T, ""], "t"), *HEAD], slopes=RELU),
    "gemm-bias-scalar": Case([("Gemm", ["x", W.T, c()], "t"), *HEAD]),
    "gemm-bias-one": Case([("Gemm", ["x", W.T, c(1)], "t", {"beta": 0.5}), *HEAD]),
    "gemm-bias-row": Case([("Gemm", ["x", W.T, c(1, 4)], "t"), *HEAD]),
    "gemm-columns": Case([("Gemm", [W, "x", c(4, 1)], "y")], shape=(3, 1), out=(4, 1), batch=None),
    "gemm-columns-batch": Case([("Gemm", [W.T, "x", c(4, 1)], "y", {"transA": 1})], shape=(3, "N"), batch=1),
    "gemm-columns-fixed-batch": Case([("Gemm", [W, "x"], "y")], shape=(3, 5), batch=1),
    "gemm-transA-of-data": Case(
        [("Gemm", ["x", W, B], "t", {"transA": 1, "transB": 1}), ("Transpose", ["t"], "y")], shape=(3, "N"), batch=1
    ),
    "gemm-transB-of-data": Case([("Gemm", [W, "x"], "t", {"transB": 1}), ("Transpose", ["t"], "y")]),
    "matmul-add": Case([("MatMul", ["x", W.T], "s"), ("Add", ["s", B], "t"), *HEAD], slopes=RELU),
    "add-constant-first": Case([("MatMul", ["x", W.T], "s"), ("Add", [B, "s"], "t"), *HEAD], slopes=RELU),
    "add-row": Case([("MatMul", ["x", W.T], "s"), ("Add", ["s", c(1, 4)], "t"), *HEAD]),
    "add-before-matmul": Case([("Add", ["x", c(3)], "s"), ("MatMul", ["s", W.T], "t"), *HEAD], slopes=RELU),
    "add-twice": Case([("MatMul", ["x", W.T], "s"), ("Add", ["s", B], "u"), ("Add", ["u", c()], "t"), *HEAD]),
    "sub-first": Case([("Sub", ["x", c(3)], "s"), ("Gemm", ["s", W, B], "t", {"transB": 1}), *HEAD], slopes=RELU),
    "sub-div-scalars": Case(
        [("Sub", ["x", c()], "a"), ("Div", ["a", c(1)], "b"), ("MatMul", ["b", W.T], "t"), *HEAD], slopes=RELU
    ),
    "sub-from-constant": Case([("MatMul", ["x", W.T], "s"), ("Sub", [B, "s"], "t"), *HEAD], slopes=RELU),
    "mul-either-side": Case(
        [("Mul", ["x", c(3)], "a"), ("MatMul", ["a", W.T], "b"), ("Mul", [c(4), "b"], "t"), *HEAD], slopes=RELU
    ),
    "flatten-first": Case(
        [("Flatten", ["x"], "f"), ("Gemm", ["f", c(4, 12), B], "t", {"transB": 1}), *HEAD], shape=("N", 3, 2, 2)
    ),
    "flatten-negative-axis": Case(
        [("Flatten", ["x"], "f", {"axis": -2}), ("MatMul", ["f", c(6, 4)], "y")], ("N", 3, 2)
    ),
    "normalise-image-then-flatten": Case(
        [("Sub", ["x", c(3, 1, 1)], "a"), ("Div", ["a", c(3, 1, 1)], "b"), ("Flatten", ["b"], "f")]
        + [("MatMul", ["f", c(12, 2)], "y")],
        shape=("N", 3, 2, 2),
    ),
    "constant-reshape": Case(
        [const("k", value=ints(-1, 12)), ("Reshape", ["x", "k"], "f"), ("Gemm", ["f", c(12, 4), B], "t"), *HEAD],
        shape=("N", 1, 3, 4),
    ),
    "reshape-zero": Case([("Reshape", ["x", ints(0, -1)], "f"), ("MatMul", ["f", c(6, 4)], "y")], shape=("N", 2, 3)),
    "reshape-in-the-middle": Case(
        [("MatMul", ["x", W.T], "a"), ("Reshape", ["a", ints(-1, 2, 2)], "b"), ("Add", ["b", c(2, 2)], "d")]
        + [("Relu", ["d"], "e"), ("Reshape", ["e", ints(0, 4)], "h"), ("MatMul", ["h", V.T], "y")],
        slopes=RELU,
    ),
    "reshape-batch-of-one": Case(
        [("Reshape", ["x", ints(1, -1)], "f"), ("MatMul", ["f", c(12, 4)], "y")], shape=(1, 3, 2, 2), batch=None
    ),
    "reshape-batch-of-five": Case([("Reshape", ["x", ints(5, 6)], "f"), ("MatMul", ["f", c(6, 4)], "y")], (5, 2, 3)),
    "batchnorm": Case(
        [("Gemm", ["x", W, B], "s", {"transB": 1}), ("BatchNormalization", ["s", *NORM], "t"), *HEAD], slopes=RELU
    ),
    "batchnorm-epsilon": Case(
        [("MatMul", ["x", W.T], "s"), ("BatchNormalization", ["s", *NORM], "t", {"epsilon": 0.5}), *HEAD]
    ),
    "batchnorm-after-relu": Case(
        [("MatMul", ["x", W.T], "s"), ("Relu", ["s"], "u"), ("BatchNormalization", ["u", *NORM], "v")]
        + [("MatMul", ["v", V.T], "y")],
        slopes=RELU,
    ),
    "batchnorm-channels": Case(
        [("BatchNormalization", ["x", *NORM], "s", {"epsilon": 0.01}), ("Flatten", ["s"], "f")]
        + [("MatMul", ["f", c(12, 2)], "y")],
        shape=("N", 4, 3),
    ),
    "leaky": Case(
        [("MatMul", ["x", W.T], "t"), ("LeakyRelu", ["t"], "h", {"alpha": 0.25}), ("MatMul", ["h", V.T], "y")],
        slopes=(0.25, 1.0),
    ),
    "leaky-default": Case([("MatMul", ["x", W.T], "t"), ("LeakyRelu", ["t"], "y")], slopes=(float(np.float32(0.01)),)),
    "leaky-one-is-linear": Case(
        [("MatMul", ["x", W.T], "t"), ("LeakyRelu", ["t"], "y", {"alpha": 1.0})], slopes=(1.0,)
    ),
    "leaky-as-max": Case(
        [("MatMul", ["x", W.T], "t"), ("Mul", ["t", np.array([0.1], np.float32)], "s"), ("Max", ["s", "t"], "y")],
        slopes=(float(np.float32(0.1)),),
    ),
    "prelu-scalar": Case([("MatMul", ["x", W.T], "t"), ("PRelu", ["t", np.float32([0.5])], "y")], slopes=(0.5,)),
    "initializers-are-inputs": Case([("Gemm", ["x", W.T, B], "t"), *HEAD], listed=True, slopes=RELU),
    "transposed-initializer": Case(
        [("Transpose", [W], "w"), ("MatMul", ["x", "w"], "s"), ("Add", ["s", B], "t"), *HEAD], slopes=RELU
    ),
    "folded-initializer": Case(
        [("Identity", [W], "a"), ("Transpose", ["a"], "b", {"perm": [1, 0]}), ("Reshape", ["b", ints(3, -1)], "w")]
        + [("MatMul", ["x", "w"], "t"), *HEAD]
    ),
    "cast": Case(
        [("Cast", [W.T.astype(np.float16)], "w", {"to": 1}), ("Cast", ["x"], "d", {"to": 11})]
        + [("Cast", ["d"], "e", {"to": 1}), ("MatMul", ["e", "w"], "t"), *HEAD]
    ),
    "cast-double-initializer": Case(
        [("Cast", [W.T.astype(np.float64) / 3], "w", {"to": 1}), ("MatMul", ["x", "w"], "t"), *HEAD]
    ),
    "constants": Case(
        [const("w", value=W.T), const("b", value_floats=[1.0, -0.5, 0.25, 2.0]), const("s", value_float=0.7)]
        + [("MatMul", ["x", "w"], "a"), ("Add", ["a", "b"], "d"), ("Mul", ["d", "s"], "t"), *HEAD]
    ),
    "squeeze-by-attribute": Case(
        [("Squeeze", ["x"], "f", {"axes": [1, -1]}), ("MatMul", ["f", W.T], "t"), ("Relu", ["t"], "h")]
        + [("Unsqueeze", ["h"], "y", {"axes": [1]})],
        shape=("N", 1, 3, 1),
        out=("N", 1, 4),
        opset=11,
    ),
    "squeeze-by-input": Case(
        [("Squeeze", ["x", ints(1)], "f"), ("MatMul", ["f", W.T], "t"), ("Unsqueeze", ["t", ints(-1)], "y")],
        shape=("N", 1, 3),
        out=("N", 4, 1),
    ),
    "identity-dropout": Case(
        [("Identity", ["x"], "i"), ("MatMul", ["i", W.T], "s"), ("Dropout", ["s", np.float32(0.3)], "t"), *HEAD],
        slopes=RELU,
    ),
    "dropout-before-opset-12": Case([("MatMul", ["x", W.T], "s"), ("Dropout", ["s"], "y", {"ratio": 0.3})], opset=10),
    "opset-7": Case([("MatMul", ["x", W.T], "s"), ("Add", ["s", B], "t"), *HEAD], opset=7),
    "opset-9-gemm": Case([("Gemm", ["x", W, B], "t", {"transB": 1}), *HEAD], opset=9),
    "opset-20": Case([("Gemm", ["x", W], "t", {"transB": 1}), *HEAD], opset=20),
    "vector": Case([("MatMul", ["x", W.T], "s"), ("Add", ["s", B], "t"), *HEAD], shape=(3,), batch=None),
    "vector-from-left": Case([("MatMul", [W, "x"], "s"), ("Add", ["s", B], "y")], shape=(3,), batch=None),
    "column": Case(
        [("MatMul", [W, "x"], "s"), ("Add", ["s", B[:, None]], "t"), ("Relu", ["t"], "h"), ("MatMul", [V, "h"], "y")],
        shape=(3, 1),
        out=(2, 1),
        batch=None,
        slopes=RELU,
    ),
    "columns": Case([("MatMul", [W, "x"], "s"), ("Add", ["s", B[:, None]], "y")], shape=(3, "N"), batch=1),
    "column-in-batch": Case([("MatMul", [W, "x"], "s"), ("Relu", ["s"], "y")], shape=("N", 3, 1)),
    "row-in-batch": Case([("MatMul", ["x", W.T], "s"), ("Add", ["s", c(1, 1, 4)], "y")], shape=("N", 1, 3)),
    "transposed-data": Case(
        [("Transpose", ["x"], "a"), ("MatMul", [W, "a"], "b"), ("Transpose", ["b"], "y", {"perm": [1, 0]})]
    ),
    "one-feature": Case([("MatMul", ["x", c(1, 4)], "y")], shape=("N", 1)),
    "relu-first": Case([("Relu", ["x"], "r"), ("MatMul", ["r", W.T], "y")], slopes=RELU),
    "relu-twice": Case([("MatMul", ["x", W.T], "s"), ("Relu", ["s"], "t"), *HEAD], slopes=(0.0, 0.0, 1.0)),
    "relu-last": Case([("MatMul", ["x", W.T], "s"), ("Relu", ["s"], "y")], slopes=(0.0,)),
    "only-scale": Case([("Mul", ["x", c(3)], "s"), ("Relu", ["s"], "y")], slopes=(0.0,)),
    "only-identity": Case([("Identity", ["x"], "y")], slopes=(1.0,)),
    "affine-merged": Case(
        [
            ("Gemm", ["x", W, B], "s", {"transB": 1}),
            ("Gemm", ["s", V, c(2)], "t", {"transB": 1}),
            ("Mul", ["t", c(2)], "y"),
        ],
        slopes=(1.0,),
    ),
    "double": Case(
        [("Gemm", ["x", c(3, 4, dtype=np.float64), c(4, dtype=np.float64)], "t"), ("Relu", ["t"], "y")],
        dtype=np.float64,
    ),
}


def outputs_of(path: Path, samples: Any, batch: int | None = 0) -> Any:
    """The outputs of ONNX Runtime, a row a sample."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()[:1]
    samples = samples.astype(np.float64 if "double" in source.type else np.float32)
    if batch is None:
        shape = source.shape
        return np.stack([session.run(None, {source.name: row.reshape(shape)})[0].ravel() for row in samples])
    sizes = [n for axis, n in enumerate(source.shape) if axis != batch]
    feed = np.moveaxis(samples.reshape(-1, *sizes), 0, batch)
    (found,) = session.run(None, {source.name: feed})
    return np.moveaxis(found, batch if found.ndim > 1 else 0, 0).reshape(len(samples), -1)


def assert_agrees(net: Network, path: Path, batch: int | None = 0, rtol: float = 1e-5) -> None:
    samples = np.random.default_rng(1).normal(size=(5, net.n_in)).astype(np.float32).astype(np.float64)
    expected = outputs_of(path, samples, batch)
    assert expected.shape == (5, net.n_out)
    np.testing.assert_allclose(net(samples), expected, rtol=rtol, atol=rtol * np.abs(expected).max())


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


def clear_opsets(model: Any) -> None:
    del model.opset_import[:]


def second_output(model: Any) -> None:
    model.graph.output.add().CopyFrom(helper.make_tensor_value_info("t", 1, None))


def custom_domain(model: Any) -> None:
    model.graph.node[0].domain = "com.example"


def declare(name: str, shape: Sequence[Any]) -> Callable[[Any], None]:
    return lambda model: model.graph.value_info.add().CopyFrom(helper.make_tensor_value_info(name, 1, shape))


def set_attribute(name: str, value: Any) -> Callable[[Any], None]:
    return lambda model: model.graph.node[0].attribute.add().CopyFrom(helper.make_attribute(name, value))


def repeat_initializer(model: Any) -> None:
    model.graph.initializer.add().CopyFrom(model.graph.initializer[0])


def bad_size(model: Any) -> None:
    model.graph.initializer[0].dims[0] = 10**12


def negative_size(model: Any) -> None:
    model.graph.initializer[0].dims[0] = -1


def integer_weight(model: Any) -> None:
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.ones((3, 4), np.int64), "c0"))


def function(model: Any) -> None:
    model.functions.add().name = "Relu"


DENSE: list[Op] = [("MatMul", ["x", W.T], "t"), *HEAD]
PLAIN = Case(DENSE)
REFUSALS: dict[str, tuple[Case, str]] = {
    **{
        op: (
            Case([("MatMul", ["x", W.T], "t"), (op, ["t"], "y")]),
            rf"op '{op}' \(node 2\) is not supported; supported: Add,",
        )
        for op in ("LogSoftmax", "Softmax", "Tanh", "Sigmoid", "Clip", "Elu", "Shape", "QuantizeLinear", "If", "Abs")
    },
    "conv": (
        Case([("Conv", ["x", c(2, 3, 1, 1)], "y")], shape=("N", 3, 2, 2)),
        r"op 'Conv' \(node 1\) is not supported",
    ),
    "residual": (
        Case([("MatMul", ["x", c(3, 3)], "t"), ("Add", ["x", "t"], "y")]),
        r"'Add' \(node 2\).*joins the branches",
    ),
    "product-of-data": (Case([("MatMul", ["x", "x"], "y")], shape=(3, 3)), "joins the branches"),
    "dead-branch": (Case([("Relu", ["x"], "s"), ("MatMul", ["x", W.T], "y")]), "'x', which other nodes take too"),
    "gemm-residual": (Case([("Gemm", [W.T, c(4, 4), "x"], "y")]), "third operand must be a constant"),
    "second-output": (Case(DENSE, change=second_output), "has 2 outputs, expected one"),
    "second-input": (Case([("MatMul", ["x", W.T], "t"), ("Add", ["t", "z"], "y")]), "'z' is used before it is made"),
    "output-too-early": (Case([*DENSE, ("Relu", ["y"], "z")]), "its output 'y' is not that of its last node, 'z'"),
    "custom-domain": (Case(DENSE, change=custom_domain), "domain 'com.example'"),
    "functions": (Case(DENSE, change=function), "model-local functions"),
    "no-opset": (Case(DENSE, change=clear_opsets), "opset is missing"),
    "old-opset": (replace(PLAIN, opset=6), r"opset is \[6\]"),
    "future-opset": (replace(PLAIN, opset=9999), r"opset is \[9999\]"),
    "weight-does-not-fit": (
        Case([("MatMul", ["x", c(5, 4)], "y")]),
        r"'MatMul' \(node 1\): layer 1 expects 5 inputs, got 3",
    ),
    "bias-does-not-fit": (
        Case([("MatMul", ["x", W.T], "t"), ("Add", ["t", c(3)], "y")]),
        r"shape \(3,\) does not fit.*\(N, 4\)",
    ),
    "bias-widens": (Case([("MatMul", ["x", c(3, 1)], "t"), ("Add", ["t", c(4)], "y")]), "does not fit"),
    "bias-per-sample": (Case([("Add", ["x", c(5, 3)], "y")], shape=(5, 3)), "does not fit"),
    "declared-output": (replace(PLAIN, out=("N", 3)), r"'y' has shape \(N, 2\), the file declares \(N, 3\)"),
    "declared-inside": (Case(DENSE, change=declare("t", ("N", 4, 1))), r"'t' has shape \(N, 4\), the file declares"),
    "no-input-shape": (Case(DENSE, shape=None), "declares no shape"),  # type: ignore[arg-type]
    "open-sizes": (Case(DENSE, shape=("N", "M")), r"declares shape \(N, N\); only the batch may be open"),
    "open-features": (Case(DENSE, shape=(3, "N")), "not one of a declared size"),
    "integer-input": (replace(PLAIN, dtype=np.int64), "not a floating-point tensor"),
    "integer-weight": (Case(DENSE, change=integer_weight), "operand 2 must be a constant of floating-point"),
    "infinite-weight": (
        Case([("MatMul", ["x", np.full((3, 2), np.inf, np.float32)], "y")]),
        "6 entries that are not finite",
    ),
    "divided-by-zero": (Case([("Div", ["x", np.float32([1, 0, 1])], "y")]), "1 entries that are not finite"),
    "overflow": (
        Case([("Mul", ["x", np.float64(1e200)], "t"), ("Mul", ["t", np.float64(1e200)], "y")], dtype=np.float64),
        "not finite",
    ),
    "divides-by-data": (Case([("Div", [c(3), "x"], "y")]), "all but its first operand must be constants"),
    "max-with-zero": (Case([("Max", ["x", np.float32(0)], "y")]), r"only supported as Max\(x, slope \* x\)"),
    "max-with-other-slope": (
        Case([("Mul", ["x", c(3)], "t"), ("Max", ["t", "x"], "y")]),
        "'x', which other nodes take too|joins",
    ),
    "leaky-above-one": (Case([("LeakyRelu", ["x"], "y", {"alpha": 1.5})]), r"slope must be one number in \[0, 1\]"),
    "leaky-below-zero": (Case([("LeakyRelu", ["x"], "y", {"alpha": -0.5})]), r"slope must be one number in \[0, 1\]"),
    "prelu-vector": (Case([("PRelu", ["x", np.float32([0.1, 0.2, 0.3])], "y")]), "3 slopes, only one"),
    "batchnorm-training": (
        Case([("MatMul", ["x", W.T], "t"), ("BatchNormalization", ["t", *NORM], "y", {"training_mode": 1})], opset=14),
        "training mode",
    ),
    "batchnorm-size": (
        Case([("BatchNormalization", ["x", *NORM], "y")]),
        r"operand 2 has shape \(4,\), the tensor \(N, 3\)",
    ),
    "batchnorm-negative": (Case([("BatchNormalization", ["x", *[-np.ones(3, np.float32)] * 4], "y")]), "not finite"),
    "dropout-training": (Case([("Dropout", ["x", c(), np.array(True)], "y")]), "training mode"),
    "reshape-splits": (Case([("Reshape", ["x", ints(-1, 1)], "y")]), "does not keep each sample together"),
    "reshape-merges": (Case([("Reshape", ["x", ints(1, -1)], "y")]), "does not keep each sample together"),
    "reshape-splits-batch": (Case([("Reshape", ["x", ints(2, -1, 3)], "y")]), "does not keep each sample together"),
    "reshape-columns": (
        Case([("MatMul", [W, "x"], "t"), ("Reshape", ["t", ints(-1, 4)], "y")], shape=(3, "N")),
        "does not keep",
    ),
    "reshape-two-unknown": (Case([("Reshape", ["x", ints(-1, -1)], "y")], shape=(1, 3)), "does not keep"),
    "reshape-zero-too-far": (Case([("Reshape", ["x", ints(0, 3, 0)], "y")]), "does not keep"),
    "flatten-merges": (Case([("Flatten", ["x"], "y", {"axis": 0})]), "does not keep each sample together"),
    "flatten-splits": (Case([("Flatten", ["x"], "y", {"axis": 2})], shape=("N", 2, 3)), "does not keep"),
    "flatten-axis": (Case([("Flatten", ["x"], "y", {"axis": 5})]), "has no axis 5"),
    "squeeze-large": (Case([("Squeeze", ["x", ints(1)], "y")]), "drops more than axes of size 1"),
    "unsqueeze-axis": (Case([("Unsqueeze", ["x", ints(7)], "y")]), r"axes \(7,\) do not fit 3 axes"),
    "transpose-reorders": (Case([("Transpose", ["x"], "y", {"perm": [0, 2, 1]})], shape=("N", 2, 3)), "reorders"),
    "transpose-perm": (Case([("Transpose", ["x"], "y", {"perm": [0, 0]})]), r"perm \(0, 0\)"),
    "product-per-row": (Case([("MatMul", ["x", W.T], "y")], shape=("N", 2, 3)), "acts on parts of a sample"),
    "weight-of-three-axes": (Case([("MatMul", ["x", c(1, 3, 4)], "y")]), r"shape \(1, 3, 4\), expected two axes"),
    "gemm-of-vector": (Case([("Gemm", ["x", W.T], "y")], shape=(3,)), "two axes"),
    "cast-to-integer": (Case([("Cast", ["x"], "y", {"to": 7})]), "cast to other than floating-point"),
    "cast-constant-to-bfloat16": (Case([("Cast", [W], "w", {"to": 16}), *DENSE]), "cast to element type 16"),
    "bfloat16-weight": (
        Case(DENSE, change=lambda m: setattr(m.graph.initializer[0], "data_type", 16)),
        "element type 16",
    ),
    "arithmetic-on-constants": (Case([("Add", [W, W], "w"), *DENSE]), r"'Add' \(node 1\): not supported on constants"),
    "constant-with-text": (
        Case([("Constant", [], "k", {"value_string": "a"}), *DENSE]),
        "'value_string'.*not understood",
    ),
    "constant-without-value": (Case([("Constant", [], "k"), *DENSE]), "0 values, expected one"),
    "made-twice": (Case([("MatMul", ["x", W.T], "t"), ("Relu", ["t"], "t")]), "made twice"),
    "two-of-one-name": (Case(DENSE, change=repeat_initializer), "two initializers have one name"),
    "absurd-size": (Case(DENSE, change=bad_size), "does not hold what its shape"),
    "negative-size": (Case(DENSE, change=negative_size), r"has shape \(-1, 4\)"),
    "unknown-attribute": (Case(DENSE, change=set_attribute("transB", 1)), "attribute 'transB' that is not understood"),
    "attribute-of-wrong-type": (Case([("Gemm", ["x", W.T], "y", {"alpha": 1})]), "attribute 'alpha'.*not understood"),
    "too-many-inputs": (Case([("MatMul", ["x", W.T, B], "y")]), r"'MatMul' \(node 1\) has 3 inputs"),
    "too-few-inputs": (Case([("Add", ["x"], "y")]), r"'Add' \(node 1\) has 1 inputs"),
    "huge-identity": (Case([("Relu", ["x"], "y")], shape=("N", 20000)), "identity layer of width 20000 is too large"),
    "huge-input": (Case([("Relu", ["x"], "y")], shape=("N", 10**12)), "declares shape"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name: str, tmp_path: Path) -> None:
    case, message = REFUSALS[name]
    path = case.save(tmp_path)
    with pytest.raises(NetworkFileError, match=message) as caught:
        load_network(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_slopes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leave slopes out"):
        load_network(PLAIN.save(tmp_path), slopes=0.0)


def test_missing_package_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = PLAIN.save(tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match=r'reading ONNX files.*pip install "pyomo-relu\[onnx\]"'):
        load_network(path)
    with pytest.raises(MissingDependencyError, match="writing ONNX files"):
        NETWORKS["one"].save(path)


def save_external(folder: Path, location: str, **entries: str) -> Path:
    """A model whose weight (3, 4) is in `location`."""

    def change(model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in {"location": location, **entries}.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value

    folder.mkdir(exist_ok=True)
    return Case(DENSE, change=change).save(folder)


BYTES = W.T.tobytes()


def test_external_data_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"12345678" + BYTES + b"tail")
    path = save_external(tmp_path, "w.bin", offset="8", length=str(len(BYTES)))
    net = load_network(path)
    assert np.array_equal(net[0].weight, W.astype(np.float64))
    assert_agrees(net, path)


def test_external_data_in_a_folder_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "w.bin").write_bytes(BYTES)
    save_external(tmp_path, "below/w.bin")
    monkeypatch.chdir(tmp_path)
    assert np.array_equal(load_network("net.onnx")[0].weight, W.astype(np.float64))


@pytest.mark.parametrize(
    "location",
    ["../w.bin", "../model/../w.bin", "below/../../w.bin", "ABSOLUTE", "link.bin", "linked/w.bin", "loop", "pipe"]
    + ["", ".", "below", "below/../w.bin", "missing.bin", "a\0b", "x" * 5000, "~/w.bin", "file:///etc/passwd"],
)
def test_external_data_elsewhere_is_refused_unread(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, folder = tmp_path / "w.bin", tmp_path / "model"
    (folder / "below").mkdir(parents=True)
    outside.write_bytes(BYTES)
    (folder / "w.bin").write_bytes(BYTES)
    (folder / "link.bin").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe")
    path = save_external(folder, str(outside) if location == "ABSOLUTE" else location)
    monkeypatch.setattr(Path, "open", lambda *args: pytest.fail("a file was opened"))
    data = os.open(path, os.O_RDONLY)
    monkeypatch.setattr(Path, "read_bytes", lambda self: os.read(data, 10**6))
    with pytest.raises(NetworkFileError, match="not a file inside the model's own folder"):
        io.onnx.read(path)
    os.close(data)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"offset": "4"}, "is 48 bytes at 4 of 48, expected 48"),
        ({"length": "44"}, "is 44 bytes at 0 of 48, expected 48"),
        ({"length": str(10**15)}, "expected 48 bytes"),
        ({"offset": "-8"}, "at -8 of 48"),
        ({"offset": str(10**30)}, "of 48, expected 48"),
        ({"offset": "many"}, "does not hold what its shape"),
    ],
)
def test_external_data_of_the_wrong_size(entries: dict[str, str], message: str, tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(BYTES)
    with pytest.raises(NetworkFileError, match=message):
        load_network(save_external(tmp_path, "w.bin", **entries))


SMALL = Case([("Gemm", ["x", c(2, 2), c(2)], "t", {"transB": 1, "alpha": 2.0}), ("LeakyRelu", ["t"], "y")], ("N", 2))


def read_bytes(data: bytes, path: Path) -> tuple[Layer, ...] | None:
    """The layers of a file with these bytes; None where they are refused in one line that names the file."""
    path.write_bytes(data)
    try:
        return io.read_layers(path)
    except NetworkFileError as error:
        assert str(error).startswith(f"{path}: ")
        return None


def test_truncated_file(tmp_path: Path) -> None:
    data, path = SMALL.model().SerializeToString(), tmp_path / "net.onnx"
    whole = read_bytes(data, path)
    assert whole is not None
    for length in range(len(data)):
        layers = read_bytes(data[:length], path)
        if layers is not None:
            assert np.array_equal(layers[0].weight, whole[0].weight)
            assert np.array_equal(layers[0].bias, whole[0].bias)
            assert layers[0].slope == whole[0].slope


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "net.onnx"


@settings(max_examples=400, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes_are_refused_or_read(changes: list[tuple[int, int]], scratch: Path) -> None:
    data = bytearray(SMALL.model().SerializeToString())
    for position, byte in changes:
        data[position % len(data)] = byte
    layers = read_bytes(bytes(data), scratch)
    assert layers is None or all(np.isfinite(layer.weight).all() for layer in layers)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_garbage_is_refused(data: bytes, scratch: Path) -> None:
    assert read_bytes(data, scratch) is None
