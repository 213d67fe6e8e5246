"""How ONNX ops arrange the axes of one sample.

A shape is a tuple of sizes in which None is the batch axis, of which there is
at most one. Only what keeps the entries of every sample in their order is let
through, so that a sample is one vector from the first op to the last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pyomo_relu.errors import ShapeError
from pyomo_relu.io.onnx_tensor import Array
from pyomo_relu.validation import FloatArray, as_float_array

Shape = tuple[int | None, ...]


def size(shape: Shape) -> int:
    """Return the number of entries of one sample."""
    return math.prod(n for n in shape if n is not None)


def text(shape: Shape) -> str:
    """Return `shape` for a message, the batch axis as N."""
    return f"({', '.join('N' if n is None else str(n) for n in shape)})"


def reshape(shape: Shape, target: Sequence[int], batch: int | None, *, allow_zero: bool = False) -> Shape:
    """Return the shape after Reshape; `batch` is the declared size of the batch axis, if it has one."""
    refusal = ShapeError(f"Reshape of {text(shape)} to {tuple(target)} does not keep each sample together")
    if not allow_zero and any(n == 0 and axis >= len(shape) for axis, n in enumerate(target)):
        raise refusal
    dims = [shape[axis] if n == 0 and not allow_zero else n for axis, n in enumerate(target)]
    if None in shape:
        first = next((axis for axis, n in enumerate(dims) if n != 1), None)
        # What comes before the batch axis is of size 1, or samples would be interleaved.
        if first is None or dims[first] not in (None, -1, batch) or size(shape[: shape.index(None)]) != 1:
            raise refusal
        dims[first] = None
    if dims.count(-1) == 1:
        others = -size(tuple(dims))
        dims[dims.index(-1)] = size(shape) // others if others else 0
    negative = any(n is not None and n < 0 for n in dims)
    if negative or dims.count(None) > 1 or size(tuple(dims)) != size(shape):
        raise refusal
    return tuple(dims)


def flatten(shape: Shape, axis: int) -> Shape:
    """Return the shape after Flatten, which has two axes."""
    if not -len(shape) <= axis <= len(shape):
        raise ShapeError(f"Flatten of {text(shape)} has no axis {axis}")
    axis += len(shape) if axis < 0 else 0
    halves = shape[:axis], shape[axis:]
    if any(None in half and size(half) != 1 for half in halves):
        raise ShapeError(f"Flatten of {text(shape)} at axis {axis} does not keep each sample together")
    return tuple(None if None in half else size(half) for half in halves)


def squeeze(shape: Shape, axes: Sequence[int] | None) -> Shape:
    """Return the shape after Squeeze, which drops axes of size 1, all of them if `axes` is None."""
    if axes is None:
        if None in shape:
            raise ShapeError(f"Squeeze of {text(shape)} without axes drops the batch axis too where N is 1")
        return tuple(n for n in shape if n != 1)
    dropped = _axes(axes, len(shape))
    if any(shape[axis] != 1 for axis in dropped):
        raise ShapeError(f"Squeeze of {text(shape)} at axes {tuple(axes)} drops more than axes of size 1")
    return tuple(n for axis, n in enumerate(shape) if axis not in dropped)


def unsqueeze(shape: Shape, axes: Sequence[int]) -> Shape:
    """Return the shape after Unsqueeze, which inserts axes of size 1."""
    rank = len(shape) + len(axes)
    new, old = _axes(axes, rank), iter(shape)
    return tuple(1 if axis in new else next(old) for axis in range(rank))


def transpose(shape: Shape, perm: Sequence[int]) -> Shape:
    """Return the shape after a Transpose that moves only the batch axis and axes of size 1."""
    if sorted(perm) != list(range(len(shape))):
        raise ShapeError(f"Transpose of {text(shape)} with perm {tuple(perm)}")
    moved = [axis for axis in perm if shape[axis] not in (None, 1)]
    if moved != sorted(moved):
        raise ShapeError(f"Transpose of {text(shape)} with perm {tuple(perm)} reorders the entries of a sample")
    return tuple(shape[axis] for axis in perm)


def broadcast(shape: Shape, constant: Array) -> tuple[Shape, FloatArray]:
    """Return the shape of ``tensor + constant``, and the constant as one vector for every sample."""
    padded: Shape = (1,) * (constant.ndim - len(shape)) + shape
    ones = tuple(1 if n is None else n for n in padded)
    try:
        vector = np.broadcast_to(constant, ones).ravel()
    except ValueError as error:
        raise ShapeError(f"a constant of shape {constant.shape} does not fit a tensor {text(shape)}") from error
    return padded, as_float_array(vector, "constant")


def feature_axis(shape: Shape, axis: int) -> int:
    """Return `axis` as a position, if it holds all the entries of a sample."""
    position = axis + len(shape)
    if position < 0 or shape[position] is None:
        raise ShapeError(f"a product with axis {axis} of {text(shape)}, which is not one of a declared size")
    if shape[position] != size(shape):
        raise ShapeError(f"a product with axis {axis} of {text(shape)} acts on parts of a sample")
    return position


def _axes(axes: Sequence[int], rank: int) -> set[int]:
    found = {axis + rank if axis < 0 else axis for axis in axes}
    if len(found) < len(axes) or not found <= set(range(rank)):
        raise ShapeError(f"axes {tuple(axes)} do not fit {rank} axes")
    return found
