"""An ONNX graph as a chain: each node takes what the node before gives, and nothing branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pyomo_relu.errors import InputError
from pyomo_relu.io.blame import blaming
from pyomo_relu.io.onnx_graph import Graph, Node
from pyomo_relu.io.onnx_tensor import Array


def chain(graph: Graph, constants: Mapping[str, Array], live: list[Node]) -> list[Node]:
    """Return the `live` nodes, ``Max(x, slope * x)`` fused to LeakyRelu.

    Raises
    ------
    InputError
        If a tensor is used twice or not at all, or a node gives more than one.
    """
    nodes = _fuse_leaky(constants, live)
    current = graph.input
    for node in nodes:
        with blaming(node.label):
            moving = [name for name in node.inputs if name and name not in constants]
            if len(moving) > 1:
                raise InputError(f"it joins the branches {', '.join(map(repr, moving))}; only chains are supported")
            if moving[0] != current:
                raise InputError(f"it takes {moving[0]!r}, which other nodes take too; only chains are supported")
            # Dropout's second output is its mask, of no use in inference.
            if node.op != "Dropout" and any(node.outputs[1:]):
                raise InputError(f"it has {len(node.outputs)} outputs, expected one")
            current = node.outputs[0]
    if current != graph.output:
        raise InputError(f"its output {graph.output!r} is not that of its last node, {current!r}")
    return nodes


def _fuse_leaky(constants: Mapping[str, Array], live: list[Node]) -> list[Node]:
    # LeakyRelu holds its slope in single precision only, and runtimes lack it for float64.
    nodes: list[Node] = []
    for node in live:
        slope = _slope(constants, nodes[-1], node) if nodes and node.op == "Max" else None
        if slope is None:
            nodes.append(node)
        else:
            moving = [name for name in nodes.pop().inputs if name not in constants]
            nodes.append(replace(node, op="LeakyRelu", inputs=(*moving,), attributes={"alpha": slope}))
    return nodes


def _slope(constants: Mapping[str, Array], before: Node, node: Node) -> Array | None:
    """Return the slope if the two nodes are ``Max(x, slope * x)``."""
    slopes = [constants[name] for name in before.inputs if name in constants]
    moving = [name for name in before.inputs if name not in constants]
    if before.op != "Mul" or len(moving) != 1 or len(slopes) != 1:
        return None
    fits = len(node.inputs) == 2 and set(node.inputs) == {moving[0], before.outputs[0]}
    return slopes[0] if fits else None
