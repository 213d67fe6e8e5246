"""The search for activation patterns that meet an observation: depth first, neuron by neuron, never all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pyomo_relu.inversion.activation import Pattern
from pyomo_relu.network import Network
from pyomo_relu.preimage.relaxation import SIGN, Relaxation


def patterns(network: Network, relaxation: Relaxation) -> Iterator[Pattern | None]:
    """Yield every pattern that the observation leaves, and None at each step on the way, where one may stop.

    A neuron whose pre-activation has both signs, over the LP's codes, is tried on and off; others are fixed.
    The closed regions of the patterns cover every code that meets the observation.

    Parameters
    ----------
    network : Network
    relaxation : Relaxation
        It is changed on the way.
    """
    fixed: list[bool] = []
    waiting: list[list[bool]] = [[]]
    while waiting:
        start = waiting.pop()
        _move(relaxation, fixed, start)
        while len(fixed) < len(relaxation.neurons):
            yield None
            neuron = len(fixed)
            known = relaxation.known[neuron]
            if known is not None:
                relaxation.fix(neuron, known)
                fixed.append(known)
                continue
            high = relaxation.maximum(neuron)
            if high == -np.inf:
                break
            on = high > SIGN
            if on and relaxation.minimum(neuron) < -SIGN:
                waiting.append([*fixed, False])
            relaxation.fix(neuron, on)
            fixed.append(on)
        else:
            yield _pattern(network, relaxation, fixed)


def _move(relaxation: Relaxation, fixed: list[bool], start: list[bool]) -> None:
    """Fix the neurons as in `start`, and free those beyond."""
    for neuron in range(len(start), len(fixed)):
        relaxation.fix(neuron, None)
    for neuron, on in enumerate(start):
        if neuron >= len(fixed) or fixed[neuron] != on:
            relaxation.fix(neuron, on)
    fixed[:] = start


def _pattern(network: Network, relaxation: Relaxation, fixed: list[bool]) -> Pattern:
    found = tuple(np.ones(layer.n_out, dtype=bool) for layer in network)
    for (layer, row), on in zip(relaxation.neurons, fixed, strict=True):
        found[layer][row] = on
    return found
