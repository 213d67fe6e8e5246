"""Activation regions: where a network keeps its activation pattern, it is affine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.network import Network
from pyomo_relu.validation import FloatArray

Pattern = tuple[NDArray[np.bool_], ...]
"""Which pre-activations are positive, one boolean array a layer."""

DUST = 1e-9
"""A row this much shorter than what adds up to it, or than an offset of up to 1, is zero: rounding, and dust to LPs."""


def map_flops(network: Network) -> float:
    """Return about how many operations it takes to write a network as an affine map of its code."""
    return 4.0 * network.n_in * network.n_parameters


@dataclass(frozen=True, eq=False)
class ActivationRegion:
    """The codes of one activation pattern, and the affine map that G is there.

    ::

        G(z) = matrix z + offset    where    sides z <= limits

    Parameters
    ----------
    matrix, offset : array, shapes (n, k) and (n,)
    sides, limits : array, shapes (m, k) and (m,)
        One row a neuron that is not linear.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> where = ActivationRegion.of(net, (np.array([False, True]), np.array([True])))
    >>> where.matrix.tolist(), where.sides.tolist()                 # z <= 0, three times over
    ([[-1.0]], [[1.0], [1.0], [1.0]])
    """

    matrix: FloatArray
    offset: FloatArray
    sides: FloatArray
    limits: FloatArray

    @classmethod
    def of(cls, network: Network, pattern: Pattern) -> ActivationRegion:
        """Return the region of a pattern.

        Parameters
        ----------
        network : Network
        pattern : tuple of bool array, one a layer
            Which pre-activations are positive.

        Returns
        -------
        ActivationRegion

        Examples
        --------
        >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
        >>> region = ActivationRegion.of(net, tuple(t > 0.0 for t in net.pre_activations([-3.0])))
        >>> float(region.matrix[0, 0]), bool((region.sides @ [-5.0] <= region.limits).all())
        (-1.0, True)
        """
        matrix, offset = np.eye(network.n_in), np.zeros(network.n_in)
        sides, limits = [np.zeros((0, network.n_in))], [np.zeros(0)]
        for layer, on in zip(network, pattern, strict=True):
            weight = np.abs(layer.weight)
            summed = weight @ np.linalg.norm(matrix, axis=1)
            shifted = weight @ np.abs(offset) + np.abs(layer.bias)
            matrix, offset = layer.weight @ matrix, layer.weight @ offset + layer.bias
            matrix[np.linalg.norm(matrix, axis=1) <= DUST * np.maximum(summed, np.minimum(shifted, 1.0))] = 0.0
            bends, sign = layer.activation.bends, np.where(on, -1.0, 1.0)
            sides.append((sign[:, None] * matrix)[bends])
            limits.append((-sign * offset)[bends])
            gain = layer.activation.gain(on)
            matrix, offset = gain[:, None] * matrix, gain * offset
        return cls(matrix, offset, np.vstack(sides), np.concatenate(limits))
