"""Dense layers from an ONNX graph: each op as a step of an `AffineChain`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.io import onnx_layout as layout
from pyomo_relu.io.affine import MAX_ENTRIES, AffineChain
from pyomo_relu.io.blame import blaming
from pyomo_relu.io.onnx_chain import chain
from pyomo_relu.io.onnx_fold import REGROUPING, Operands, fold, regroup
from pyomo_relu.io.onnx_graph import Graph, Node
from pyomo_relu.io.onnx_tensor import Array
from pyomo_relu.layer import Layer
from pyomo_relu.validation import FloatArray


@dataclass
class Tensor:
    """The tensor on the way through the graph: its shape, and the layers that lead to it."""

    shape: layout.Shape
    batch: int | None
    steps: AffineChain

    def multiply(self, matrix: FloatArray, *, from_left: bool) -> None:
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

    def transpose(self, perm: list[int] | None = None) -> None:
        """Become the tensor with its axes permuted, by default reversed."""
        self.shape = layout.transpose(self.shape, range(len(self.shape))[::-1] if perm is None else perm)
