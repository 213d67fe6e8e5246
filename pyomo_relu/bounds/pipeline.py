"""Which bounds are sought, and in which order: a list of steps for each use."""

from __future__ import annotations

from typing import Protocol

from pyomo_relu.bounds.lagrangian import lagrangian_region
from pyomo_relu.bounds.lp import lp_region
from pyomo_relu.bounds.observed import observed_region
from pyomo_relu.bounds.propagation import propagated_region
from pyomo_relu.bounds.region import Region
from pyomo_relu.bounds.sought import Sought
from pyomo_relu.box import Box
from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.network import Network


class Step(Protocol):
    """A way to bound. What it returns is believed: where it is None, a certificate says *verified*.

    Examples
    --------
    >>> import numpy as np
    >>> from pyomo_relu.norms import as_norm
    >>> step: Step = propagated_region
    >>> net = Network.from_arrays([[[1.0]]])
    >>> region = Region.everything(net, Box.of((0, 1), 1))
    >>> found = step(net, region, Sought(np.array([1.0]), as_norm("inf"), 0.5), NO_LIMIT)
    >>> found.pre_activations[0].upper.round(9).tolist()
    [1.0]
    """

    def __call__(self, network: Network, region: Region, sought: Sought, deadline: Deadline, /) -> Region | None:
        """Return a smaller region that holds every code of `region` that is sought; None proves that there is none.

        Parameters
        ----------
        network : Network
        region : Region
            It need not be bounded.
        sought : Sought
        deadline : Deadline
            What would not be done before it is left out.
        """
        ...


PIPELINES: dict[str, tuple[Step, ...]] = {
    "inversion": (observed_region, lagrangian_region),
    "pre-image": (observed_region, propagated_region),
    "decision": (observed_region, propagated_region),
    "convexity": (observed_region, lp_region),
}
"""The steps, by what they are for. Another bound reaches all that is done for a use by its place here."""

IN_TURNS = lp_region
"""The costly bound of an inversion: a proof takes turns with it and a search, each with a limit of work that grows."""


def sought_region(use: str, network: Network, box: Box, sought: Sought, deadline: Deadline = NO_LIMIT) -> Region | None:
    """Bound the codes of a box that are sought, by all steps of a use.

    Parameters
    ----------
    use : str
        Of `PIPELINES`.
    network : Network
    box : Box
        It need not be bounded.
    sought : Sought
    deadline : Deadline
        A step after the first gets half of what is left.

    Returns
    -------
    Region or None
        Not bounded where the observation does not bound the codes, or there was no time for it. None proves that there
        are no such codes.

    Examples
    --------
    >>> import numpy as np
    >>> from pyomo_relu.norms import as_norm
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> sought_region("inversion", net, Box.of((-3, 3), 1), Sought(np.array([5.0]), as_norm("inf"), 0.5)) is None
    True
    """
    region: Region | None = Region.everything(network, box)
    for number, step in enumerate(PIPELINES[use]):
        if region is None:
            break
        region = step(network, region, sought, deadline.share(0.5) if number else deadline)
    return region
