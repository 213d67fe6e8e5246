"""`HighsSolution`: what HiGHS found, by the variables and the rows of a Pyomo model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pyomo.common.collections import ComponentMap
from pyomo.contrib.solver.common.solution_loader import SolutionLoader
from pyomo.contrib.solver.common.util import NoDualsError, NoReducedCostsError, NoSolutionError
from pyomo.environ import ConcreteModel

from pyomo_relu.solvers.linear_form import LinearForm


class HighsSolution(SolutionLoader):  # type: ignore[misc]
    """The solution of one solve; it outlives the next one."""

    def __init__(self, model: ConcreteModel, form: LinearForm, solution: Any, found: bool) -> None:
        super().__init__()
        self._pyomo_model, self._form = model, form
        self._found = found
        self._values, self._duals, self._costs = (
            np.array(part, dtype=np.float64) for part in (solution.col_value, solution.row_dual, solution.col_dual)
        )
        self._has_duals = bool(solution.dual_valid)

    def get_number_of_solutions(self) -> int:
        """Return 1 where there is a point, else 0."""
        return int(self._found)

    def get_vars(self, vars_to_load: Sequence[Any] | None = None) -> Mapping[Any, float]:
        """Return the values of variables; of all that are not fixed where none are named."""
        if not self._found:
            raise NoSolutionError
        return self._of_columns(self._values, vars_to_load)

    def get_reduced_costs(self, vars_to_load: Sequence[Any] | None = None) -> Mapping[Any, float]:
        """Return the reduced costs of variables."""
        if not self._has_duals:
            raise NoReducedCostsError
        return self._of_columns(self._costs, vars_to_load)

    def get_duals(self, cons_to_load: Sequence[Any] | None = None) -> dict[Any, float]:
        """Return the duals of rows."""
        if not self._has_duals:
            raise NoDualsError
        known = zip(self._form.rows, self._duals.tolist(), strict=True)
        duals = {row: dual for row, dual in known if row is not None}
        return duals if cons_to_load is None else {row: duals[row] for row in cons_to_load}

    def _of_columns(self, numbers: Any, wanted: Sequence[Any] | None) -> Mapping[Any, float]:
        known = zip(self._form.columns, numbers.tolist(), strict=True)
        found: Mapping[Any, float] = ComponentMap((v, number) for v, number in known if not v.fixed)
        if wanted is not None:
            found = ComponentMap((v, found[v]) for v in wanted)
        return found
