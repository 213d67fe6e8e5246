"""Bounds on pre-activations, one method a file; all are sound in floating point."""

from pyomo_relu.bounds.affine import affine_network
from pyomo_relu.bounds.budget import Budget
from pyomo_relu.bounds.crown import crown_bounds
from pyomo_relu.bounds.interval import interval_bounds, layer_interval
from pyomo_relu.bounds.lagrangian import lagrangian_region
from pyomo_relu.bounds.lp import lp_region
from pyomo_relu.bounds.observed import Region, deviation_caps, observed_region
from pyomo_relu.bounds.propagation import propagated_region

FORWARD = {"interval": interval_bounds, "crown": crown_bounds}
"""Bounds that follow from the box alone."""

__all__ = [
    "FORWARD",
    "Budget",
    "Region",
    "affine_network",
    "crown_bounds",
    "deviation_caps",
    "interval_bounds",
    "lagrangian_region",
    "layer_interval",
    "lp_region",
    "observed_region",
    "propagated_region",
]
