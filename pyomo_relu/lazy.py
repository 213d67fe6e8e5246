"""Packages that import a name's module when the name is first used (PEP 562).

``import pyomo_relu`` loads neither NumPy nor Pyomo, let alone a solver: who asks for ``Network`` gets NumPy, who
asks for ``invert`` gets the rest. What type checkers see is the ``__init__.pyi`` beside the package's ``__init__.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any


class LazyPackage(ModuleType):
    """The class that :func:`attach` gives to a package."""

    def __getattr__(self, name: str) -> Any:
        home = self.__dict__["_homes"].get(name)
        if home is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found = import_module(f"{self.__name__}.{home}")
        if name in self.__dict__["__all__"]:
            found = getattr(found, name)
        self.__dict__[name] = found
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system sets a submodule as an attribute; a public function of the same name goes first.
        if not (isinstance(value, ModuleType) and name in self.__dict__.get("__all__", ())):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__dict__["_homes"]})


def attach(package: str, names: Mapping[str, Sequence[str]], modules: Sequence[str] = ()) -> tuple[str, ...]:
    """Make a package lazy, and return its public names, sorted, for ``__all__``.

    Parameters
    ----------
    package : str
        Its name; it is being imported.
    names : mapping of str to sequence of str
        The public names of each of its modules.
    modules : sequence of str
        Modules that are attributes of the package besides those.

    Examples
    --------
    >>> import pyomo_relu, sys
    >>> type(sys.modules["pyomo_relu"]).__name__, "Network" in dir(pyomo_relu)
    ('LazyPackage', True)
    >>> pyomo_relu.Netwrok
    Traceback (most recent call last):
        ...
    AttributeError: module 'pyomo_relu' has no attribute 'Netwrok'
    """
    homes = {module: module for module in (*names, *modules)}
    homes |= {name: module for module, public in names.items() for name in public}
    module = sys.modules[package]
    module.__dict__["_homes"] = homes
    module.__class__ = LazyPackage
    return tuple(sorted(name for public in names.values() for name in public))
