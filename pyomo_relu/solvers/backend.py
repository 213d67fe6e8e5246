"""`Backend`: what pyomo-relu must know of a solver, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Capability(Enum):
    """A kind of model that a solver takes through Pyomo, or that an encoding needs."""

    LP = "LP"
    MILP = "MILP"
    SOS1 = "SOS1"
    MIQP = "MIQP"
    BILINEAR = "bilinear"

    def __str__(self) -> str:
        return self.value


def _no_options() -> Mapping[str, Any]:
    return {}


def accept_any(name: str, value: Any) -> str | None:
    """Accept every option: for solvers that refuse unknown ones on their own, loudly."""
    return None


@dataclass(frozen=True)
class Backend:
    """A solver, as data; each lives in a file of its own and is listed in ``solvers/registry.py``.

    Parameters
    ----------
    name : str
        Name in `Solver` and on the command line.
    title : str
        Name as its authors write it.
    interface : str
        Pyomo's name of the interface.
    legacy : bool
        False for a ``pyomo.contrib.solver`` interface, True for a ``pyomo.environ.SolverFactory`` one.
    supports : frozenset of Capability
        What passes through that interface.
    install : str
        One line that installs the solver.
    version : callable
        Returns the version, or None where the solver is not installed.
    settings : mapping
        Names of the solver's own options for ``time_limit``, ``rel_gap``, ``abs_gap``, ``threads``,
        ``seed`` and ``feasibility_tol``. What is missing here is passed through Pyomo's own keyword
        (new interfaces), or cannot be set (legacy ones).
    convert : mapping
        Converters for settings whose option wants another type, such as whole seconds.
    check_option : callable
        ``(name, value) -> None`` where the option is good, else what is wrong with it.
    lean : callable
        Returns options that were measured to pay once the incumbent is inside the model, when
        all that is left is to prove it.
    executable : callable, optional
        Returns the program's path, for interfaces that run one.
    log_failures : tuple of str
        Lines of the log that mean "option refused" although the solver went on.
    """

    name: str
    title: str
    interface: str
    legacy: bool
    supports: frozenset[Capability]
    install: str
    version: Callable[[], str | None]
    settings: Mapping[str, str] = field(default_factory=dict)
    convert: Mapping[str, Callable[[float], float | int]] = field(default_factory=dict)
    check_option: Callable[[str, Any], str | None] = accept_any
    lean: Callable[[], Mapping[str, Any]] = _no_options
    executable: Callable[[], str | None] | None = None
    log_failures: tuple[str, ...] = ()


def package_version(distribution: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
