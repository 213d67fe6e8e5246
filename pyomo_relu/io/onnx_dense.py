"""Dense layers from an ONNX graph: each op as a step of an `AffineChain`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.io import onnx_layout as layout
from pyomo_relu.io.affine_chain import MAX_ENTRIES, AffineChain, quiet
from pyomo_relu.io.blame import blaming
from pyomo_relu.io.onnx_chain import chain
from pyomo_relu.io.onnx_fold import REGROUPING, Operands, fold, regroup
from pyomo_relu.io.onnx_graph import Graph, Node
from pyomo_relu.io.onnx_tensor import FLOATS, Array
from pyomo_relu.layer import Layer
from pyomo_relu.validation import FloatArray, Matrix, as_float_array, as_matrix, require_finite


@dataclass
class Tensor:
    """The tensor on the way through the graph: its shape, and the layers that lead to it."""

    shape: layout.Shape
    batch: int | None
    steps: AffineChain

    def multiply(self, matrix: Matrix, *, from_left: bool) -> None:
        """Become ``matrix @ tensor``, or ``tensor @ matrix``."""
        if matrix.ndim != 2:
            raise ShapeError(f"the constant has shape {matrix.shape}, expected two axes")
        axis = layout.feature_axis(self.shape, -2 if from_left and len(self.shape) > 1 else -1)
        self.steps.linear(matrix if from_left else matrix.T)
        self.shape = (*self.shape[:axis], self.steps.width, *self.shape[axis + 1 :])

    def shift(self, constant: Array) -> None:
        """Become ``tensor + constant``."""
        self.shape, vector = layout.broadcast(self.shape, constant)
        self.steps.shift(vector)

    def scale(self, constant: Array) -> None:
        """Become ``tensor * constant``."""
        self.shape, vector = layout.broadcast(self.shape, constant)
        self.steps.scale(vector)

    def transpose(self, perm: Sequence[int] | None = None) -> None:
        """Become the tensor with its axes permuted, by default reversed."""
        self.shape = layout.transpose(self.shape, range(len(self.shape))[::-1] if perm is None else perm)


Step = Callable[[Tensor, Node, int, Operands], None]


def layers(graph: Graph) -> tuple[Layer, ...]:
    """Return the layers of `graph`.

    Raises
    ------
    InputError
        If it is not a chain of dense layers, or a shape is not the one that the file declares.
    """
    constants, live = fold(graph)
    nodes = chain(graph, constants, live)
    tensor = _input(graph, nodes, constants)
    for node in nodes:
        operands = tuple(constants.get(name) for name in node.inputs)
        position = next(i for i, name in enumerate(node.inputs) if name and name not in constants)
        with blaming(node.label):
            STEPS[node.op](tensor, node, position, operands)
            _check_declared(graph, node.outputs[0], tensor.shape)
    return tensor.steps.layers()


def _input(graph: Graph, nodes: list[Node], constants: Mapping[str, Array]) -> Tensor:
    dims = graph.declared.get(graph.input)
    if dims is None:
        raise InputError(f"input {graph.input!r} declares no shape")
    if dims.count(None) > 1 or layout.size(dims) > MAX_ENTRIES:
        raise InputError(f"input {graph.input!r} declares shape {layout.text(dims)}; only the batch may be open")
    axis = None
    if None in dims:
        axis = dims.index(None)
    elif len(dims) > 1:
        axis = len(dims) - 1 if _takes_columns(nodes, constants) else 0
    batch = None if axis is None else dims[axis]
    # A batch of one is no batch: all axes are then the sample's.
    shape = dims if axis is None or batch == 1 else (*dims[:axis], None, *dims[axis + 1 :])
    return Tensor(shape, batch, AffineChain(layout.size(shape)))


def _takes_columns(nodes: list[Node], constants: Mapping[str, Array]) -> bool:
    """Whether the first product is ``matrix @ tensor``, so that samples are columns."""
    for node in nodes:
        if node.op in ("Gemm", "MatMul"):
            second = node.inputs[0] in constants
            return second != bool(node.attributes.get("transB" if second else "transA", 0))
    return False


def _check_declared(graph: Graph, name: str, shape: layout.Shape) -> None:
    declared = graph.declared.get(name, shape)
    pairs = zip(declared, shape, strict=False)
    if len(declared) != len(shape) or any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ShapeError(f"{name!r} has shape {layout.text(shape)}, the file declares {layout.text(declared)}")


def _matrix(operands: Operands, i: int) -> Matrix:
    """Return a factor of a product, which may be sparse."""
    value = operands[i] if i < len(operands) else None
    return as_matrix(value, f"operand {i + 1}") if issparse(value) else _constant(operands, i)


@quiet
def _constant(operands: Operands, i: int) -> FloatArray:
    value = operands[i] if i < len(operands) else None
    if value is None or value.dtype.kind != "f":
        raise InputError(f"its operand {i + 1} must be a constant of floating-point numbers")
    array = as_float_array(value, f"operand {i + 1}")
    require_finite(array, f"operand {i + 1}")
    return array


def _only_first(position: int) -> None:
    if position != 0:
        raise InputError("all but its first operand must be constants")


@quiet
def _gemm(tensor: Tensor, node: Node, position: int, operands: Operands) -> None:
    if position == 2:
        raise InputError("its third operand must be a constant")
    if len(tensor.shape) != 2:
        raise ShapeError(f"it takes a tensor of two axes, got {layout.text(tensor.shape)}")
    moving, fixed = ("transB", "transA") if position else ("transA", "transB")
    matrix = _matrix(operands, 1 - position)
    if node.attributes.get(moving, 0):
        tensor.transpose()
    if node.attributes.get(fixed, 0):
        matrix = matrix.T
    tensor.multiply(node.attributes.get("alpha", 1.0) * matrix, from_left=position == 1)
    if any(node.inputs[2:]):
        tensor.shift(node.attributes.get("beta", 1.0) * _constant(operands, 2))


def _matmul(tensor: Tensor, node: Node, position: int, operands: Operands) -> None:
    tensor.multiply(_matrix(operands, 1 - position), from_left=position == 1)


def _add(tensor: Tensor, node: Node, position: int, operands: Operands) -> None:
    tensor.shift(_constant(operands, 1 - position))


def _sub(tensor: Tensor, node: Node, position: int, operands: Operands) -> None:
    constant = _constant(operands, 1 - position)
    if position:
        tensor.scale(np.array(-1.0))
    tensor.shift(constant if position else -constant)


def _mul(tensor: Tensor, node: Node, position: int, operands: Operands) -> None:
    tensor.scale(_constant(operands, 1 - position))


@quiet
def _div(tensor: Tensor, node: Node, position: int, operands: Operands) -> None:
    _only_first(position)
    tensor.scale(1.0 / _constant(operands, 1))


def _relu(tensor: Tensor, node: Node, position: int, operands: Operands) -> None:
    tensor.steps.activate(0.0)


def _leaky_relu(tensor: Tensor, node: Node, position: int, operands: Operands) -> None:
    _activate(tensor, np.asarray(node.attributes.get("alpha", float(np.float32(0.01)))))


def _prelu(tensor: Tensor, node: Node, position: int, operands: Operands) -> None:
    _only_first(position)
    slope = _constant(operands, 1)
    _activate(tensor, slope)


def _activate(tensor: Tensor, slope: Array) -> None:
    """Close a layer: one slope, or one for each entry."""
    tensor.steps.activate(slope.item() if slope.size == 1 else layout.broadcast(tensor.shape, slope)[1])


@quiet
def _batch_norm(tensor: Tensor, node: Node, position: int, operands: Operands) -> None:
    _only_first(position)
    if node.attributes.get("training_mode", 0) or not node.attributes.get("spatial", 1):
        raise InputError("training mode and spatial=0 are not supported")
    n = tensor.shape[1] if len(tensor.shape) > 1 else None
    vectors = []
    for i in range(1, 5):
        constant = _constant(operands, i)
        if constant.shape != (n,):
            raise ShapeError(f"its operand {i + 1} has shape {constant.shape}, the tensor {layout.text(tensor.shape)}")
        columns = constant.reshape(-1, *[1] * (len(tensor.shape) - 2))
        vectors.append(layout.broadcast(tensor.shape, columns)[1])
    factor, offset, mean, variance = vectors
    epsilon = node.attributes.get("epsilon", float(np.float32(1e-5)))
    tensor.steps.normalize(mean, variance, epsilon, factor, offset)


def _transpose(tensor: Tensor, node: Node, position: int, operands: Operands) -> None:
    tensor.transpose(node.attributes.get("perm"))


def _regroup(tensor: Tensor, node: Node, position: int, operands: Operands) -> None:
    _only_first(position)
    if node.op == "Cast" and node.attributes.get("to") not in FLOATS:
        raise InputError("a cast to other than floating-point numbers is not supported")
    tensor.shape = regroup(node, tensor.shape, tensor.batch, operands)


def _max(tensor: Tensor, node: Node, position: int, operands: Operands) -> None:
    raise InputError("only supported as Max(x, slope * x)")


STEPS: dict[str, Step] = {
    "Add": _add,
    "BatchNormalization": _batch_norm,
    "Div": _div,
    "Gemm": _gemm,
    "LeakyRelu": _leaky_relu,
    "MatMul": _matmul,
    "Max": _max,
    "Mul": _mul,
    "PRelu": _prelu,
    "Relu": _relu,
    "Sub": _sub,
    "Transpose": _transpose,
    **dict.fromkeys(REGROUPING, _regroup),
}
