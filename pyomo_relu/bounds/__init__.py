"""Bounds on pre-activations that hold in the real numbers: rounding errors are bounded and added.

Each way to bound is a file: `interval`, `crown`, `observed`, `propagation`, `lagrangian`, `lp`; `pipeline` says which
of them are taken for what, in which order. The others are what they share: the values `region` and `sought`, the
relaxation as rows in `affine_form` and `deviation_ball`, and `intersection`.
Rounding is bounded relative to the products, so that all this holds where none underflows or overflows.
"""

from pyomo_relu.bounds.affine_form import AffineRows, affine_network, stacked
from pyomo_relu.bounds.crown import crown_bounds
from pyomo_relu.bounds.interval import interval_bounds, layer_interval
from pyomo_relu.bounds.lagrangian import lagrangian_region
from pyomo_relu.bounds.lp import lp_region
from pyomo_relu.bounds.observed import deviation_caps, observed_region
from pyomo_relu.bounds.pipeline import IN_TURNS, PIPELINES, Step, sought_region
from pyomo_relu.bounds.propagation import propagated_region
from pyomo_relu.bounds.region import Region
from pyomo_relu.bounds.sought import Sought

FORWARD = {"interval": interval_bounds, "crown": crown_bounds}
"""Bounds that follow from the box alone."""

__all__ = [
    "FORWARD",
    "IN_TURNS",
    "PIPELINES",
    "AffineRows",
    "Region",
    "Sought",
    "Step",
    "affine_network",
    "crown_bounds",
    "deviation_caps",
    "interval_bounds",
    "lagrangian_region",
    "layer_interval",
    "lp_region",
    "observed_region",
    "propagated_region",
    "sought_region",
    "stacked",
]
