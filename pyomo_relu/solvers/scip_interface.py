"""`ScipRows`: Pyomo's SCIP interface, but rows are handed over from numbers, and other threads run meanwhile.

Pyomo multiplies and adds PySCIPOpt's expressions, 8 to 14 us a nonzero; a row made of a dictionary costs 0.4.
And it reads what SCIP and SoPlex print through a pipe, in a thread that cannot run while SCIP holds the interpreter:
once the pipe is full, both would wait for ever.
"""

from __future__ import annotations

from typing import Any

from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.contrib.solver.solvers.scip.scip_direct import ScipDirect
from pyomo.environ import SortComponents
from pyomo.repn.linear import LinearRepnVisitor
from pyomo.repn.util import VarRecorder

from pyomo_relu.solvers.matrix_rows import MatrixRow

NAME = "pyomo_relu_scip"
"""The interface's name in Pyomo's ``pyomo.contrib.solver`` factory."""


class _WithoutTheInterpreter:
    """SCIP's model as Pyomo sees it, but solved without Python's interpreter lock."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def optimize(self) -> None:
        """Solve, and let other threads run."""
        self._model.optimizeNogil()


class ScipRows(ScipDirect):  # type: ignore[misc]
    """SCIP for whatever Pyomo's ``scip_direct`` takes; linear rows are handed over from numbers.

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

    name = NAME

    def _create_solver_model(self, model: Any, config: Any) -> Any:
        self._terms: dict[int, Any] = {}
        self._linear = LinearRepnVisitor({}, var_recorder=VarRecorder({}, SortComponents.UNSORTED))
        made, *rest = super()._create_solver_model(model, config)
        return _WithoutTheInterpreter(made), *rest

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


SolverFactory.register(NAME, doc="SCIP, handed rows as numbers")(ScipRows)
