"""`Adapter`: what runs a solver, stops it, and reports how it ended. One for each kind of interface that Pyomo has."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

from pyomo.common.tempfiles import TempfileManager
from pyomo.contrib.solver.common.results import SolutionStatus
from pyomo.contrib.solver.common.results import TerminationCondition as Ended
from pyomo.core.expr.visitor import identify_variables
from pyomo.environ import ConcreteModel, Objective, value
from pyomo.opt import SolverStatus
from pyomo.opt import TerminationCondition as LegacyEnded

from pyomo_relu.solvers.matrix_rows import constraints
from pyomo_relu.solvers.outcome import WITH_POINT, Outcome
from pyomo_relu.solvers.solution import clear_duals
from pyomo_relu.status import Status

_STATUS = {
    Ended.convergenceCriteriaSatisfied: Status.OPTIMAL,
    Ended.maxTimeLimit: Status.TIME_LIMIT,
    Ended.iterationLimit: Status.LIMIT,
    Ended.objectiveLimit: Status.LIMIT,
    Ended.unbounded: Status.UNBOUNDED,
    Ended.provenInfeasible: Status.INFEASIBLE,
    Ended.infeasibleOrUnbounded: Status.INFEASIBLE_OR_UNBOUNDED,
    Ended.interrupted: Status.INTERRUPTED,
    Ended.licensingProblems: Status.NO_LICENSE,
    LegacyEnded.optimal: Status.OPTIMAL,
    LegacyEnded.globallyOptimal: Status.OPTIMAL,
    LegacyEnded.maxTimeLimit: Status.TIME_LIMIT,
    LegacyEnded.maxIterations: Status.LIMIT,
    LegacyEnded.maxEvaluations: Status.LIMIT,
    LegacyEnded.resourceInterrupt: Status.LIMIT,
    LegacyEnded.infeasible: Status.INFEASIBLE,
    LegacyEnded.unbounded: Status.UNBOUNDED,
    LegacyEnded.infeasibleOrUnbounded: Status.INFEASIBLE_OR_UNBOUNDED,
    LegacyEnded.userInterrupt: Status.INTERRUPTED,
    LegacyEnded.licensingProblems: Status.NO_LICENSE,
}


def _as_read(_: Any, read: Outcome) -> Outcome:
    return read


class Adapter(ABC):
    """A solver behind an interface of Pyomo's: it runs, can be asked to stop, and reports in one `Outcome`.

    Parameters
    ----------
    interface : object
        Pyomo's, to one solver.
    corrected : callable
        ``(interface, read) -> Outcome``: an `Outcome` as Pyomo has it, put right where Pyomo is wrong or says nothing.
    cancel : callable, optional
        Asks a running interface to stop, where the solver does not hear Ctrl-C by itself.
    persistent : bool
        Whether the interface, called again, passes on what has changed and starts from where it ended.

    Attributes
    ----------
    cancel : callable or None
        Asks the solver to stop.

    Examples
    --------
    >>> from pyomo.contrib.solver.common.factory import SolverFactory
    >>> from pyomo.environ import Var
    >>> model = ConcreteModel()
    >>> model.x = Var(bounds=(1, 3))
    >>> model.objective = Objective(expr=2 * model.x)
    >>> adapter = Contrib(SolverFactory("pyomo_relu_highs"))
    >>> adapter.run(model, {}, seconds=None, log=False)
    >>> adapter.report().objective, model.x.value
    (2.0, 1.0)
    """

    def __init__(
        self,
        interface: Any,
        *,
        corrected: Callable[[Any, Outcome], Outcome] = _as_read,
        cancel: Callable[[Any], None] | None = None,
        persistent: bool = False,
    ) -> None:
        self.interface, self.persistent = interface, persistent
        self.cancel: Callable[[], None] | None = None if cancel is None else partial(cancel, interface)
        self._corrected = corrected
        self._model: Any = None
        self._results: Any = None

    def run(self, model: ConcreteModel, options: Mapping[str, Any], *, seconds: float | None, log: bool) -> None:
        """Solve; `options` are the solver's own, and hold the limit of `seconds` too where there is such an option."""
        self._model = model
        self._results = self._run(options, seconds, log)

    def report(self) -> Outcome:
        """Tell how the last run ended, and load the point that it found; one without a finite objective is none."""
        found = self._corrected(self.interface, self._read())
        objective = None
        if found.has_solution and found.status in WITH_POINT:
            self._load(found)
            objective = found.objective
            if objective is None:
                goal = next(self._model.component_data_objects(Objective, active=True))
                objective = value(goal, exception=False)
        if objective is None or not math.isfinite(objective):
            return replace(found, has_solution=False, objective=None)
        return replace(found, objective=float(objective))

    @abstractmethod
    def _run(self, options: Mapping[str, Any], seconds: float | None, log: bool) -> Any:
        """Solve the model, and return Pyomo's results."""

    @abstractmethod
    def _read(self) -> Outcome:
        """Return how it ended, as Pyomo has it."""

    @abstractmethod
    def _load(self, found: Outcome) -> None:
        """Give the model's variables their values."""


