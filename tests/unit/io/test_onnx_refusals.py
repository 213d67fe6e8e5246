"""ONNX: what is refused, by name and in one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_graphs import DENSE, NORM, PLAIN, B, Case, W, c, helper, ints, numpy_helper

from pyomo_relu.errors import NetworkFileError
from pyomo_relu.network import load_network


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
        r"'MatMul' \(node 1\): the weight expects 5 inputs, got 3",
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
    "divided-by-zero": (Case([("Div", ["x", np.array([1, 0, 1], np.float32)], "y")]), "1 entry that is not finite"),
    "overflow": (
        Case([("Mul", ["x", np.float64(1e200)], "t"), ("Mul", ["t", np.float64(1e200)], "y")], dtype=np.float64),
        "not finite",
    ),
    "divides-by-data": (Case([("Div", [c(3), "x"], "y")]), "all but its first operand must be constants"),
    "max-with-zero": (Case([("Max", ["x", np.float32(0)], "y")]), r"only supported as Max\(x, slope \* x\)"),
    "max-with-other-slope": (
        Case([("Mul", ["x", np.full(3, 1.5, np.float32)], "t"), ("Max", ["t", "x"], "y")]),
        r"slope must lie in \[0, 1\]",
    ),
    "leaky-above-one": (Case([("LeakyRelu", ["x"], "y", {"alpha": 1.5})]), r"slope must lie in \[0, 1\]"),
    "leaky-below-zero": (Case([("LeakyRelu", ["x"], "y", {"alpha": -0.5})]), r"slope must lie in \[0, 1\]"),
    "prelu-vector": (Case([("PRelu", ["x", np.ones(7, np.float32)], "y")]), "does not fit a tensor"),
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
    "squeeze-without-axes": (Case([("Squeeze", ["x"], "y")], shape=("N", 1, 3)), "drops the batch axis too"),
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
    "huge-identity": (Case([("Relu", ["x"], "y")], shape=("N", 20000)), "20000 inputs and 20000 outputs is too large"),
    "huge-product": (
        Case([("MatMul", ["x", c(20000, 1)], "t"), ("MatMul", ["t", c(1, 20000)], "y")], shape=("N", 20000)),
        "20000 inputs and 20000 outputs is too large",
    ),
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
