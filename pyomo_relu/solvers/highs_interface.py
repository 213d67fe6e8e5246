"""`HighsDirect`: HiGHS as a ``pyomo.contrib.solver`` interface that hands a model over as arrays.

Pyomo's own ``highs`` writes every nonzero as an object, which costs several times what HiGHS takes to solve a
dense LP. Called again with the same model, this one passes on what has changed, and HiGHS starts from its last basis.
"""

from __future__ import annotations

import datetime
import io
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import highspy
import numpy as np
from pyomo.common.config import ConfigValue
from pyomo.common.timing import HierarchicalTimer
from pyomo.contrib.solver.common.base import Availability, SolverBase
from pyomo.contrib.solver.common.config import BranchAndBoundConfig
from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.contrib.solver.common.results import Results, SolutionStatus, TerminationCondition
from pyomo.contrib.solver.common.util import (
    NoFeasibleSolutionError,
    NoOptimalSolutionError,
)
from pyomo.core.staleflag import StaleFlagManager
from pyomo.environ import ConcreteModel

from pyomo_relu.errors import SolverConfigError
from pyomo_relu.pyomo_names import HIGHS
from pyomo_relu.solvers.coefficients import REACH, changed_rows
from pyomo_relu.solvers.linear_form import LinearForm, linear_form
from pyomo_relu.solvers.quiet_highs import QuietHighs
from pyomo_relu.solvers.solution import Solution, refuse_duals

_ENDED = highspy.HighsModelStatus
_TERMINATION = {
    _ENDED.kOptimal: TerminationCondition.convergenceCriteriaSatisfied,
    _ENDED.kModelEmpty: TerminationCondition.convergenceCriteriaSatisfied,
    _ENDED.kInfeasible: TerminationCondition.provenInfeasible,
    _ENDED.kUnbounded: TerminationCondition.unbounded,
    _ENDED.kUnboundedOrInfeasible: TerminationCondition.infeasibleOrUnbounded,
    _ENDED.kTimeLimit: TerminationCondition.maxTimeLimit,
    _ENDED.kIterationLimit: TerminationCondition.iterationLimit,
    _ENDED.kSolutionLimit: TerminationCondition.iterationLimit,
    _ENDED.kObjectiveBound: TerminationCondition.objectiveLimit,
    _ENDED.kObjectiveTarget: TerminationCondition.objectiveLimit,
    _ENDED.kInterrupt: TerminationCondition.interrupted,
}
_NO_PROOF = (
    TerminationCondition.provenInfeasible,
    TerminationCondition.unbounded,
    TerminationCondition.infeasibleOrUnbounded,
)
_LOST = (_ENDED.kNotset, _ENDED.kUnknown, _ENDED.kSolveError, _ENDED.kPostsolveError)
_FEASIBLE = 2

LONG_ROWS = 250
"""Nonzeros a row, on average, from which IPX was measured to be faster than dual simplex."""


