"""Networks as ONNX files: every file whose graph is a chain of dense layers is read.

Written files are float64 throughout, so that they give back the same layers bit for
bit. A LeakyReLU is written as ``Max(x, slope * x)``: ONNX Runtime has no LeakyRelu in
float64, and its slope would be rounded to single precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse

from pyomo_relu.atomic import atomic_write
from pyomo_relu.errors import NetworkFileError
from pyomo_relu.io import onnx_dense, onnx_graph
from pyomo_relu.io.blame import blaming, catching
from pyomo_relu.io.optional import require
from pyomo_relu.io.slopes import refuse_slopes
from pyomo_relu.layer import Layer
from pyomo_relu.reading import content

# Recent enough for all that is written, old enough for most programs that read it.
OPSET, IR_VERSION = 13, 8

# Protobuf's 2 GiB, less some room for all that is not an array.
MAX_BYTES = 2**31 - 2**20


def read(path: Path, *, slopes: object = None) -> tuple[Layer, ...]:
    """Read the layers of an ONNX file; affine steps without an activation between them are merged.

    Parameters
    ----------
    path : Path
    slopes : None
        An ONNX file names its activations, so any other value is an error.

    Raises
    ------
    NetworkFileError
        If the file is damaged, or its graph is not a chain of supported ops; the message names the op.
    InputError
        If `slopes` are given.
    MissingDependencyError
        If the onnx package is not installed.
    """
    onnx = require("onnx", "reading ONNX files")
    refuse_slopes(slopes, path)
    decode_error = import_module("google.protobuf.message").DecodeError
    data = content(path, MAX_BYTES, error=NetworkFileError)
    with catching(path, (decode_error,)):
        model = onnx.load_model_from_string(data)
    with blaming(path):
        return onnx_dense.layers(onnx_graph.parse(onnx, model, path.parent))


def write(path: Path, layers: Sequence[Layer]) -> None:
    """Write `layers` to an ONNX file, atomically and exactly (float64); the input is ``z``, the output ``x``.

    Raises
    ------
    NetworkFileError
        If the layers do not fit in the 2 GiB that an ONNX file can have.
    MissingDependencyError
        If the onnx package is not installed.
    """
    onnx = require("onnx", "writing ONNX files")
    if sum(8 * (layer.n_weights + layer.n_out) for layer in layers) > MAX_BYTES:
        raise NetworkFileError(f"{path}: the network is larger than the 2 GiB of an ONNX file")
    helper, double = onnx.helper, onnx.TensorProto.DOUBLE
    graph = helper.make_graph(
        _nodes(helper, layers),
        "network",
        [helper.make_tensor_value_info("z", double, ["N", layers[0].n_in])],
        [helper.make_tensor_value_info("x", double, ["N", layers[-1].n_out])],
        [
            onnx.numpy_helper.from_array(np.asarray(array, dtype=np.float64), f"{kind}_{i}")
            for i, layer in enumerate(layers, start=1)
            for kind, array in (("weight", layer.weight), ("bias", layer.bias), ("slope", layer.activation.compact))
            if not issparse(array)
        ],
        sparse_initializer=[
            _sparse(onnx, layer, f"weight_{i}") for i, layer in enumerate(layers, start=1) if issparse(layer.weight)
        ],
    )
    model = helper.make_model(
        graph, producer_name="pyomo-relu", ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    with atomic_write(path) as file:
        file.write(model.SerializeToString())


def _sparse(onnx: Any, layer: Layer, name: str) -> Any:
    rows, columns, values = layer.nonzeros()
    return onnx.helper.make_sparse_tensor(
        onnx.numpy_helper.from_array(values, name),
        onnx.numpy_helper.from_array(np.stack([rows, columns], axis=1).astype(np.int64), f"{name}_indices"),
        layer.weight.shape,
    )


def _nodes(helper: Any, layers: Sequence[Layer]) -> list[Any]:
    nodes, source = [], "z"
    for i, layer in enumerate(layers, start=1):
        last = i == len(layers)
        target = "x" if last else f"h_{i}"
        # A linear layer further inside keeps its Max, or reading would merge it with the next.
        bare = last and layer.activation.uniform == 1.0
        affine = target if bare else f"t_{i}"
        nodes.append(helper.make_node("Gemm", [source, f"weight_{i}", f"bias_{i}"], [affine], transB=1))
        if layer.activation.uniform == 0.0:
            nodes.append(helper.make_node("Relu", [affine], [target]))
        elif not bare:
            nodes.append(helper.make_node("Mul", [affine, f"slope_{i}"], [f"s_{i}"]))
            nodes.append(helper.make_node("Max", [affine, f"s_{i}"], [target]))
        source = target
    return nodes
