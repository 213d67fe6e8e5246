"""Formulations: one-layer inverse LPs (``layer_*``, ``linear_solve``) and exact encodings (``relu_*``).

A new one is a file beside these and a line in its table below; the contract tests
then try it with every solver and every network.
"""

from pyomo_relu.formulations.encoding import Encoding
from pyomo_relu.formulations.layer import LayerAnswer, LayerFormulation
from pyomo_relu.formulations.layer_l1 import LayerL1
from pyomo_relu.formulations.layer_linf import LayerLinf
from pyomo_relu.formulations.layer_realizable import LayerRealizable
from pyomo_relu.formulations.layer_relaxed import LayerRelaxed
from pyomo_relu.formulations.linear_solve import LinearSolve
from pyomo_relu.formulations.relu_big_m import BigM
from pyomo_relu.formulations.relu_indicator import Indicator
from pyomo_relu.formulations.relu_sos1 import Sos1
from pyomo_relu.formulations.relu_triangle import Triangle
from pyomo_relu.formulations.residual import needs_of_norm
from pyomo_relu.formulations.rows import linear
from pyomo_relu.formulations.schedule import Bisection, Geometric

LAYER_FORMULATIONS: dict[str, type[LayerFormulation]] = {
    "linf": LayerLinf,
    "l1": LayerL1,
    "relaxed": LayerRelaxed,
    "realizable": LayerRealizable,
    "linear": LinearSolve,
}
"""One-layer formulations by name."""

ENCODINGS: dict[str, Encoding] = {encoding.name: encoding for encoding in (BigM(), Sos1(), Indicator(), Triangle())}
"""Ways to write an open neuron, by name."""

__all__ = [
    "ENCODINGS",
    "LAYER_FORMULATIONS",
    "BigM",
    "Bisection",
    "Encoding",
    "Geometric",
    "Indicator",
    "LayerAnswer",
    "LayerFormulation",
    "LayerL1",
    "LayerLinf",
    "LayerRealizable",
    "LayerRelaxed",
    "LinearSolve",
    "Sos1",
    "Triangle",
    "linear",
    "needs_of_norm",
]
