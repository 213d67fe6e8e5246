"""The pre-image ``{z : G(z) = x}`` itself: its cells, how they hang together, and proofs in exact arithmetic.

``pyomo_relu.preimage`` is the function: names are imported by ``from pyomo_relu.preimage import Cell``, since
``import pyomo_relu.preimage as p`` binds the function.
"""

from pyomo_relu.inversion.activation import ActivationRegion
from pyomo_relu.preimage.cell import Cell
from pyomo_relu.preimage.enumeration import iterate_cells, preimage
from pyomo_relu.preimage.exact import cell_system, decide_cell, is_code, leaf_bound
from pyomo_relu.preimage.linear import LinearProgramError
from pyomo_relu.preimage.picture import plot_preimage, slice_of
from pyomo_relu.preimage.polytope import Polytope
from pyomo_relu.preimage.rational_program import rational_program, write_rational_program
from pyomo_relu.preimage.tree import TreeProof, prove_bound
from pyomo_relu.preimage.union import Preimage

__all__ = [
    "ActivationRegion",
    "Cell",
    "LinearProgramError",
    "Polytope",
    "Preimage",
    "TreeProof",
    "cell_system",
    "decide_cell",
    "is_code",
    "iterate_cells",
    "leaf_bound",
    "plot_preimage",
    "preimage",
    "prove_bound",
    "rational_program",
    "slice_of",
    "write_rational_program",
]
