"""Methods of inversion, one a file, and the front door :func:`invert`."""

from pyomo_relu.inversion.descent import Descent
from pyomo_relu.inversion.exact import Exact
from pyomo_relu.inversion.extent import Extent, extent
from pyomo_relu.inversion.front import Method, invert, invert_layer
from pyomo_relu.inversion.gradient import GradientDescent
from pyomo_relu.inversion.hybrid import Hybrid
from pyomo_relu.inversion.layerwise import Layerwise
from pyomo_relu.inversion.sensing import ProjectedGradient

__all__ = [
    "Descent",
    "Exact",
    "Extent",
    "GradientDescent",
    "Hybrid",
    "Layerwise",
    "Method",
    "ProjectedGradient",
    "extent",
    "invert",
    "invert_layer",
]
