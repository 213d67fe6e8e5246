"""Exact encodings of ``h = max(t, c t)``: what they share, and their protocol.

Every neuron whose pre-activation t = W h' + b can have both signs is split (M10),

    t = p - n,   h = p - c n,   0 <= p <= u,   0 <= n <= -l,

so that each dense row stands in the model once. What is left to say is that p or n
is zero: that one thing is an encoding, and each is a file beside this one.
Neurons of one sign need neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from pyomo.environ import Block, Var

from pyomo_relu.box import Box
from pyomo_relu.formulations.rows import dense_rows, indices
from pyomo_relu.layer import Layer
from pyomo_relu.solvers import Capability
from pyomo_relu.validation import FloatArray

NEGLIGIBLE = 1e-9
"""A pre-activation that reaches to one side of zero at most this share of the other counts as of one sign.

Bounds are rounded outwards, so that a neuron which is just on or off would else get a
binary and a big M of 1e-14. It is never more than this by itself: a solver's tolerance is absolute.
"""


class Encoding(Protocol):
    """How "p = 0 or n = 0" is written.

    Attributes
    ----------
    name : str
        As ``Exact(encoding=...)`` takes it.
    needs : frozenset of Capability
        What it needs of a solver.
    exact : bool
        False for a relaxation, which `Exact` refuses.

    Examples
    --------
    >>> from pyomo_relu.formulations import ENCODINGS
    >>> {name: encoding.exact for name, encoding in ENCODINGS.items()}
    {'big-m': True, 'sos1': True, 'indicator': True, 'triangle': False}
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[Capability]]
    exact: ClassVar[bool]

    def separate(self, block: Any, neurons: Sequence[int], p_max: Sequence[float], n_max: Sequence[float]) -> None:
        """Add to `block`, which has the variables ``positive`` and ``negative``, what keeps one of them at zero.

        Parameters
        ----------
        block : pyomo.environ.Block
            The layer's block; its index is the layer's number, from 1.
        neurons : sequence of int, perhaps empty
            The neurons whose pre-activation can have both signs. Of the last layer, numbers among the outputs that
            are encoded at all, where some are not.
        p_max, n_max : sequence of float
            ``u`` and ``-l`` of those neurons, in the same order.
        """
        ...


def encode_layer(
    block: Any,
    layer: Layer,
    inputs: Sequence[Any],
    bounds: Box,
    encoding: Encoding,
    *,
    implied: Box | None = None,
    one_sided: NDArray[np.bool_] | None = None,
) -> list[Any]:
    """Write one layer into `block`.

    Parameters
    ----------
    block : pyomo.environ.Block
        Receives ``output``, and ``positive`` and ``negative`` for neurons of both signs.
    layer : Layer
    inputs : sequence of variable or None, length n_in
        None stands for an input that is always zero.
    bounds : Box
        Of the pre-activations; they are held in the model also where they do not follow from it.
    encoding : Encoding
    implied : Box, optional
        Bounds of the pre-activations that follow from those of the inputs; `bounds` where not given.
    one_sided : array of bool, shape (n_out,), optional
        ReLU neurons of which only an upper limit matters, in a program that makes them small:
        nothing need keep p or n at zero, since ``p >= max(t, 0)`` is all that is used.

    Returns
    -------
    list of variable or None, length n_out
        None where the output is always zero.
    """
    live = [i for i, variable in enumerate(inputs) if variable is not None]
    variables = [inputs[i] for i in live]
    weight = layer.weight[:, live]
    on = ~layer.activation.bends | (bounds.lower >= -_negligible(bounds.upper))
    off = ~on & (bounds.upper <= _negligible(-bounds.lower))
    both = ~on & ~off
    leaky = layer.activation.bends & ~layer.activation.cuts
    own = on | leaky
    lower, upper = layer.activation(bounds.lower), layer.activation(bounds.upper)
    block.output = Var(indices(own), bounds=lambda _, j: (float(lower[j]), float(upper[j])))

    stable = indices(own & ~both)
    gain = layer.activation.gain(on)[stable]
    block.stable = dense_rows(
        stable,
        -gain[:, None] * weight[stable],
        variables,
        extra=[((1.0,), (block.output[j],)) for j in stable],
        lower=gain * layer.bias[stable],
        upper=gain * layer.bias[stable],
    )
    # A neuron that is off only among the codes as good as the incumbent keeps its sign as a row.
    beyond = bounds if implied is None else implied
    held = indices(off & ~own & (beyond.upper > _negligible(-bounds.lower)))
    block.held_off = dense_rows(
        held, weight[held], variables, upper=np.minimum(bounds.upper, 0.0)[held] - layer.bias[held]
    )
    mixed = indices(both)
    p_max = dict(zip(mixed, bounds.upper[mixed].tolist(), strict=True))
    n_max = dict(zip(mixed, (-bounds.lower[mixed]).tolist(), strict=True))
    block.positive = Var(mixed, bounds=lambda _, j: (0.0, p_max[j]))
    block.negative = Var(mixed, bounds=lambda _, j: (0.0, n_max[j]))
    block.split = dense_rows(
        mixed,
        -weight[mixed],
        variables,
        extra=[((1.0, -1.0), (block.positive[j], block.negative[j])) for j in mixed],
        lower=layer.bias[mixed],
        upper=layer.bias[mixed],
    )
    apart = [j for j in mixed if one_sided is None or leaky[j] or not one_sided[j]]
    encoding.separate(block, apart, [p_max[j] for j in apart], [n_max[j] for j in apart])
    leaking = [j for j in mixed if leaky[j]]
    if leaking:
        leak = layer.activation.slope.tolist()
        block.leak = dense_rows(
            leaking,
            np.zeros((len(leaking), 0)),
            [],
            extra=[((1.0, -1.0, leak[j]), (block.output[j], block.positive[j], block.negative[j])) for j in leaking],
            lower=np.zeros(len(leaking)),
            upper=np.zeros(len(leaking)),
        )
    return [block.output[j] if own[j] else block.positive[j] if both[j] else None for j in range(layer.n_out)]


def _negligible(reach: FloatArray) -> FloatArray:
    """Return what counts as zero beside a reach to the other side."""
    return np.asarray(NEGLIGIBLE * np.minimum(reach, 1.0), dtype=np.float64)


def new_layer_blocks(model: Any, count: int) -> None:
    """Give `model` one empty block a layer, ``model.layer[1]`` to ``model.layer[count]``."""
    model.layer = Block(range(1, count + 1))
