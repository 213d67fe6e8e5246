"""The pre-image ``{z : G(z) = x}`` itself: its cells, how they hang together, whether it is convex; in floats."""

from pyomo_relu.inversion.pattern import ActivationRegion
from pyomo_relu.linear_program import LinearProgramError
from pyomo_relu.preimages.cell import Cell
from pyomo_relu.preimages.enumeration import iterate_cells, preimage
from pyomo_relu.preimages.picture import plot_preimage, slice_of
from pyomo_relu.preimages.polytope import Polytope
from pyomo_relu.preimages.union import Preimage

__all__ = [
    "ActivationRegion",
    "Cell",
    "LinearProgramError",
    "Polytope",
    "Preimage",
    "iterate_cells",
    "plot_preimage",
    "preimage",
    "slice_of",
]
