"""The search for activation patterns that meet an observation: depth first, neuron by neuron, never all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pyomo_relu.inversion.pattern import Pattern
from pyomo_relu.network import Network
from pyomo_relu.preimages.relaxation import Relaxation

Phase = tuple[bool, float]
"""On or off, and how far beyond zero the neuron may reach."""


@dataclass(frozen=True, eq=False)
class Leaf:
    """A pattern that the search leaves, and how far each pre-activation may reach beyond zero.

    Parameters
    ----------
    pattern : tuple of bool array, one a layer
    slack : tuple of array, one a layer
        Zero where both phases were tried. In the units of the network that was searched.
    """

    pattern: Pattern
    slack: tuple[np.ndarray, ...]


def leaves(network: Network, relaxation: Relaxation) -> Iterator[Leaf | None]:
    """Yield every pattern that the observation leaves, and None at each step on the way, where one may stop.

    A neuron is tried on and off, but for a phase, or both, that are proved to hold no code. The regions of the
    patterns, each as far beyond zero as its slack, cover every code that meets the observation.

    Parameters
    ----------
    network : Network
    relaxation : Relaxation
        It is changed on the way; at a leaf it is that of the leaf.
    """
    fixed: list[Phase] = []
    waiting: list[list[Phase]] = [[]]
    while waiting:
        start = waiting.pop()
        _move(relaxation, fixed, start)
        while len(fixed) < len(relaxation.neurons):
            yield None
            neuron = len(fixed)
            known = relaxation.known[neuron]
            phases = relaxation.phases(neuron) if known is None else [known]
            if not phases:
                break
            waiting += [[*fixed, phase] for phase in phases[1:]]
            relaxation.fix(neuron, *phases[0])
            fixed.append(phases[0])
        else:
            yield _leaf(network, relaxation, fixed)


def _move(relaxation: Relaxation, fixed: list[Phase], start: list[Phase]) -> None:
    """Fix the neurons as in `start`, and free those beyond."""
    for neuron in range(len(start), len(fixed)):
        relaxation.fix(neuron, None)
    for neuron, phase in enumerate(start):
        if neuron >= len(fixed) or fixed[neuron] != phase:
            relaxation.fix(neuron, *phase)
    fixed[:] = start


def _leaf(network: Network, relaxation: Relaxation, fixed: list[Phase]) -> Leaf:
    pattern = tuple(np.ones(layer.n_out, dtype=bool) for layer in network)
    slack = tuple(np.zeros(layer.n_out) for layer in network)
    for (layer, row), (on, beyond) in zip(relaxation.neurons, fixed, strict=True):
        pattern[layer][row], slack[layer][row] = on, beyond
    slack[-1][:] *= relaxation.unit
    return Leaf(pattern, slack)
