"""`AffineChain`: collects affine steps and activations, and yields dense layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.layer import Layer, scaled
from pyomo_relu.validation import FloatArray, Matrix, as_finite_array, as_matrix

MAX_ENTRIES = 2**27
"""Entries of the largest array that a few bytes of a file may ask for (1 GiB)."""

MAX_WEIGHTS = 2**28
"""Of all layers together (2 GiB): a file of less can name one tensor many times."""

# Overflow turns into entries that are not finite, which `Layer` refuses in one line.
quiet = np.errstate(all="ignore")


class AffineChain:
    """A network under construction; neighbouring affine steps are merged into one layer.

    Up to rounding the layers compute what the steps do. A single step of each
    kind between two activations is taken as it is; a division is a product with the rounded inverse.

    Parameters
    ----------
    width : int, optional
        Number of inputs, where it is known before the first step.

    Examples
    --------
    >>> chain = AffineChain()
    >>> chain.linear([[2.0, 1.0]])
    >>> chain.shift([3.0])
    >>> chain.activate(0.0)
    >>> chain.layers()
    (Layer(2 -> 1, ReLU),)
    """

    def __init__(self, width: int | None = None) -> None:
        self.width = width
        self._done: list[Layer] = []
        # None stands for the identity (or zero), a vector for a diagonal matrix.
        self._weight: Matrix | None = None
        self._bias: FloatArray | None = None

    @quiet
    def linear(self, weight: Any) -> None:
        """Append ``h -> weight @ h``; `weight` has shape (n_out, n_in)."""
        weight = as_matrix(weight, "weight")
        self._fit(weight.shape[1], "the weight expects {} inputs, got {}")
        if self._weight is None:
            self._weight = weight
        elif self._weight.ndim == 1:
            self._weight = scaled(weight, columns=self._weight)
        else:
            _check_size(weight.shape[0], self._weight.shape[1])
            self._weight = weight @ self._weight
        if self._bias is not None:
            self._bias = weight @ self._bias
        self.width = weight.shape[0]

    @quiet
    def scale(self, factor: Any) -> None:
        """Append ``h -> factor * h``, entry by entry; `factor` has shape (n,)."""
        factor = self._vector(factor, "scale")
        self._weight = (
            factor
            if self._weight is None
            else factor * self._weight
            if self._weight.ndim == 1
            else scaled(self._weight, rows=factor)
        )
        if self._bias is not None:
            self._bias = factor * self._bias

    @quiet
    def shift(self, offset: Any) -> None:
        """Append ``h -> h + offset``; `offset` has shape (n,)."""
        offset = self._vector(offset, "bias")
        self._bias = offset if self._bias is None else self._bias + offset

    @quiet
    def normalize(
        self,
        mean: FloatArray,
        variance: FloatArray,
        epsilon: float,
        factor: FloatArray | None = None,
        offset: FloatArray | None = None,
    ) -> None:
        """Append batch normalization in its eval form: fixed `mean` and `variance`, then `factor` and `offset`."""
        self.shift(-mean)
        self.scale((1.0 if factor is None else factor) / np.sqrt(variance + epsilon))
        if offset is not None:
            self.shift(offset)

    def activate(self, slope: Any) -> None:
        """Close a layer with the activation ``max(t, slope * t)``; one slope, or one a neuron."""
        weight = self._whole_weight()
        require_weights(sum(layer.n_weights for layer in self._done) + weight.size)
        self._done.append(Layer(weight, self._bias, slope))
        self._weight = self._bias = None

    def layers(self) -> tuple[Layer, ...]:
        """Return all layers; affine steps after the last activation make a linear one."""
        if self._weight is not None or self._bias is not None or not self._done:
            self.activate(1.0)
        return tuple(self._done)

    def _whole_weight(self) -> Matrix:
        if self._weight is not None and self._weight.ndim == 2:
            return self._weight
        if self.width is None:
            raise InputError("no layer has a weight")
        _check_size(self.width, self.width)
        return np.eye(self.width) if self._weight is None else np.diag(self._weight)

    def _vector(self, value: Any, name: str) -> FloatArray:
        vector = as_finite_array(value, name, 1)
        self._fit(vector.size, f"the {name} has {{}} entries, expected {{}}")
        return vector

    def _fit(self, size: int, refusal: str) -> None:
        if self.width is None:
            self.width = size
        if size != self.width:
            raise ShapeError(refusal.format(size, self.width))


def require_weights(n: int) -> None:
    """Refuse a network of more than `MAX_WEIGHTS` weights.

    Raises
    ------
    InputError
    """
    if n > MAX_WEIGHTS:
        raise InputError(f"its layers have {n} weights or more, at most {MAX_WEIGHTS} are read")


def _check_size(n_out: int, n_in: int) -> None:
    if n_out * n_in > MAX_ENTRIES:
        raise InputError(f"a layer with {n_in} inputs and {n_out} outputs is too large")
