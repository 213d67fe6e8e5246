"""Names in Pyomo's solver factories, which are there as soon as Pyomo and this package both are, in either order.

``import pyomo_relu`` loads no Pyomo, and Pyomo looks for no other package's solvers. So its factory is told of the
names when it is imported, or now where it has been; the interface behind a name is imported by who asks for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

TYPE_CHECKING = False  # typing takes a third of what an import of the package takes
if TYPE_CHECKING:
    from typing import Any

HIGHS, SCIP = "pyomo_relu_highs", "pyomo_relu_scip"

_HOMES = {HIGHS: "pyomo_relu.solvers.highs_interface", SCIP: "pyomo_relu.solvers.scip_interface"}
_FACTORY = "pyomo.contrib.solver.common.factory"


def announce() -> None:
    """Tell Pyomo's factories the names: now, or when Pyomo is imported.

    Examples
    --------
    >>> import pyomo_relu
    >>> from pyomo.environ import SolverFactory
    >>> "pyomo_relu_highs" in SolverFactory, "pyomo_relu_scip" in SolverFactory
    (True, True)
    """
    if _FACTORY in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _WhenImported())


def _register() -> None:
    factory = sys.modules[_FACTORY]
    for name, home in _HOMES.items():
        new, legacy = factory.SolverFactory, factory.LegacySolverFactory
        new.register(name)(_maker(new, name, home), _maker(legacy, name, home))


def _maker(factory: Any, name: str, home: str) -> Callable[..., Any]:
    """Return what makes an interface for a factory: its module, imported, registers the class in place of this."""

    def make(**settings: Any) -> Any:
        import_module(home)
        return factory(name, **settings)

    return make


class _WhenImported:
    """A finder that stands before the others until Pyomo's factory is imported, and finds it by them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _FACTORY:
            return None
        others = (finder.find_spec(fullname, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((found for found in others if found is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _ThenRegister(spec.loader, self)  # type: ignore[assignment]
        return spec


class _ThenRegister:
    """A loader that leaves the work to another, and has the names registered after it."""

    def __init__(self, loader: Any, finder: _WhenImported) -> None:
        self._loader, self._finder = loader, finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
            _register()