class Contrib(Adapter):
    """A solver behind one of Pyomo's newer interfaces, which ``pyomo.contrib.solver`` holds."""

    def _run(self, options: Mapping[str, Any], seconds: float | None, log: bool) -> Any:
        clear_duals(self._model)
        return self.interface.solve(
            self._model,
            tee=log,
            load_solutions=False,
            raise_exception_on_nonoptimal_result=False,
            solver_options=options,
        )

    def _read(self) -> Outcome:
        results, ended = self._results, self._results.termination_condition
        return Outcome(
            _STATUS.get(ended, Status.SOLVER_ERROR),
            results.solution_status in (SolutionStatus.optimal, SolutionStatus.feasible),
            results.incumbent_objective,
            results.objective_bound,
            message=f"ended with {ended.name}",
        )

    def _load(self, found: Outcome) -> None:
        self._results.solution_loader.load_vars()
        if found.status is Status.OPTIMAL:  # what an incumbent has are no duals
            self._results.solution_loader.load_import_suffixes()


class Legacy(Adapter):
    """A solver behind one of Pyomo's older interfaces, which ``SolverFactory`` makes.

    The bounds in Pyomo's results are left alone: they are rounded, or of the wrong sign, or no bounds.
    """

    def _run(self, options: Mapping[str, Any], seconds: float | None, log: bool) -> Any:
        """Solve; the files go with it, as they would not after an interrupt."""
        usual = TempfileManager.tempdir
        # The manager too: after trouble Pyomo leaves its notes of files in there.
        with (
            TemporaryDirectory(prefix="pyomo-relu-", dir=usual, ignore_cleanup_errors=True) as folder,
            TempfileManager,
        ):
            TempfileManager.tempdir = folder
            try:
                return self.interface.solve(self._model, tee=log, load_solutions=False, options=options)
            finally:
                TempfileManager.tempdir = usual

    def _read(self) -> Outcome:
        results, ended = self._results, self._results.solver.termination_condition
        # A solution without values is none: Pyomo reads past those of CBC where CBC has dropped all rows.
        found = len(results.solution) > 0 and len(results.solution(0).variable) > 0
        return Outcome(_STATUS.get(ended, Status.SOLVER_ERROR), found, None, None, message=f"ended with {ended}")

    def _load(self, found: Outcome) -> None:
        self._results.solver.status = SolverStatus.ok  # Pyomo loads nothing where it has no word for the status
        self._model.solutions.load_from(self._results)
        _give_the_rest_a_value(self._model)


def _give_the_rest_a_value(model: ConcreteModel) -> None:
    """Put into its range what has coefficients of zero only: files, and so their answers, do not mention it."""
    mentioned = [goal.expr for goal in model.component_data_objects(Objective, active=True)]
    variables: list[Any] = []
    for matrix, rows in constraints(model):
        variables += [] if matrix is None else matrix.variables
        mentioned += [row.body for row in rows]
    for expression in mentioned:
        variables += identify_variables(expression)
    for variable in variables:
        if variable.stale and not variable.fixed:
            low, high = (0.0 if side is None else side for side in variable.bounds)
            nearest = low if low > 0.0 else min(0.0, high)
            if variable.is_integer():
                nearest = math.ceil(nearest) if low > 0.0 else math.floor(nearest)
            variable.set_value(nearest, skip_validation=True)
