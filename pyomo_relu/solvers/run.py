"""`solve`: hand a Pyomo model to a solver; the only caller of Pyomo's solvers."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyomo.common.gc_manager import PauseGC
from pyomo.environ import ConcreteModel

from pyomo_relu.errors import SolverConfigError, SolverUnavailableError
from pyomo_relu.solvers import direct, legacy
from pyomo_relu.solvers.backend import Backend, Capability
from pyomo_relu.solvers.config import Solver
from pyomo_relu.solvers.outcome import Outcome
from pyomo_relu.status import Status

REL_GAP = 1e-6
ABS_GAP = 1e-7
LP_FEASIBILITY = 1e-9
MIQP_FEASIBILITY = 1e-9

# Words by which solvers say that a licence, or its size, is what stops them.
_SIZE_WORDS = ("size-limited", "size limit", "problem size limits", "too large", "1016", "limits exceeded", "community")
_LICENSE_WORDS = ("license", "licence", "licensing")


def solve(
    model: ConcreteModel, solver: Solver | str | None, needs: frozenset[Capability], *, lean: bool = False
) -> Outcome:
    """Solve `model` in place.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
        Its variables receive the solution, or the incumbent at a limit.
    solver : Solver, str or None
    needs : frozenset of Capability
        What the model needs of a solver.
    lean : bool
        Whether a good incumbent is inside the model, so that the solver need only prove it.

    Returns
    -------
    Outcome
        Trouble during the solve is its status, never an exception.

    Raises
    ------
    CapabilityError, SolverConfigError, SolverUnavailableError
        Before anything is solved: a solver that cannot take the model, a bad option, no such solver here.
    """
    chosen = Solver.of(solver)
    backend = chosen.backend(needs)
    version = backend.version()
    if version is None:
        raise SolverUnavailableError(f"{backend.title} is not installed; {backend.install}")
    title = f"{backend.title} {version}"
    keywords, options = settings_of(backend, chosen, needs, lean=lean)
    interface = legacy if backend.legacy else direct
    started = time.perf_counter()
    try:
        with PauseGC(), _quiet_pyomo():
            answer = interface.run(model, backend, keywords, options, chosen.log)
    except KeyboardInterrupt:
        return _failed(Status.INTERRUPTED, started, title, "interrupted")
    except Exception as error:  # noqa: BLE001 - foreign solver code: its trouble is a status, in its own words
        return _failed(_classify(error), started, title, f"{type(error).__name__}: {error}".splitlines()[0])
    return Outcome(
        answer.status,
        answer.has_solution,
        _finite(answer.objective),
        _finite(answer.bound),
        time.perf_counter() - started,
        title,
        answer.message,
    )


def settings_of(
    backend: Backend, solver: Solver, needs: frozenset[Capability], *, lean: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Translate a `Solver` into (Pyomo's keywords, the solver's own options).

    Raises
    ------
    SolverConfigError
        If the solver has no such setting, or refuses an option.
    """
    is_lp = needs <= {Capability.LP}
    wanted: dict[str, Any] = {
        "time_limit": solver.time_limit,
        "threads": solver.threads,
        "seed": solver.seed,
        "rel_gap": None if is_lp else REL_GAP if solver.rel_gap is None else solver.rel_gap,
        "abs_gap": None if is_lp else ABS_GAP,
        "feasibility_tol": LP_FEASIBILITY if is_lp else None,
        # A violated quadratic row moves the optimum by as much, and the norm by its root.
        "mip_feasibility_tol": MIQP_FEASIBILITY if Capability.MIQP in needs else None,
    }
    keywords: dict[str, Any] = {}
    options: dict[str, Any] = dict(backend.lean()) if lean else {}
    for setting, value in wanted.items():
        if value is None:
            continue
        option = backend.settings.get(setting)
        if option is not None:
            options[option] = backend.convert.get(setting, lambda same: same)(value)
        elif not backend.legacy and setting in ("time_limit", "threads", "rel_gap", "abs_gap"):
            keywords[setting] = value
        elif setting == "seed" or (setting == "threads" and value != 1):
            raise SolverConfigError(f"{backend.title} has no {setting} setting")
    for name, value in solver.options.items():
        wrong = backend.check_option(name, value)
        if wrong is not None:
            raise SolverConfigError(f"{backend.title} option {name!r}: {wrong}")
        options[name] = value
    return keywords, options


def _failed(status: Status, started: float, title: str, message: str) -> Outcome:
    return Outcome(status, False, None, None, time.perf_counter() - started, title, message)


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) or abs(value) >= 1e20 else float(value)


def _classify(error: Exception) -> Status:
    said = str(error).lower()
    if any(word in said for word in _SIZE_WORDS):
        return Status.SIZE_LIMIT
    if any(word in said for word in _LICENSE_WORDS):
        return Status.NO_LICENSE
    return Status.SOLVER_ERROR


@contextmanager
def _quiet_pyomo() -> Iterator[None]:
    # Pyomo logs "no solution" and solver chatter as warnings; both reach the caller as a status.
    logger = logging.getLogger("pyomo")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
