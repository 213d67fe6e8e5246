"""Bounds on pre-activations, one method a file; all are sound in floating point."""

from collections.abc import Callable

from pyomo_relu.bounds.interval import interval_bounds
from pyomo_relu.box import Box
from pyomo_relu.network import Network

BOUNDS: dict[str, Callable[[Network, Box], tuple[Box, ...]]] = {"interval": interval_bounds}

__all__ = ["BOUNDS", "interval_bounds"]
