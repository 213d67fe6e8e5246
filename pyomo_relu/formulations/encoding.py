"""Exact encodings of ``h = max(t, c t)``: what they share, and their protocol.

Every neuron whose pre-activation t = W h' + b can have both signs is split,

    t = p - n,   h = p - c n,   0 <= p <= u,   0 <= n <= -l,

so that each dense row stands in the model once. What is left to say is that p or n
is zero: that one thing is an encoding, and each is a file beside this one.
Neurons of one sign need neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from pyomo.environ import Block, Var

from pyomo_relu.box import Box
from pyomo_relu.formulations.rows import dense_rows, indices
from pyomo_relu.layer import Layer
from pyomo_relu.solvers import Capability


class Encoding(Protocol):
    """How "p = 0 or n = 0" is written."""

    name: ClassVar[str]
    needs: ClassVar[frozenset[Capability]]
    exact: ClassVar[bool]

    def separate(self, block: Any, neurons: Sequence[int], p_max: Sequence[float], n_max: Sequence[float]) -> None:
        """Add to `block`, which has the variables ``positive`` and ``negative``, what keeps one of them at zero.

        Parameters
        ----------
        block : pyomo.environ.Block
            The layer's block; its index is the layer's number, from 1.
        neurons : sequence of int
            The neurons whose pre-activation can have both signs.
        p_max, n_max : sequence of float
            ``u`` and ``-l`` of those neurons, in the same order.
        """
        ...


def encode_layer(block: Any, layer: Layer, inputs: Sequence[Any], bounds: Box, encoding: Encoding) -> list[Any]:
    """Write one layer into `block`.

    Parameters
    ----------
    block : pyomo.environ.Block
        Receives ``output``, and ``positive`` and ``negative`` for neurons of both signs.
    layer : Layer
    inputs : sequence of variable or None, length n_in
        None stands for an input that is always zero.
    bounds : Box
        Of the pre-activations.
    encoding : Encoding

    Returns
    -------
    list of variable or None, length n_out
        None where the output is always zero.
    """
    live = [i for i, variable in enumerate(inputs) if variable is not None]
    variables = [inputs[i] for i in live]
    weight = layer.weight[:, live]
    on = np.ones(layer.n_out, dtype=bool) if layer.slope == 1.0 else bounds.lower >= 0.0
    off = ~on & (bounds.upper <= 0.0)
    both = ~on & ~off
    slope = np.where(on, 1.0, layer.slope)
    lower, upper = layer.activate(bounds.lower), layer.activate(bounds.upper)
    own = on | (off if layer.slope > 0.0 else False) | (both if layer.slope > 0.0 else False)
    block.output = Var(indices(own), bounds=lambda _, j: (float(lower[j]), float(upper[j])))

    stable = indices(own & ~both)
    block.stable = dense_rows(
        stable,
        -slope[stable, None] * weight[stable],
        variables,
        extra=[((1.0,), (block.output[j],)) for j in stable],
        lower=slope[stable] * layer.bias[stable],
        upper=slope[stable] * layer.bias[stable],
    )
    mixed = indices(both)
    p_max, n_max = bounds.upper[mixed].tolist(), (-bounds.lower[mixed]).tolist()
    limits = dict(zip(mixed, zip(p_max, n_max, strict=True), strict=True))
    block.positive = Var(mixed, bounds=lambda _, j: (0.0, limits[j][0]))
    block.negative = Var(mixed, bounds=lambda _, j: (0.0, limits[j][1]))
    block.split = dense_rows(
        mixed,
        -weight[mixed],
        variables,
        extra=[((1.0, -1.0), (block.positive[j], block.negative[j])) for j in mixed],
        lower=layer.bias[mixed],
        upper=layer.bias[mixed],
    )
    encoding.separate(block, mixed, p_max, n_max)
    if layer.slope > 0.0:
        leak = dense_rows(
            mixed,
            np.full((len(mixed), 0), 0.0),
            [],
            extra=[((1.0, -1.0, layer.slope), (block.output[j], block.positive[j], block.negative[j])) for j in mixed],
            lower=np.zeros(len(mixed)),
            upper=np.zeros(len(mixed)),
        )
        block.leak = leak
    outputs: list[Any] = []
    for j in range(layer.n_out):
        outputs.append(block.output[j] if own[j] else block.positive[j] if both[j] else None)
    return outputs


def new_layer_blocks(model: Any, count: int) -> None:
    """Give `model` one empty block a layer, ``model.layer[1]`` to ``model.layer[count]``."""
    model.layer = Block(range(1, count + 1))
