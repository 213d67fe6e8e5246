"""The pre-image ``{z : G(z) = x}`` itself: its cells, how they hang together, and proofs in exact arithmetic."""

from pyomo_relu.preimage.activation import ActivationRegion
from pyomo_relu.preimage.cell import Cell
from pyomo_relu.preimage.picture import plot_preimage, slice_of
from pyomo_relu.preimage.polytope import Polytope
from pyomo_relu.preimage.union import Preimage, iterate_cells, preimage

__all__ = ["ActivationRegion", "Cell", "Polytope", "Preimage", "iterate_cells", "plot_preimage", "preimage", "slice_of"]
