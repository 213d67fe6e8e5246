"""Methods of inversion, one a file, and the front door :func:`invert`."""

from pyomo_relu.inversion.api import Method, invert, invert_layer
from pyomo_relu.inversion.cell import pattern_of
from pyomo_relu.inversion.descent import Descent
from pyomo_relu.inversion.exact import Exact
from pyomo_relu.inversion.extent import Extent, extent
from pyomo_relu.inversion.gradient import GradientDescent
from pyomo_relu.inversion.hybrid import Hybrid
from pyomo_relu.inversion.layerwise import Layerwise
from pyomo_relu.inversion.pattern import ActivationRegion, Pattern
from pyomo_relu.inversion.polishing import polish
from pyomo_relu.inversion.program import add_code, build_program, encode_network, read_code
from pyomo_relu.inversion.sensing import ProjectedGradient
from pyomo_relu.inversion.task import wide_bounds

__all__ = [
    "ActivationRegion",
    "Descent",
    "Exact",
    "Extent",
    "GradientDescent",
    "Hybrid",
    "Layerwise",
    "Method",
    "Pattern",
    "ProjectedGradient",
    "add_code",
    "build_program",
    "encode_network",
    "extent",
    "invert",
    "invert_layer",
    "pattern_of",
    "polish",
    "read_code",
    "wide_bounds",
]