class HighsDirect(SolverBase):  # type: ignore[misc]
    """HiGHS for LPs, MILPs and LPs with a convex quadratic objective.

    The solver's log goes to the streams of ``tee`` and into ``results.solver_log``. ``warmstart_discrete_vars``
    starts a MILP from the values that the variables have. Options are HiGHS's own; they hold for one call.
    Where HiGHS drops a coefficient that matters (``small_matrix_value``), it proves nothing: there is no bound, and no
    infeasible model.

    Attributes
    ----------
    begun : bool
        Whether HiGHS has begun with the model of the last call.

    Raises
    ------
    SolverConfigError
        From `solve`, if HiGHS does not take an option or its value.
    InputError
        From `solve`, if the model is not of these kinds, or asks for duals of a MILP.

    Examples
    --------
    >>> from pyomo.environ import Constraint, Objective, Var
    >>> model = ConcreteModel()
    >>> model.x = Var(bounds=(0, 3))
    >>> model.row = Constraint(expr=2 * model.x >= 1)
    >>> model.objective = Objective(expr=model.x)
    >>> results = HighsDirect().solve(model)
    >>> results.incumbent_objective, results.solution_loader.get_duals()[model.row]
    (0.5, 0.5)
    """

    name = HIGHS
    CONFIG = BranchAndBoundConfig()
    CONFIG.declare("warmstart_discrete_vars", ConfigValue(default=False, domain=bool))

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._solver_model: Any = None
        self._form: LinearForm | None = None
        self._dropped = math.nan
        self.begun = False

    def available(self) -> Availability:
        """Return that HiGHS is here: it is installed with the package."""
        return Availability.FullLicense

    def version(self) -> tuple[int, int, int]:
        """Return HiGHS's version."""
        return highspy.HIGHS_VERSION_MAJOR, highspy.HIGHS_VERSION_MINOR, highspy.HIGHS_VERSION_PATCH

    def is_persistent(self) -> bool:
        """Return that a second call with the same model goes on from the first."""
        return True

    def solve(self, model: ConcreteModel, **settings: Any) -> Results:
        """Solve `model`; keywords as in Pyomo's ``BranchAndBoundConfig``."""
        self.begun = False
        started, clock = datetime.datetime.now(datetime.UTC), time.perf_counter()
        config = self.config(value=settings, preserve_implicit=True)
        timer = config.timer = config.timer or HierarchicalTimer()
        StaleFlagManager.mark_all_as_stale()
        timer.start("compile")
        form = linear_form(model)
        timer.stop("compile")
        if form.integer.any():
            refuse_duals(model, "HiGHS with integer variables", "relax or fix those")
        timer.start("hand over")
        self._start_highs()
        # Before the model: small_matrix_value says what of it HiGHS is to keep.
        self._set_options(config, time.perf_counter() - clock)
        warm = self._hand_over(form)
        self._form = form
        if "solver" not in config.solver_options:
            self._solver_model.setOptionValue("solver", algorithm(form, warm))
        if config.warmstart_discrete_vars:
            self._start_from(form.columns)
        timer.stop("hand over")
        timer.start("optimize")
        log = self._run(config)
        if warm and self._solver_model.getModelStatus() in _LOST:
            # From some bases HiGHS gives up an LP that it solves from nothing.
            self._solver_model.clearSolver()
            log += self._run(config)
        timer.stop("optimize")
        results = self._results(model, form)
        results.solver_config, results.solver_log = config, log
        if config.raise_exception_on_nonoptimal_result and results.solution_status != SolutionStatus.optimal:
            raise NoOptimalSolutionError
        if config.load_solutions:
            if results.solution_status == SolutionStatus.noSolution:
                raise NoFeasibleSolutionError
            results.solution_loader.load_solution()
        results.timing_info.start_timestamp = started
        results.timing_info.wall_time = time.perf_counter() - clock
        results.timing_info.timer = timer
        return results

    def _start_highs(self) -> None:
        if self._solver_model is None:
            self._solver_model = QuietHighs()

    def _hand_over(self, form: LinearForm) -> bool:
        """Pass what HiGHS does not have yet; return whether it has a basis to start from."""
        highs, before, dropped_before = self._solver_model, self._form, self._dropped
        self._form, self._dropped = None, highs.getOptionValue("small_matrix_value")[1]
        if before is None or not before.starts(form):
            _pass(highs, form)
            return False
        basis = highs.getBasis()
        if before.same_matrix(form) and self._dropped == dropped_before:
            _change(highs, form)
        else:
            _pass(highs, form)
            if basis.valid:
                highs.setBasis(basis)
        return bool(basis.valid)

    def _set_options(self, config: Any, spent: float) -> None:
        highs = self._solver_model
        highs.resetOptions()
        options = {
            "output_flag": False,
            "log_to_console": False,
            "threads": config.threads,
            "mip_rel_gap": config.rel_gap,
            "mip_abs_gap": config.abs_gap,
            "time_limit": config.time_limit,
        }
        options |= config.solver_options
        if options["threads"] is not None:
            # HiGHS keeps those that this Python thread solved with before, whoever asked for them, and refuses to
            # solve with another number.
            highspy.Highs.resetGlobalScheduler(True)
        if options["time_limit"] is not None:
            # HiGHS counts from its first solve, and does not count what it took to write the model.
            options["time_limit"] = max(0.0, options["time_limit"] - spent) + highs.getRunTime()
        for name, amount in options.items():
            if amount is None:
                continue
            try:
                taken = highs.setOptionValue(name, amount)
            except TypeError:
                taken = highspy.HighsStatus.kError
            if taken == highspy.HighsStatus.kError:
                raise SolverConfigError(f"HiGHS option {name!r}: value {amount!r} is refused")

    def _start_from(self, columns: Sequence[Any]) -> None:
        known = [(i, float(v.value)) for i, v in enumerate(columns) if v.value is not None]
        places, values = np.array([i for i, _ in known], dtype=np.int32), np.array([v for _, v in known])
        self._solver_model.setSolution(len(known), places, values)

    def _run(self, config: Any) -> str:
        """Solve, and return the log where one was asked for."""
        self.begun = True
        if not config.tee:
            self._solver_model.run()
            return ""
        log = io.StringIO()
        with _printing(self._solver_model, log, *config.tee):
            self._solver_model.run()
        return log.getvalue()

    def _results(self, model: ConcreteModel, form: LinearForm) -> Results:
        highs, results = self._solver_model, Results()
        ended, info = highs.getModelStatus(), highs.getInfo()
        results.solver_name, results.solver_version = self.name, self.version()
        if ended == _ENDED.kModelEmpty and _is_contradiction(form, highs):
            ended = _ENDED.kInfeasible
        results.termination_condition = _TERMINATION.get(ended, TerminationCondition.unknown)
        optimal = ended in (_ENDED.kOptimal, _ENDED.kModelEmpty)
        found = optimal or info.primal_solution_status == _FEASIBLE
        if found:
            results.solution_status = SolutionStatus.optimal if optimal else SolutionStatus.feasible
            results.incumbent_objective = info.objective_function_value if form.columns else form.offset
        if form.integer.any():
            results.objective_bound = info.mip_dual_bound
        elif optimal:
            results.objective_bound = results.incumbent_objective
        if self._has_changed(form):
            results.objective_bound = None
            if results.termination_condition in _NO_PROOF:
                results.termination_condition = TerminationCondition.unknown
        results.solution_loader = _solution(model, form, highs.getSolution(), found)
        return results

    def _has_changed(self, form: LinearForm) -> bool:
        """Whether HiGHS has dropped coefficients that may move a row by more than it lets rows be missed."""
        of_rows = "mip_feasibility_tolerance" if form.integer.any() else "primal_feasibility_tolerance"
        slack = self._solver_model.getOptionValue(of_rows)[1]
        low, high = (np.where(np.isfinite(sides), np.abs(sides), REACH) for sides in (form.lower, form.upper))
        rows = changed_rows(form.matrix, lambda j: np.maximum(low[j], high[j]), self._dropped, slack)
        return bool((np.isfinite(form.row_lower[rows]) | np.isfinite(form.row_upper[rows])).any())


