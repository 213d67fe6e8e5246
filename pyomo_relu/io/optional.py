"""Packages that only one format needs."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from pyomo_relu.errors import MissingDependencyError


def require(package: str, purpose: str) -> ModuleType:
    """Import `package`, which is also the name of its extra; `purpose` starts the error's sentence.

    Raises
    ------
    MissingDependencyError
        If `package` is not installed.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingDependencyError(
            f'{purpose} needs the {package} package: pip install "pyomo-relu[{package}]"'
        ) from error
