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
        before = nodes[-1] if nodes else None
        if node.op == "Max" and before is not None and before.op == "Mul":
            slope = [constants[name] for name in before.inputs if name in constants]
            moving = [name for name in before.inputs if name not in constants]
            if sorted(node.inputs) == sorted([*moving, before.outputs[0]]) and slope and slope[0].size == 1:
                alpha = float(slope[0].ravel()[0])
                nodes[-1] = replace(node, op="LeakyRelu", inputs=(*moving,), attributes={"alpha": alpha})
                continue
        nodes.append(node)
    return nodes
