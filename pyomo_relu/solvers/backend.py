"""`Backend`: what pyomo-relu must know of a solver, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pyomo_relu.solvers.adapter import Adapter
from pyomo_relu.solvers.program import ProgramError
from pyomo_relu.status import Status


class Capability(Enum):
    """A kind of model that a solver takes through Pyomo, or that an encoding needs.

    Examples
    --------
    >>> from pyomo_relu.solvers import BACKENDS
    >>> Capability.SOS1 in BACKENDS["scip"].supports, Capability.SOS1 in BACKENDS["highs"].supports
    (True, False)
    """

    LP = "LP"
    MILP = "MILP"
    SOS1 = "SOS1"
    MIQP = "MIQP"
    BILINEAR = "bilinear"

    def __str__(self) -> str:
        return self.value


def _no_options() -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Backend:
    """A solver, as data and one adapter; each has a file in ``solvers/backends/``, and a line in its registry.

    Parameters
    ----------
    name : str
        Name in `Solver` and on the command line.
    title : str
        Name as its authors write it.
    adapter : callable
        Returns a fresh `Adapter`: what runs the solver, stops it and reports.
    supports : frozenset of Capability
        What passes through that adapter.
    install : str
        One line that installs the solver.
    version : callable
        Returns the version, or None where the solver is not installed.
    settings : mapping
        Names of the solver's own options for ``time_limit``, ``rel_gap``, ``abs_gap``, ``threads``,
        ``nodes`` (of a branch and bound), ``seed``, ``feasibility_tol`` (of LPs), ``mip_feasibility_tol`` (of
        MIQPs) and ``dropped`` (the largest coefficient that is taken for zero). What is missing cannot be set.
    convert : mapping
        Converters for settings whose option wants another type, such as whole seconds.
    defaults : mapping
        Options that are always set, where the solver's own default would break a promise; the user may not.
    quiet : mapping
        Options that are set where no log is wanted.
    check_option : callable
        ``(name, value) -> None`` where the solver takes the option and holds that value, else what is
        wrong with it.
    lean : callable
        Returns options that were measured to pay once the incumbent is inside the model, when
        all that is left is to prove it.
    drops : float
        The largest coefficient that it may take for zero, where it is not told otherwise.
    keeps_proofs : bool
        Whether its bounds, and "infeasible", hold under any option of its own that the user may set.
    harmless : frozenset of str
        Options of its own, besides the settings, that change nothing of what its words mean.
    failures : mapping
        Words in the solver's exceptions, and the status that they mean; the first match counts.

    Examples
    --------
    >>> from pyomo_relu.solvers import BACKENDS
    >>> highs = BACKENDS["highs"]
    >>> highs.title, highs.install, highs.settings["time_limit"]
    ('HiGHS', 'pip install highspy', 'time_limit')
    """

    name: str
    title: str
    adapter: Callable[[], Adapter]
    supports: frozenset[Capability]
    install: str
    version: Callable[[], str | None]
    check_option: Callable[[str, Any], str | None]
    settings: Mapping[str, str] = field(default_factory=dict)
    convert: Mapping[str, Callable[[float], float | int]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    quiet: Mapping[str, Any] = field(default_factory=dict)
    lean: Callable[[], Mapping[str, Any]] = _no_options
    drops: float = 1e-9
    keeps_proofs: bool = False
    harmless: frozenset[str] = frozenset()
    failures: Mapping[str, Status] = field(default_factory=dict)


def package_version(distribution: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def refusal(given: Any, held: Any) -> str | None:
    """Return what is wrong where a solver took a value and holds another, such as 1 for 1.5; else None."""
    return None if held == given else f"value {given!r} would be held as {held!r}"


def version_here(backend: Backend) -> tuple[str | None, str]:
    """Return a solver's version; or None, and why there is none: not installed, or broken, in its own words.

    Parameters
    ----------
    backend : Backend

    Examples
    --------
    >>> from pyomo_relu.solvers import BACKENDS
    >>> version, reason = version_here(BACKENDS["highs"])
    >>> version is None, reason
    (False, '')
    """
    try:
        version = backend.version()
    except ProgramError as error:
        return None, f"broken: {error}"
    except Exception as error:  # noqa: BLE001 - foreign code only: whatever is broken, the other solvers may run
        return None, " ".join(f"broken: {type(error).__name__}: {error}".split())
    return version, "not installed" if version is None else ""
