"""One-sided neurons: those that a program can only gain from making small, and that need no binary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.bounds import Region, layer_interval
from pyomo_relu.box import Box
from pyomo_relu.formulations import BigM
from pyomo_relu.problem import Problem
from pyomo_relu.solvers import Capability

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class OneSided:
    """Big-M, except for neurons whose true output is never worse than a larger one.

    The rows that every encoding shares say ``h >= max(t, c t)`` already. A binary says ``<=``, and is needed only
    where more of h helps to come near x.

    Parameters
    ----------
    free : tuple of frozenset of int
        Neurons that need no binary, one set a layer; see :func:`one_sided_neurons`.
    """

    free: tuple[frozenset[int], ...]
    name: ClassVar[str] = "one-sided"
    needs: ClassVar[frozenset[Capability]] = BigM.needs
    exact: ClassVar[bool] = True

    def separate(self, block: Any, neurons: Sequence[int], p_max: Sequence[float], n_max: Sequence[float]) -> None:
        """Add big-M for the neurons that are not free."""
        free = self.free[block.index() - 1]
        kept = [i for i, neuron in enumerate(neurons) if neuron not in free]
        BigM().separate(block, [neurons[i] for i in kept], [p_max[i] for i in kept], [n_max[i] for i in kept])


def one_sided_neurons(problem: Problem, region: Region, level: float) -> tuple[frozenset[int], ...]:
    """Return the hidden neurons of which a program for ``||G(z) - x|| <= level`` needs only ``h >= max(t, c t)``.

    From the outputs back: an output must not exceed ``x + level`` unless its bounds say so already, and not fall
    below ``x - level``. A positive weight hands either demand on, a negative one the other. Where nothing must not
    fall, a solution with too large an output stays one with the true output.

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> from pyomo_relu import Network
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z| near 0 is convex, near 1 it is not
    >>> region = Region(Box.of((-3, 3), 1), (Box.of((-3, 3), 2), Box([0], [1])))
    >>> [sorted(one_sided_neurons(Problem.of(net, [x]), region, 0.5)[0]) for x in (0.0, 1.0)]
    [[0, 1], []]
    """
    network, x = problem.network, problem.x
    before = region.code
    if len(network) > 1:
        bound = region.pre_activations[-2]
        before = Box(network[-2].activation(bound.lower), network[-2].activation(bound.upper))
    reach = layer_interval(network[-1], before)
    # An open output has a binary of its own unless only its upper side matters, which the program sees by itself.
    must_not_rise: Mask = np.asarray(network[-1].activation(reach.upper) > x + level * (1.0 - 1e-9))
    must_not_fall: Mask = np.asarray(network[-1].activation(reach.lower) < x - level * (1.0 - 1e-9))
    free: list[frozenset[int]] = [frozenset()]
    for layer in reversed(network.layers[1:]):
        up, down = layer.dense() > 0.0, layer.dense() < 0.0
        must_not_rise, must_not_fall = (
            _any_row(up[must_not_rise], down[must_not_fall]),
            _any_row(up[must_not_fall], down[must_not_rise]),
        )
        free.insert(0, frozenset(np.flatnonzero(~must_not_fall).tolist()))
    return tuple(free)


def _any_row(*parts: Mask) -> Mask:
    return np.asarray(np.vstack(parts).any(axis=0), dtype=np.bool_)
