"""`solve`: hand a Pyomo model to a solver; the only caller of Pyomo's solvers."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

from pyomo.environ import ConcreteModel, Objective, minimize

from pyomo_relu.deadline import Deadline
from pyomo_relu.errors import InputError, SolverUnavailableError
from pyomo_relu.solvers.adapter import Adapter
from pyomo_relu.solvers.backend import Backend, Capability, version_here
from pyomo_relu.solvers.coefficients import changed_row
from pyomo_relu.solvers.config import Solver
from pyomo_relu.solvers.options import (
    are_known,
    largest_dropped,
    options_of,
    promised_gap,
    slack_of_rows,
    time_limit_of,
)
from pyomo_relu.solvers.outcome import WITH_POINT, Outcome
from pyomo_relu.solvers.program import ProgramError, ProgramTimeoutError
from pyomo_relu.solvers.rowless import rowless_outcome
from pyomo_relu.solvers.surroundings import CtrlC, alone
from pyomo_relu.status import Status

_FAILED = (Status.NO_LICENSE, Status.SIZE_LIMIT, Status.SOLVER_ERROR)
_INFINITE = 1e20


def solve(
    model: ConcreteModel,
    solver: Solver | str | None,
    needs: frozenset[Capability],
    *,
    lean: bool = False,
    nodes: int | None = None,
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
    nodes : int, optional
        Most nodes of a branch and bound, for solvers that can be told; see ``Solver.counts_nodes``.

    Returns
    -------
    Outcome
        Trouble during the solve is its status, never an exception. There is no bound where the solver's words prove
        nothing: where it drops coefficients that matter (an optimum is then `SOLVED`), and where it has options of its
        own whose meaning is not known here. "Infeasible" is then `SOLVER_ERROR`.

    Raises
    ------
    CapabilityError, SolverConfigError, SolverUnavailableError, InputError
        Before anything is solved: a solver that cannot take the model, a bad option, no such solver
        here, a model without an objective or with a coefficient that is not a number.

    Examples
    --------
    >>> from pyomo.environ import Var, maximize
    >>> model = ConcreteModel()
    >>> model.x = Var(bounds=(0, 3))
    >>> model.objective = Objective(expr=2 * model.x, sense=maximize)
    >>> solve(model, "highs", frozenset({Capability.LP})).objective, model.x.value
    (6.0, 3.0)
    """
    return Session(model, solver, needs, lean=lean, nodes=nodes).solve()


