"""``python -m pyomo_relu``, the same as ``pyomo-relu``."""

from pyomo_relu.cli import main

main()
