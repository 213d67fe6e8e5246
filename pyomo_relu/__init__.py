"""Invert ReLU networks, layer by layer and exactly, with any solver, and prove it."""

from lazy_loader import attach_stub

from pyomo_relu.pyomo_names import announce

__version__ = "0.1.0"

# A name's module, as the stub beside this file tells it, is imported when the name is first used.
__getattr__, __dir__, _names = attach_stub(__name__, __file__)

MODULES = ("bounds", "generator", "io", "plots", "solvers")
"""Modules that are attributes of the package."""

__all__ = [name for name in _names if name not in MODULES]

announce()
