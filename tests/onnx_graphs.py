"""Graphs as different exporters write them, for the tests of the ONNX reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyomo_relu.network import Network

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
    change: Callable[[Any], object] = field(default=lambda _: None)

    def model(self) -> Any:
        element = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        nodes: list[Any] = []
        initializers: list[Any] = []
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
DENSE: list[Op] = [("MatMul", ["x", W.T], "t"), *HEAD]
PLAIN = Case(DENSE)
VARIANCE = np.abs(c(4)) + np.float32(0.1)
NORM = [c(4), c(4), c(4), VARIANCE]


def const(output: str, **value: Any) -> Op:
    return (
        "Constant",
        [],
        output,
        {key: numpy_helper.from_array(v) if key == "value" else v for key, v in value.items()},
    )


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
        [
            ("Sub", ["x", c(3, 1, 1)], "a"),
            ("Div", ["a", c(3, 1, 1)], "b"),
            ("Flatten", ["b"], "f"),
            ("MatMul", ["f", c(12, 2)], "y"),
        ],
        shape=("N", 3, 2, 2),
    ),
    "constant-reshape": Case(
        [const("k", value=ints(-1, 12)), ("Reshape", ["x", "k"], "f"), ("Gemm", ["f", c(12, 4), B], "t"), *HEAD],
        shape=("N", 1, 3, 4),
    ),
    "reshape-zero": Case([("Reshape", ["x", ints(0, -1)], "f"), ("MatMul", ["f", c(6, 4)], "y")], shape=("N", 2, 3)),
    "reshape-in-the-middle": Case(
        [
            ("MatMul", ["x", W.T], "a"),
            ("Reshape", ["a", ints(-1, 2, 2)], "b"),
            ("Add", ["b", c(2, 2)], "d"),
            ("Relu", ["d"], "e"),
            ("Reshape", ["e", ints(0, 4)], "h"),
            ("MatMul", ["h", V.T], "y"),
        ],
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
        [
            ("MatMul", ["x", W.T], "s"),
            ("Relu", ["s"], "u"),
            ("BatchNormalization", ["u", *NORM], "v"),
            ("MatMul", ["v", V.T], "y"),
        ],
        slopes=RELU,
    ),
    "batchnorm-channels": Case(
        [
            ("BatchNormalization", ["x", *NORM], "s", {"epsilon": 0.01}),
            ("Flatten", ["s"], "f"),
            ("MatMul", ["f", c(12, 2)], "y"),
        ],
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
    "prelu-scalar": Case(
        [("MatMul", ["x", W.T], "t"), ("PRelu", ["t", np.array([0.5], np.float32)], "y")], slopes=(0.5,)
    ),
    "initializers-are-inputs": Case([("Gemm", ["x", W.T, B], "t"), *HEAD], listed=True, slopes=RELU),
    "transposed-initializer": Case(
        [("Transpose", [W], "w"), ("MatMul", ["x", "w"], "s"), ("Add", ["s", B], "t"), *HEAD], slopes=RELU
    ),
    "folded-initializer": Case(
        [
            ("Identity", [W], "a"),
            ("Transpose", ["a"], "b", {"perm": [1, 0]}),
            ("Reshape", ["b", ints(3, -1)], "w"),
            ("MatMul", ["x", "w"], "t"),
            *HEAD,
        ]
    ),
    "cast": Case(
        [
            ("Cast", [W.T.astype(np.float16)], "w", {"to": 1}),
            ("Cast", ["x"], "d", {"to": 11}),
            ("Cast", ["d"], "e", {"to": 1}),
            ("MatMul", ["e", "w"], "t"),
            *HEAD,
        ]
    ),
    "cast-double-initializer": Case(
        [("Cast", [W.T.astype(np.float64) / 3], "w", {"to": 1}), ("MatMul", ["x", "w"], "t"), *HEAD]
    ),
    "constants": Case(
        [
            const("w", value=W.T),
            const("b", value_floats=[1.0, -0.5, 0.25, 2.0]),
            const("s", value_float=0.7),
            ("MatMul", ["x", "w"], "a"),
            ("Add", ["a", "b"], "d"),
            ("Mul", ["d", "s"], "t"),
            *HEAD,
        ]
    ),
    "squeeze-by-attribute": Case(
        [
            ("Squeeze", ["x"], "f", {"axes": [1, -1]}),
            ("MatMul", ["f", W.T], "t"),
            ("Relu", ["t"], "h"),
            ("Unsqueeze", ["h"], "y", {"axes": [1]}),
        ],
        shape=("N", 1, 3, 1),
        out=("N", 1, 4),
        opset=11,
    ),
    "squeeze-by-input": Case(
        [("Squeeze", ["x", ints(1)], "f"), ("MatMul", ["f", W.T], "t"), ("Unsqueeze", ["t", ints(-1)], "y")],
        shape=("N", 1, 3),
        out=("N", 4, 1),
    ),
    "squeeze-all": Case([("Squeeze", ["x"], "f"), ("MatMul", ["f", W.T], "y")], shape=(1, 3, 1), out=(4,), batch=None),
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
