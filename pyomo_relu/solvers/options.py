"""`options_of`: a `Solver`, as a solver's own options; and what its word "optimal" promises with them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pyomo_relu.errors import SolverConfigError
from pyomo_relu.solvers.backend import Backend, Capability
from pyomo_relu.solvers.backends import BACKENDS
from pyomo_relu.solvers.coefficients import SLACK
from pyomo_relu.solvers.config import Solver

REL_GAP = 1e-6
"""Relative gap of MILPs where `Solver` gives none."""

ABS_GAP = 1e-7
"""Absolute gap of MILPs."""

ABS_GAP_OF_SQUARES = 1e-12
LP_FEASIBILITY = 1e-9
# Ten times tighter, and SCIP stalls: 14 s instead of 0.2 s for a 3-8-20 network.
MIQP_FEASIBILITY = 1e-8

_FIELDS = ("time_limit", "threads", "seed", "rel_gap")
"""What `Solver` has a field for: their own names may not be used beside it."""


def options_of(
    backend: Backend, solver: Solver, needs: frozenset[Capability], *, lean: bool = False, nodes: int | None = None
) -> dict[str, Any]:
    """Translate a `Solver`, and a limit on nodes, into the solver's own options.

    Raises
    ------
    SolverConfigError
        If the solver has no such setting, or refuses an option; or if one is given that is held at a value here.
    """
    is_lp = needs <= {Capability.LP}
    promised = {
        "rel_gap": None if is_lp else REL_GAP,
        "abs_gap": None if is_lp else ABS_GAP if Capability.MIQP not in needs else ABS_GAP_OF_SQUARES,
        "feasibility_tol": LP_FEASIBILITY if is_lp else None,
        # A violated quadratic row moves the optimum by as much, and the norm by its root.
        "mip_feasibility_tol": MIQP_FEASIBILITY if Capability.MIQP in needs else None,
    }
    options = {**backend.defaults, **({} if solver.log else backend.quiet), **(backend.lean() if lean else {})}
    for field, amount in {"nodes": nodes, **promised}.items():
        options |= _setting(backend, field, amount)
    missing = sorted(solver.required_settings - backend.settings.keys())
    if missing:
        able = [
            b.name for b in BACKENDS.values() if needs <= b.supports and solver.required_settings <= b.settings.keys()
        ]
        raise SolverConfigError(
            f"{backend.title} has no {missing[0]} setting; of those that take such models these have: {', '.join(able)}"
        )
    asked: dict[str, Any] = {}
    for field in _FIELDS:
        asked |= {} if field == "rel_gap" and is_lp else _setting(backend, field, getattr(solver, field))
    asked |= own_options(backend, solver)
    for name, amount in asked.items():
        wrong = backend.check_option(name, amount)
        if wrong is not None:
            raise SolverConfigError(f"{backend.title} option {name!r}: {wrong}")
    return options | asked


def time_limit_of(backend: Backend, solver: Solver) -> dict[str, Any]:
    """Return the option that limits the time of a `Solver`; none where it has no limit."""
    return _setting(backend, "time_limit", solver.time_limit)


def own_options(backend: Backend, solver: Solver) -> dict[str, Any]:
    """Return a `Solver`'s own options, spelt as the backend spells those that it knows.

    Raises
    ------
    SolverConfigError
        If one is given twice, is a field of `Solver` by another name, or is held at a value here.
    """
    fields = {backend.settings[field].lower(): field for field in _FIELDS if field in backend.settings}
    known = (*backend.settings.values(), *backend.defaults, *backend.quiet, *backend.harmless)
    spelt = {name.lower(): name for name in known}
    found: dict[str, Any] = {}
    for given, amount in solver.options.items():
        name = spelt.get(given.lower(), given)
        if given.lower() in fields:
            raise SolverConfigError(
                f"is to be given, not {backend.title} option {given!r}", parameter=fields[given.lower()]
            )
        if name in backend.defaults:
            raise SolverConfigError(
                f"{backend.title} option {given!r}: is held at {backend.defaults[name]!r}, without which limits or "
                "bounds would not hold"
            )
        if name in found:
            raise SolverConfigError(f"{backend.title} option {given!r}: is given twice")
        found[name] = amount
    return found


def are_known(backend: Backend, solver: Solver) -> bool:
    """Whether what a `Solver`'s own options mean is known here, so that the solver's words keep their meaning."""
    return own_options(backend, solver).keys() <= {*backend.settings.values(), *backend.harmless}


def promised_gap(backend: Backend, options: Mapping[str, Any], objective: float | None) -> float:
    """Return how far from the optimum a solver may stop and call it one; the gap may be relative to the bound."""
    absolute, relative = (_amount(backend, options, gap, 0.0) for gap in ("abs_gap", "rel_gap"))
    if objective is None or relative >= 1.0:
        return math.inf
    return max(absolute, relative / (1.0 - relative) * abs(objective))


def largest_dropped(backend: Backend, options: Mapping[str, Any]) -> float:
    """Return the largest coefficient that a solver may take for zero."""
    return _amount(backend, options, "dropped", backend.drops)


def slack_of_rows(backend: Backend, options: Mapping[str, Any], needs: frozenset[Capability]) -> float:
    """Return by how much a solver lets rows be missed."""
    setting = "feasibility_tol" if needs <= {Capability.LP} else "mip_feasibility_tol"
    return _amount(backend, options, setting, SLACK)


def _setting(backend: Backend, field: str, amount: float | None) -> dict[str, Any]:
    """Return a setting by the solver's own name; nothing where it is not asked for, or cannot be set."""
    if amount is None or field not in backend.settings:
        return {}
    convert = backend.convert.get(field)
    return {backend.settings[field]: amount if convert is None else convert(amount)}


def _amount(backend: Backend, options: Mapping[str, Any], setting: str, otherwise: float) -> float:
    return float(options.get(backend.settings.get(setting, ""), otherwise))
