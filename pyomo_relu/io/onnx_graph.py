"""An ONNX model as plain values: its nodes in order, its initializers, one input and one output."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyomo_relu.errors import InputError
from pyomo_relu.io.blame import blaming
from pyomo_relu.io.onnx_tensor import FLOATS, Array, ExternalData, sparse_array, tensor_array

OPS: dict[str, tuple[str, ...]] = {
    "Add": (),
    "BatchNormalization": ("epsilon", "momentum", "spatial", "training_mode"),
    "Cast": ("to", "saturate"),
    "Constant": ("value", "value_float", "value_floats", "value_int", "value_ints"),
    "Div": (),
    "Dropout": ("ratio", "seed"),
    "Flatten": ("axis",),
    "Gemm": ("alpha", "beta", "transA", "transB"),
    "Identity": (),
    "LeakyRelu": ("alpha",),
    "MatMul": (),
    "Max": (),
    "Mul": (),
    "PRelu": (),
    "Relu": (),
    "Reshape": ("allowzero",),
    "Squeeze": ("axes",),
    "Sub": (),
    "Transpose": ("perm",),
    "Unsqueeze": ("axes",),
}
"""The supported ops, and with the attributes that are understood."""

# Before opset 7 the arithmetic ops had broadcasting rules of their own.
OLDEST_OPSET = 7

DOMAINS = ("", "ai.onnx")


@dataclass(frozen=True)
class Node:
    """One op; `label` says where it is, for messages."""

    op: str
    label: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Graph:
    """A graph; `declared` has the shapes that the file gives, None for a size it leaves open."""

    input: str
    output: str
    nodes: tuple[Node, ...]
    constants: dict[str, Array]
    declared: dict[str, tuple[int | None, ...]]


def parse(onnx: Any, model: Any, folder: Path) -> Graph:
    """Return the graph of a ``ModelProto``.

    Raises
    ------
    InputError
        If there is an op, an attribute, a domain or an element type that is not
        supported, or not one input and one output.
    """
    graph = model.graph
    opset, external = _opset(onnx, model), ExternalData(folder)
    if model.functions:
        raise InputError("model-local functions are not supported")
    nodes = tuple(_node(onnx, node, opset, i, external) for i, node in enumerate(graph.node, start=1))
    constants = {tensor.name: tensor_array(onnx, tensor, external) for tensor in graph.initializer}
    constants |= {tensor.values.name: sparse_array(onnx, tensor, external) for tensor in graph.sparse_initializer}
    if len(constants) < len(graph.initializer) + len(graph.sparse_initializer):
        raise InputError("two initializers have one name")
    # Old exporters list the initializers as inputs too.
    inputs = [value for value in graph.input if value.name not in constants]
    for kind, values in (("inputs", inputs), ("outputs", graph.output)):
        if len(values) != 1:
            raise InputError(f"it has {len(values)} {kind}, expected one")
    if inputs[0].type.tensor_type.elem_type not in FLOATS:
        raise InputError(f"input {inputs[0].name!r} is not a floating-point tensor")
    return Graph(
        input=inputs[0].name,
        output=graph.output[0].name,
        nodes=nodes,
        constants=constants,
        declared={
            value.name: tuple(axis.dim_value if axis.dim_value > 0 else None for axis in tensor.shape.dim)
            for value in (*inputs, *graph.value_info, *graph.output)
            for tensor in [value.type.tensor_type]
            if tensor.HasField("shape")
        },
    )


def _opset(onnx: Any, model: Any) -> int:
    newest = onnx.defs.onnx_opset_version()
    versions = [opset.version for opset in model.opset_import if opset.domain in DOMAINS]
    if len(versions) != 1 or not OLDEST_OPSET <= versions[0] <= newest:
        raise InputError(f"its opset is {versions or 'missing'}; supported: one from {OLDEST_OPSET} to {newest}")
    return int(versions[0])


def _node(onnx: Any, node: Any, opset: int, number: int, external: ExternalData) -> Node:
    label = f"op {node.op_type!r} (node {number})"
    if node.domain not in DOMAINS:
        raise InputError(f"{label} is of the domain {node.domain!r}, which is not supported")
    if node.op_type not in OPS:
        raise InputError(f"{label} is not supported; supported: {', '.join(OPS)}")
    schema = onnx.defs.get_schema(node.op_type, opset, "")
    if not schema.min_input <= len(node.input) <= schema.max_input:
        raise InputError(f"{label} has {len(node.input)} inputs, which opset {opset} does not allow")
    attributes: dict[str, Any] = {}
    for attribute in node.attribute:
        known = schema.attributes.get(attribute.name) if attribute.name in OPS[node.op_type] else None
        fits = known is not None and known.type.value == attribute.type and not attribute.ref_attr_name
        if not fits or attribute.name in attributes:
            raise InputError(f"{label} has an attribute {attribute.name!r} that is not understood")
        value = onnx.helper.get_attribute_value(attribute)
        if isinstance(value, onnx.TensorProto):
            with blaming(label):
                value = tensor_array(onnx, value, external)
        attributes[attribute.name] = value
    return Node(node.op_type, label, tuple(node.input), tuple(node.output), attributes)
