"""The constant part of an ONNX graph, worked out; what is left depends on the input."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse

from pyomo_relu.errors import InputError
from pyomo_relu.io import onnx_layout as layout
from pyomo_relu.io.affine_chain import quiet
from pyomo_relu.io.blame import blaming
from pyomo_relu.io.onnx_graph import Graph, Node
from pyomo_relu.io.onnx_tensor import DTYPES, Array

Operands = tuple[Array | None, ...]

REGROUPING = frozenset({"Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
"""Ops that keep all entries in their order."""


def fold(graph: Graph) -> tuple[dict[str, Array], list[Node]]:
    """Return all constants of `graph`, and the nodes that depend on its input.

    Raises
    ------
    InputError
        If a tensor is used before it is made, or made twice, or a node on constants is not supported.
    """
    constants, live, dynamic = dict(graph.constants), [], {graph.input}
    made = {"", graph.input, *constants}
    for node in graph.nodes:
        with blaming(node.label):
            missing = [name for name in node.inputs if name not in made]
            if missing:
                raise InputError(f"tensor {missing[0]!r} is used before it is made")
            if not node.outputs or node.outputs[0] in made:
                raise InputError(f"its outputs are {node.outputs}: none, unnamed or made twice")
            made.add(node.outputs[0])
            if dynamic.isdisjoint(node.inputs):
                operands = tuple(constants.get(name) for name in node.inputs)
                constants[node.outputs[0]] = _evaluate(node, operands)
            else:
                live.append(node)
                dynamic.add(node.outputs[0])
    return constants, live


def regroup(node: Node, shape: layout.Shape, batch: int | None, operands: Operands) -> layout.Shape:
    """Return the shape that a node of :data:`REGROUPING` gives to its first operand's entries."""
    option = operands[1] if len(operands) > 1 else None
    integers = None if option is None else [int(n) for n in option.ravel()]
    if node.op == "Flatten":
        return layout.flatten(shape, node.attributes.get("axis", 1))
    if node.op == "Reshape":
        allow_zero = bool(node.attributes.get("allowzero", 0))
        return layout.reshape(shape, integers or [], batch, allow_zero=allow_zero)
    # From opset 13 on the axes are an input.
    axes = node.attributes.get("axes", integers)
    if node.op == "Squeeze":
        return layout.squeeze(shape, axes)
    if node.op == "Unsqueeze":
        return layout.unsqueeze(shape, axes or [])
    if node.op == "Cast" and node.attributes.get("to") not in DTYPES:
        raise InputError(f"a cast to element type {node.attributes.get('to')} is not supported")
    if node.op == "Dropout" and len(operands) > 2 and operands[2] is not None and operands[2].any():
        raise InputError("training mode is not supported")
    return shape


@quiet
def _evaluate(node: Node, operands: Operands) -> Array:
    if node.op == "Constant":
        return _constant(node)
    value = operands[0] if operands else None
    if issparse(value):
        raise InputError("not supported on sparse constants")
    if value is None or (node.op != "Transpose" and node.op not in REGROUPING):
        raise InputError("not supported on constants")
    if node.op == "Transpose":
        perm = node.attributes.get("perm", range(value.ndim)[::-1])
        if sorted(perm) != list(range(value.ndim)):
            raise InputError(f"perm {list(perm)} does not fit a tensor of shape {value.shape}")
        return np.transpose(value, perm)
    shape: Any = regroup(node, value.shape, None, operands)
    value = value.reshape(shape)
    return value.astype(DTYPES[node.attributes["to"]]) if node.op == "Cast" else value


def _constant(node: Node) -> Array:
    if len(node.attributes) != 1:
        raise InputError(f"it has {len(node.attributes)} values, expected one")
    ((name, value),) = node.attributes.items()
    if name == "value":
        return np.asarray(value)
    return np.asarray(value, dtype=np.float32 if "float" in name else np.int64)
