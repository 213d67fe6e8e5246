"""Bounds on pre-activations, one method a file; all are sound in floating point."""

from pyomo_relu.bounds.crown import crown_bounds
from pyomo_relu.bounds.interval import interval_bounds, layer_interval
from pyomo_relu.bounds.lp import Budget, lp_region
from pyomo_relu.bounds.observed import Region, deviation_caps, observed_region

FORWARD = {"interval": interval_bounds, "crown": crown_bounds}
"""Bounds that follow from the box alone."""

__all__ = [
    "FORWARD",
    "Budget",
    "Region",
    "crown_bounds",
    "deviation_caps",
    "interval_bounds",
    "layer_interval",
    "lp_region",
    "observed_region",
]
