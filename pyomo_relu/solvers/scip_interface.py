"""`ScipRows`: Pyomo's SCIP interface, but rows are handed over from numbers, and other threads run meanwhile.

Pyomo multiplies and adds PySCIPOpt's expressions, 8 to 14 us a nonzero; a row made of a dictionary costs 0.4.
And it redirects the streams of the process, to read what SCIP prints through a pipe, in a thread that cannot run while
SCIP holds the interpreter: once the pipe is full, both would wait for ever. Here SCIP prints where it is told to.
"""

from __future__ import annotations

import datetime
import io
import time
import weakref
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any, TextIO, cast

from pyomo.common.timing import HierarchicalTimer
from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.contrib.solver.common.results import Results
from pyomo.contrib.solver.solvers.scip.scip_direct import ScipDirect
from pyomo.core.staleflag import StaleFlagManager
from pyomo.environ import ConcreteModel, SortComponents
from pyomo.repn.linear import LinearRepnVisitor
from pyomo.repn.util import VarRecorder

from pyomo_relu.pyomo_names import SCIP
from pyomo_relu.solvers.matrix_rows import MatrixRow
from pyomo_relu.solvers.solution import Solution, refuse_duals

_LIMIT = "limits/time"


class ScipRows(ScipDirect):  # type: ignore[misc]
    """SCIP for whatever Pyomo's ``scip_direct`` takes; linear rows are handed over from numbers.

    With ``tee`` its log goes there and into ``results.solver_log``, and no other thread of Python runs meanwhile.

    Raises
    ------
    InputError
        From `solve`, if the model asks for duals or reduced costs.

    Examples
    --------
    >>> from pyomo.environ import ConcreteModel, Constraint, Objective, Var
    >>> model = ConcreteModel()
    >>> model.x = Var(bounds=(0, 3))
    >>> model.row = Constraint(expr=2 * model.x >= 1)
    >>> model.objective = Objective(expr=model.x)
    >>> ScipRows().solve(model).incumbent_objective
    0.5
    """

    name = SCIP

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # Pyomo's refers back: SCIP would be freed by the garbage collector only, which does not know how large it is.
        self._expr_visitor.solver = weakref.proxy(self)

    def solve(self, model: ConcreteModel, **settings: Any) -> Results:
        """Solve `model`; keywords as in Pyomo's ``scip_direct``."""
        refuse_duals(model, "SCIP", "solve it with pyomo_relu_highs")
        started, clock = datetime.datetime.now(datetime.UTC), time.perf_counter()
        config = self.config(value=settings, preserve_implicit=True)
        timer = config.timer = config.timer or HierarchicalTimer()
        StaleFlagManager.mark_all_as_stale()
        scip, _, has_objective = self._create_solver_model(model, config)
        if config.warmstart_discrete_vars:
            self._mipstart()
        for name, amount in _options(config).items():
            scip.setParam(name, amount)
        if scip.getParam(_LIMIT) < scip.infinity():
            # The model has been written since the clock was started.
            scip.setParam(_LIMIT, max(0.0, scip.getParam(_LIMIT) - (time.perf_counter() - clock)))
        timer.start("optimize")
        log = _run(scip, config.tee)
        timer.stop("optimize")
        columns, best = self._pyomo_var_to_solver_var_map, scip.getBestSol() if scip.getNSols() else None
        values = None if best is None else [best[column] for column in columns.values()]
        found = Solution(model, list(columns), values)
        results = self._populate_results(scip, found, has_objective, config)
        results.solver_log = log
        results.timing_info.start_timestamp = started
        results.timing_info.wall_time = time.perf_counter() - clock
        results.timing_info.timer = timer
        return results

    def _create_solver_model(self, model: Any, config: Any) -> Any:
        self._terms: dict[int, Any] = {}
        self._linear = LinearRepnVisitor({}, var_recorder=VarRecorder({}, SortComponents.UNSORTED))
        return super()._create_solver_model(model, config)

    def _add_constraint(self, con: Any) -> None:
        if isinstance(con, MatrixRow) and not con.has_own_expression:
            low, coefficients, variables, high = con.numbers()
        else:
            low, body, high = con.to_bounded_expression(evaluate_bounds=True)
            found = self._linear.walk_expression(body)
            if found.nonlinear is not None or not found.linear:
                super()._add_constraint(con)
                return
            coefficients = list(found.linear.values())
            variables = [self._linear.var_map[variable] for variable in found.linear]
            low, high = (None if side is None else side - found.constant for side in (low, high))
        self._pyomo_con_to_solver_con_map[con] = self._add_row(low, coefficients, variables, high)

    def _add_row(self, low: float | None, coefficients: list[float], variables: list[Any], high: float | None) -> Any:
        from pyscipopt.scip import Expr, ExprCons

        row = dict(zip(map(self._term, variables), coefficients, strict=True))
        return self._solver_model.addCons(ExprCons(Expr(row), low, high))

    def _term(self, variable: Any) -> Any:
        """Return what stands for a variable in PySCIPOpt's expressions; it is made once."""
        term = self._terms.get(id(variable))
        if term is None:
            from pyscipopt.scip import Term

            column = self._pyomo_var_to_solver_var_map.get(variable)
            self._terms[id(variable)] = term = Term(self._add_var(variable) if column is None else column)
        return term


def _options(config: Any) -> dict[str, Any]:
    named = {
        "lp/threads": config.threads,
        _LIMIT: config.time_limit,
        "limits/gap": config.rel_gap,
        "limits/absgap": config.abs_gap,
    }
    return {name: amount for name, amount in named.items() if amount is not None} | dict(config.solver_options)


def _run(scip: Any, streams: Sequence[TextIO]) -> str:
    """Solve, and return the log where there are streams for it."""
    if not streams:
        scip.hideOutput()
        scip.optimizeNogil()
        return ""
    # PySCIPOpt's messages go to Python's standard output, for which they need the interpreter.
    log = io.StringIO()
    scip.redirectOutput()
    with redirect_stdout(cast("TextIO", _Several(log, *streams))):
        scip.optimize()
    return log.getvalue()


class _Several:
    """Streams that are written to at once."""

    def __init__(self, *streams: TextIO) -> None:
        self._streams = streams

    def write(self, text: str) -> int:
        for stream in self._streams:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        for stream in self._streams:
            stream.flush()


SolverFactory.register(SCIP, doc="SCIP, handed rows as numbers")(ScipRows)
