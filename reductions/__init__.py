"""NP-hardness instances and the convexity of pre-images, as ReLU networks."""

from lazy_loader import attach_stub

# A name's module, as the stub beside this file tells it, is imported when the name is first used.
__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
