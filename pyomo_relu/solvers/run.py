"""`solve`: hand a Pyomo model to a solver; the only caller of Pyomo's solvers."""

from __future__ import annotations

import logging
import math
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from pyomo.common.gc_manager import PauseGC
from pyomo.common.tee import capture_output
from pyomo.environ import ConcreteModel, Objective, minimize, value

from pyomo_relu.errors import InputError, SolverConfigError, SolverUnavailableError
from pyomo_relu.solvers import direct, legacy
from pyomo_relu.solvers.answer import Answer
from pyomo_relu.solvers.backend import Backend, Capability
from pyomo_relu.solvers.config import Solver
from pyomo_relu.solvers.outcome import Outcome
from pyomo_relu.status import Status

REL_GAP = 1e-6
"""Relative gap of MILPs where `Solver` gives none."""

ABS_GAP = 1e-7
"""Absolute gap of MILPs."""

ABS_GAP_OF_SQUARES = 1e-12
LP_FEASIBILITY = 1e-9
# Ten times tighter, and SCIP stalls: 14 s instead of 0.2 s for a 3-8-20 network.
MIQP_FEASIBILITY = 1e-8

_WITH_POINT = (Status.OPTIMAL, Status.TIME_LIMIT, Status.LIMIT, Status.INTERRUPTED)
_FAILED = (Status.NO_LICENSE, Status.SIZE_LIMIT, Status.SOLVER_ERROR)
_INFINITE = 1e20
# Pyomo's way of catching what solvers print is for one solve at a time: others would wait for ever.
_ONE_AT_A_TIME = threading.Lock()


def solve(
    model: ConcreteModel, solver: Solver | str | None, needs: frozenset[Capability], *, lean: bool = False
) -> Outcome:
    """Solve `model` in place; from several threads, one at a time.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
        Its variables receive the solution, or the incumbent at a limit. One that is in no constraint
        and not in the objective is left as it is.
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
    CapabilityError, SolverConfigError, SolverUnavailableError, InputError
        Before anything is solved: a solver that cannot take the model, a bad option, no such solver
        here, a model without an objective.

    Examples
    --------
    >>> from pyomo.environ import Var, maximize
    >>> model = ConcreteModel()
    >>> model.x = Var(bounds=(0, 3))
    >>> model.objective = Objective(expr=2 * model.x, sense=maximize)
    >>> solve(model, "highs", frozenset({Capability.LP})).objective, model.x.value
    (6.0, 3.0)
    """
    return Session(model, solver, needs, lean=lean).solve()


class Session:
    """A model that is changed and solved, again and again.

    With HiGHS, a solve hands over what has changed since the one before, and starts from its basis; other
    solvers start afresh. Change the model as any Pyomo model, best its bounds, fixed variables and objective,
    and the sides of its rows: :meth:`pyomo_relu.solvers.MatrixRows.update`.

    Parameters
    ----------
    model, solver, needs, lean
        As for :func:`solve`, with the same errors.

    Raises
    ------
    CapabilityError, SolverConfigError, SolverUnavailableError
        As :func:`solve`.

    Examples
    --------
    >>> from pyomo.environ import Constraint, Var
    >>> model = ConcreteModel()
    >>> model.x = Var(bounds=(0, 3))
    >>> model.objective = Objective(expr=model.x)
    >>> session = Session(model, "highs", frozenset({Capability.LP}))
    >>> for least in (1.0, 2.0):
    ...     model.x.setlb(least)
    ...     print(session.solve().objective)
    1.0
    2.0
    """

    def __init__(
        self, model: ConcreteModel, solver: Solver | str | None, needs: frozenset[Capability], *, lean: bool = False
    ) -> None:
        _goal(model)
        self._model, self._solver = model, Solver.of(solver)
        self._backend = self._solver.backend(needs)
        version = self._backend.version()
        if version is None:
            raise SolverUnavailableError(f"{self._backend.title} is not installed; {self._backend.install}")
        self._title = f"{self._backend.title} {version}"
        with _ONE_AT_A_TIME, _CtrlC() as ctrl_c, _quiet(self._solver.log):
            self._options = options_of(self._backend, self._solver, needs, lean=lean)
        if ctrl_c.came:
            raise KeyboardInterrupt
        self._interface: Any = None

    def solve(self) -> Outcome:
        """Solve the model as it is now, in place; see :func:`solve`."""
        backend, options, log = self._backend, self._options, self._solver.log
        goal = _goal(self._model)
        with _ONE_AT_A_TIME, _CtrlC() as ctrl_c, PauseGC(), _quiet(log):
            started = time.perf_counter()
            answer = self._answer(ctrl_c)
            objective = _load(goal, answer)
            if answer.status is Status.OPTIMAL and objective is None:
                answer = _failed(Status.SOLVER_ERROR, f"{answer.message}, but without a solution")
            bound = _bound(goal, answer, objective, _promised_gap(backend, options, objective))
        if ctrl_c.came:
            self._interface = None  # it may have been asked to stop
        return Outcome(
            Status.INTERRUPTED if ctrl_c.came else answer.status,
            objective is not None,
            objective,
            bound,
            time.perf_counter() - started,
            self._title,
            answer.message if answer.status in _FAILED else "",
        )

    def _answer(self, ctrl_c: _CtrlC) -> Answer:
        backend = self._backend
        adapter = legacy if backend.legacy else direct
        try:
            backend.prepare()
            if self._interface is None or not backend.persistent:
                self._interface = adapter.create(backend)
            with ctrl_c.stops(backend, self._interface):
                results = adapter.call(self._interface, self._model, self._options, self._solver.log)
        except KeyboardInterrupt:
            self._interface = None
            return _failed(Status.INTERRUPTED, "interrupted")
        except Exception as error:  # noqa: BLE001 - foreign code only: its trouble is a status, told with its own words
            self._interface = None
            said = f"{type(error).__name__}: {error}"
            meant = (status for words, status in backend.failures.items() if words in repr(error) or words in said)
            return _failed(next(meant, Status.SOLVER_ERROR), said.strip().splitlines()[0])
        answer: Answer = adapter.read(backend, self._interface, self._model, results)
        return answer


