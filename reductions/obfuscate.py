"""The same instance in another dress: for tests of solvers that should not know the gadgets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pyomo_relu.errors import InputError
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.streams import stream
from reductions.gadgets import check_size
from reductions.instance import Instance

EXPONENT = 3


def obfuscate(instance: Instance, *, seed: int, split: float = 0.25) -> Instance:
    """Return an instance whose network computes the same function from other weights.

    In every hidden layer some neurons are written as two (the same weights in, half of them out), each neuron is
    scaled by a power of two between 1/8 and 8 (its weights out by the inverse; ReLU and LeakyReLU are
    positively homogeneous), and all are permuted. The new weights are exact in float64, so that G, as a function
    of real numbers, the verdict, the gap, the pre-image and the lifting stay what they were; the code is not touched.

    Parameters
    ----------
    instance : Instance
    seed : int
        0 or more.
    split : float
        Share of the neurons that are written as two, in [0, 1].

    Raises
    ------
    InputError
        If `split` or `seed` is out of range, or the network would not fit in memory.

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> from pyomo_relu.rational import forward
    >>> from reductions import CNF, DepthTwo
    >>> plain = DepthTwo().reduce(CNF(2, [(1, 2), (-1, 2)]))
    >>> other = obfuscate(plain, seed=0)
    >>> other.network.sizes, forward(other.network, [0.3, 0.6]) == forward(plain.network, [0.3, 0.6])
    ((2, 12, 1), True)
    """
    if not 0.0 <= split <= 1.0 or seed < 0:
        raise InputError(f"split must lie in [0, 1] and seed be at least 0, got {split} and {seed}")
    check_size([int(np.ceil((1.0 + split) * size)) for size in instance.network.sizes])
    rng = stream("obfuscation", seed)
    layers = list(instance.network)
    for i in range(len(layers) - 1):
        layers[i], layers[i + 1] = _rewritten(layers[i], layers[i + 1], rng, split)
    return replace(instance, network=Network(tuple(layers)))


def _rewritten(layer: Layer, after: Layer, rng: np.random.Generator, split: float) -> tuple[Layer, Layer]:
    n = layer.n_out
    twice = rng.choice(n, round(split * n), replace=False)
    share = np.ones(n)
    share[twice] = 0.5
    order = rng.permutation(np.concatenate((np.arange(n), twice)))
    scale = 2.0 ** rng.integers(-EXPONENT, EXPONENT + 1, order.size)
    return (
        Layer(layer.dense(order) * scale[:, None], layer.bias[order] * scale, layer.activation.rows(order)),
        Layer(after.dense()[:, order] * (share[order] / scale), after.bias, after.activation),
    )