def _solution(model: ConcreteModel, form: LinearForm, solution: Any, found: bool) -> Solution:
    values = solution.col_value if found else None
    if not solution.dual_valid:
        return Solution(model, form.columns, values)
    return Solution(model, form.columns, values, solution.col_dual, form.rows, solution.row_dual)


def algorithm(form: LinearForm, warm: bool) -> str:
    """Return what HiGHS is to solve `form` by: see "The cost of Pyomo" in ``docs/performance.md``.

    From a basis, and for short rows, simplex; for long ones IPX, an interior point method with crossover, so
    that its solution is a vertex too.
    """
    rows = form.matrix.shape[0]
    if form.integer.any() or form.hessian is not None:
        return "choose"
    return "ipx" if not warm and form.matrix.nnz >= LONG_ROWS * rows > 0 else "simplex"


def _pass(highs: Any, form: LinearForm) -> None:
    """Give HiGHS a whole model.

    Raises
    ------
    RuntimeError
        If HiGHS refuses it, with its words.
    """

    def hold() -> Any:
        return highs.hold(
            form.matrix,
            (form.row_lower, form.row_upper),
            (form.lower, form.upper),
            form.cost,
            offset=form.offset,
            maximise=form.maximise,
            integer=form.integer,
        )

    if hold() == highspy.HighsStatus.kError:
        said = io.StringIO()
        with _printing(highs, said):
            hold()
        errors = (line.removeprefix("ERROR:").strip() for line in said.getvalue().splitlines() if "ERROR" in line)
        raise RuntimeError(f"HiGHS refuses the model: {next(errors, 'it does not say why')}")
    if form.hessian is not None:
        q = form.hessian
        highs.passHessian(q.shape[0], q.nnz, int(highspy.HessianFormat.kTriangular), q.indptr, q.indices, q.data)


@contextmanager
def _printing(highs: Any, *streams: Any) -> Iterator[None]:
    """Let HiGHS print to streams for the time of the block."""

    def write(event: Any) -> None:
        for stream in streams:
            stream.write(event.message)

    highs.setOptionValue("output_flag", True)
    highs.cbLogging += write
    try:
        yield
    finally:
        highs.cbLogging -= write
        highs.setOptionValue("output_flag", False)


def _change(highs: Any, form: LinearForm) -> None:
    """Give HiGHS all but the matrix, which it has."""
    m, n = form.matrix.shape
    rows, columns = np.arange(m, dtype=np.int32), np.arange(n, dtype=np.int32)
    highs.changeRowsBounds(m, rows, form.row_lower, form.row_upper)
    highs.changeColsBounds(n, columns, form.lower, form.upper)
    highs.changeColsCost(n, columns, form.cost)
    highs.changeObjectiveOffset(form.offset)
    highs.changeObjectiveSense(highspy.ObjSense.kMaximize if form.maximise else highspy.ObjSense.kMinimize)


def _is_contradiction(form: LinearForm, highs: Any) -> bool:
    """Whether a row fails by itself where there are no columns: HiGHS does not look at such rows."""
    tolerance = highs.getOptionValue("primal_feasibility_tolerance")[1]
    return bool((form.row_lower > tolerance).any() or (form.row_upper < -tolerance).any())


SolverFactory.register(HIGHS, doc="HiGHS, handed whole models as arrays")(HighsDirect)