def _goal(model: ConcreteModel) -> Any:
    goal = next(model.component_data_objects(Objective, active=True), None)
    if goal is None:
        raise InputError("the model has no active objective")
    return goal


def options_of(backend: Backend, solver: Solver, needs: frozenset[Capability], *, lean: bool = False) -> dict[str, Any]:
    """Translate a `Solver` into the solver's own options.

    Raises
    ------
    SolverConfigError
        If the solver has no such setting, or refuses an option.
    """
    is_lp = needs <= {Capability.LP}
    given = {
        "time_limit": solver.time_limit,
        "threads": solver.threads,
        "seed": solver.seed,
        "rel_gap": None if is_lp else solver.rel_gap,
    }
    promised = {
        "rel_gap": None if is_lp else REL_GAP,
        "abs_gap": None if is_lp else ABS_GAP if Capability.MIQP not in needs else ABS_GAP_OF_SQUARES,
        "feasibility_tol": LP_FEASIBILITY if is_lp else None,
        # A violated quadratic row moves the optimum by as much, and the norm by its root.
        "mip_feasibility_tol": MIQP_FEASIBILITY if Capability.MIQP in needs else None,
    }
    options = {**backend.defaults, **({} if solver.log else backend.quiet), **(backend.lean() if lean else {})}
    options |= {backend.settings[name]: v for name, v in promised.items() if v is not None and name in backend.settings}
    asked: dict[str, Any] = {}
    for setting, amount in given.items():
        if amount is None:
            continue
        if setting in backend.settings:
            convert = backend.convert.get(setting)
            asked[backend.settings[setting]] = amount if convert is None else convert(amount)
        elif setting == "seed" or (setting == "threads" and amount != 1):
            raise SolverConfigError(f"{backend.title} has no {setting} setting")
    for name, amount in solver.options.items():
        for setting, option in backend.settings.items():
            if option.lower() == name.lower() and setting in given:
                raise SolverConfigError(f"{backend.title} option {name!r}: give {setting} instead")
        asked[name] = amount
    for name, amount in asked.items():
        wrong = backend.check_option(name, amount)
        if wrong is not None:
            raise SolverConfigError(f"{backend.title} option {name!r}: {wrong}")
    return options | asked


def _failed(status: Status, message: str) -> Answer:
    return Answer(status, False, lambda: None, None, None, message)


def _load(goal: Any, answer: Answer) -> float | None:
    """Load the solution where there is one, and return its objective; one that is not finite is none."""
    if answer.status not in _WITH_POINT or not answer.has_solution:
        return None
    answer.load()
    objective = value(goal, exception=False) if answer.objective is None else answer.objective
    return None if objective is None or not math.isfinite(objective) else float(objective)


def _bound(goal: Any, answer: Answer, objective: float | None, gap: float) -> float | None:
    """Return the solver's bound, or what its word "optimal" promises; never beyond the objective itself."""
    if answer.status not in _WITH_POINT:
        return None
    sign = 1.0 if goal.sense == minimize else -1.0
    bound = answer.bound
    if bound is None and objective is not None and answer.status is Status.OPTIMAL:
        bound = objective - sign * gap
    if bound is None or not math.isfinite(bound) or abs(bound) >= _INFINITE:
        return None
    return float(bound if objective is None else sign * min(sign * bound, sign * objective))


def _promised_gap(backend: Backend, options: Mapping[str, Any], objective: float | None) -> float:
    """Return how far from the optimum a solver may stop and call it one; the gap may be relative to the bound."""
    absolute, relative = (float(options.get(backend.settings.get(gap, ""), 0.0)) for gap in ("abs_gap", "rel_gap"))
    if objective is None or relative >= 1.0:
        return math.inf
    return max(absolute, relative / (1.0 - relative) * abs(objective))


@contextmanager
def _quiet(log: bool) -> Iterator[None]:
    """Keep warnings, and without a log all other chatter, from the terminal: what matters is in the status."""
    logger = logging.getLogger("pyomo")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), nullcontext() if log else capture_output(capture_fd=True):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


class _CtrlC:
    """Ctrl-C for the time of a solve: it waits for Pyomo, which swallows it while it redirects streams.

    While the solver runs, it asks that to stop, so that the incumbent is kept; a second one interrupts for good.

    Attributes
    ----------
    came : bool
        Whether it was pressed; the caller is to say so.
    """

    def __init__(self) -> None:
        self.came = False
        self._before: Any = None
        self._stop: Any = None

    def __enter__(self) -> _CtrlC:
        before = signal.getsignal(signal.SIGINT)
        if callable(before) and threading.current_thread() is threading.main_thread():
            self._before = before
            signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def stops(self, backend: Backend, interface: Any) -> Iterator[None]:
        """Let it stop the solver for the time of the block."""
        if self.came:
            raise KeyboardInterrupt
        cancel = backend.cancel
        self._stop = self._before if cancel is None else lambda *_: cancel(interface)
        try:
            yield
        finally:
            self._stop = None

    def _take(self, number: int, frame: Any) -> None:
        again, self.came = self.came, True
        if self._stop is not None:
            (self._before if again else self._stop)(number, frame)
