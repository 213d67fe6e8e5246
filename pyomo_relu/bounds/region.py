"""`Region`: bounds of the code and of every pre-activation, the value that each tightening takes and returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyomo_relu.bounds.intersection import CrossedBoundsError, intersect
from pyomo_relu.box import Box
from pyomo_relu.network import Network
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False)
class Region:
    """Where the codes lie that are sought, and their pre-activations: those that would beat an incumbent, or meet x.

    Parameters
    ----------
    code : Box
        Bounds of the code; not bounded where the observation does not tell.
    pre_activations : tuple of Box
        One a layer.

    Examples
    --------
    >>> import numpy as np
    >>> from pyomo_relu.bounds import Sought, observed_region
    >>> net = Network.from_arrays([[[1.0], [-1.0]]])
    >>> anywhere = Region.everything(net, Box.everything(1))
    >>> region = observed_region(net, anywhere, Sought(np.array([2.0, 0.0]), "inf", 0.5))
    >>> region.code.lower.round(9).tolist(), region.code.upper.round(9).tolist(), region.unstable(net)
    ([1.5], [2.5], [0])
    """

    code: Box
    pre_activations: tuple[Box, ...]

    @classmethod
    def everything(cls, network: Network, box: Box) -> Region:
        """Return the codes of a box, of whose pre-activations nothing is known."""
        return cls(box, tuple(Box.everything(layer.n_out) for layer in network))

    @property
    def is_bounded(self) -> bool:
        """Whether the code and every pre-activation are bounded."""
        return self.code.is_bounded and all(bound.is_bounded for bound in self.pre_activations)

    def intersect(self, other: Region) -> Region | None:
        """Return what lies in both; None where nothing does."""
        pairs = zip(self.pre_activations, other.pre_activations, strict=True)
        try:
            return Region(intersect(self.code, other.code), tuple(intersect(one, two) for one, two in pairs))
        except CrossedBoundsError:
            return None

    def in_unit(self, unit: FloatArray | float) -> Region:
        """Return the region whose last layer is measured in a unit, or one for each output; powers of two are exact."""
        if np.all(unit == 1.0):
            return self
        last = self.pre_activations[-1]
        return Region(self.code, (*self.pre_activations[:-1], Box(last.lower / unit, last.upper / unit)))

    def is_wide(self, network: Network) -> bool:
        """Whether more than half of all neurons are open: then no search ends soon."""
        return sum(self.unstable(network)) > sum(layer.n_out for layer in network) / 2

    @property
    def width(self) -> float:
        """Sum of all the bounds' widths: what tightening makes less."""
        return float(sum((box.upper - box.lower).sum() for box in (self.code, *self.pre_activations)))

    def unstable(self, network: Network) -> list[int]:
        """Return how many neurons of each layer can have both signs."""
        return [
            int(layer.activation.is_open(bound.lower, bound.upper).sum())
            for layer, bound in zip(network, self.pre_activations, strict=True)
        ]