class Session:
    """A model that is changed and solved, again and again.

    With HiGHS, a solve hands over what has changed since the one before, and starts from its basis; other
    solvers start afresh. Change the model as any Pyomo model, best its bounds, fixed variables and objective,
    and the sides of its rows: :meth:`pyomo_relu.solvers.MatrixRows.update`.

    Parameters
    ----------
    model, solver, needs, lean, nodes
        As for :func:`solve`, with the same errors; the time limit is one for all solves.

    Raises
    ------
    CapabilityError, SolverConfigError, SolverUnavailableError, InputError
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
        self,
        model: ConcreteModel,
        solver: Solver | str | None,
        needs: frozenset[Capability],
        *,
        lean: bool = False,
        nodes: int | None = None,
    ) -> None:
        _goal(model)
        self._model, self._solver = model, Solver.of(solver)
        self._deadline = Deadline.after(self._solver.time_limit)
        self._backend, self._title, self._options = prepare(self._solver, needs, lean=lean, nodes=nodes)
        self._dropped = largest_dropped(self._backend, self._options)
        self._slack = slack_of_rows(self._backend, self._options, needs)
        self._is_known = are_known(self._backend, self._solver)
        self._adapter: Adapter | None = None

    def solve(self) -> Outcome:
        """Solve the model as it is now, in place; see :func:`solve`."""
        goal, started = _goal(self._model), time.perf_counter()
        with alone(self._solver.log) as ctrl_c:
            changed = changed_row(self._model, self._dropped, self._slack)
            outcome = self._call(ctrl_c, self._solver.until(self._deadline))
        if outcome.status is Status.OPTIMAL and outcome.objective is None:
            outcome = Outcome.without_point(Status.SOLVER_ERROR, f"{outcome.message}, but without a solution")
        proves = changed is None and (self._is_known or self._backend.keeps_proofs)
        bound = self._bound(goal, outcome) if proves else None
        outcome = outcome if proves else self._without_proof(outcome, changed)
        if ctrl_c.came:
            self._adapter = None  # it may have been asked to stop
        return replace(
            outcome,
            status=Status.INTERRUPTED if ctrl_c.came else outcome.status,
            bound=bound,
            seconds=time.perf_counter() - started,
            solver=self._title,
            message=outcome.message if outcome.status in (*_FAILED, Status.SOLVED) else "",
        )

    def _call(self, ctrl_c: CtrlC, solver: Solver) -> Outcome:
        """Call the solver, and return how that ended, in its own words."""
        backend = self._backend
        try:
            known = rowless_outcome(self._model, self._slack)
            if known is not None:
                return known
            if self._adapter is None or not self._adapter.persistent:
                self._adapter = backend.adapter()
            options = {**self._options, **time_limit_of(backend, solver)}
            with ctrl_c.stops(self._adapter.cancel):
                self._adapter.run(self._model, options, seconds=solver.time_limit, log=solver.log)
            return self._adapter.report()
        except KeyboardInterrupt:
            self._adapter = None
            return Outcome.without_point(Status.INTERRUPTED, "interrupted")
        except ProgramTimeoutError as error:
            return Outcome.without_point(Status.TIME_LIMIT, str(error))
        except ProgramError as error:
            return Outcome.without_point(Status.SOLVER_ERROR, str(error))
        except Exception as error:  # noqa: BLE001 - foreign code only: its trouble is a status, told with its own words
            self._adapter = None
            said = f"{type(error).__name__}: {error}"
            meant = (status for words, status in backend.failures.items() if words in repr(error) or words in said)
            return Outcome.without_point(next(meant, Status.SOLVER_ERROR), said.strip().splitlines()[0])

    def _bound(self, goal: Any, outcome: Outcome) -> float | None:
        """Return the solver's bound, or what its word "optimal" promises; never beyond the objective itself."""
        if outcome.status not in WITH_POINT:
            return None
        sign, bound, objective = 1.0 if goal.sense == minimize else -1.0, outcome.bound, outcome.objective
        if bound is None and objective is not None and outcome.status is Status.OPTIMAL and self._is_known:
            bound = objective - sign * promised_gap(self._backend, self._options, objective)
        if bound is None or not math.isfinite(bound) or abs(bound) >= _INFINITE:
            return None
        return float(bound if objective is None else sign * min(sign * bound, sign * objective))

    def _without_proof(self, outcome: Outcome, changed: str | None) -> Outcome:
        """Return what is left of the solver's words where they prove nothing of the model."""
        who, infeasible = self._backend.title, outcome.status in (Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED)
        if changed is None:
            said = f"{who} calls the model {outcome.status}, which its own options may have brought about"
            return Outcome.without_point(Status.SOLVER_ERROR, said) if infeasible else outcome
        said = f"{who} takes coefficients of {changed} for zero that matter: bound the variables, or scale the data"
        if infeasible or outcome.status is Status.UNBOUNDED:
            return Outcome.without_point(Status.SOLVER_ERROR, said)
        if outcome.status is Status.SOLVER_ERROR:
            # So HiGHS's interface calls what it cannot prove.
            told = f"{said} ({outcome.message})" if outcome.message else said
            return Outcome.without_point(Status.SOLVER_ERROR, told)
        return replace(outcome, status=Status.SOLVED, message=said) if outcome.status is Status.OPTIMAL else outcome


def prepare(
    solver: Solver, needs: frozenset[Capability], *, lean: bool = False, nodes: int | None = None
) -> tuple[Backend, str, dict[str, Any]]:
    """Return the backend of a solve, its name with its version, and its options.

    Raises
    ------
    CapabilityError, SolverConfigError, SolverUnavailableError
        As :func:`solve`.

    Examples
    --------
    >>> backend, title, options = prepare(Solver("highs", threads=2), frozenset({Capability.LP}))
    >>> backend.name, title.startswith("HiGHS 1."), options["threads"]
    ('highs', True, 2)
    """
    backend = solver.backend(needs)
    version, reason = version_here(backend)
    if version is None:
        raise SolverUnavailableError(f"{backend.title} is {reason}; {backend.install}")
    try:
        with alone(solver.log) as ctrl_c:
            options = options_of(backend, solver, needs, lean=lean, nodes=nodes)
    except ProgramError as error:
        raise SolverUnavailableError(f"{backend.title} is broken: {error}; {backend.install}") from error
    if ctrl_c.came:
        raise KeyboardInterrupt
    return backend, f"{backend.title} {version}", options


def _goal(model: ConcreteModel) -> Any:
    goal = next(model.component_data_objects(Objective, active=True), None)
    if goal is None:
        raise InputError("the model has no active objective")
    return goal
