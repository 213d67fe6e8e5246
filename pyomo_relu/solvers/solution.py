"""What a solve gives a model besides an `Outcome`: values of variables, and duals where they are to be had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyomo.common.collections import ComponentMap
from pyomo.contrib.solver.common.solution_loader import SolutionLoader
from pyomo.contrib.solver.common.util import NoDualsError, NoReducedCostsError, NoSolutionError
from pyomo.environ import ConcreteModel, Suffix

from pyomo_relu.errors import InputError

_MEANT = {"dual": "duals", "rc": "reduced costs"}


class Solution(SolutionLoader):  # type: ignore[misc]
    """The solution of one solve; it outlives the next one, and holds no solver.

    Pyomo's for SCIP does, and its results are freed by the garbage collector only: of tiny models, 170 MB were waiting.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
    columns : list of Pyomo variables
    values : list of float, or None
        Of the columns; None where no point was found.
    reduced_costs : list of float, optional
        Of the columns.
    rows : list of Pyomo constraints
        None for one that is not active.
    duals : list of float, optional
        Of the rows.
    """

    def __init__(
        self,
        model: ConcreteModel,
        columns: Sequence[Any],
        values: Sequence[float] | None,
        reduced_costs: Sequence[float] | None = None,
        rows: Sequence[Any] = (),
        duals: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self._pyomo_model, self._columns = model, columns
        self._values, self._reduced_costs = values, reduced_costs
        self._rows, self._duals = rows, duals

    def get_number_of_solutions(self) -> int:
        """Return 1 where there is a point, else 0."""
        return int(self._values is not None)

    def get_vars(self, vars_to_load: Sequence[Any] | None = None) -> Mapping[Any, float]:
        """Return the values of variables; of all that are not fixed where none are named."""
        if self._values is None:
            raise NoSolutionError
        return self._of_columns(self._values, vars_to_load)

    def get_reduced_costs(self, vars_to_load: Sequence[Any] | None = None) -> Mapping[Any, float]:
        """Return the reduced costs of variables."""
        if self._reduced_costs is None:
            raise NoReducedCostsError
        return self._of_columns(self._reduced_costs, vars_to_load)

    def get_duals(self, cons_to_load: Sequence[Any] | None = None) -> dict[Any, float]:
        """Return the duals of rows."""
        if self._duals is None:
            raise NoDualsError
        known = zip(self._rows, self._duals, strict=True)
        duals = {row: dual for row, dual in known if row is not None}
        return duals if cons_to_load is None else {row: duals[row] for row in cons_to_load}

    def _of_columns(self, numbers: Sequence[float], wanted: Sequence[Any] | None) -> Mapping[Any, float]:
        known = zip(self._columns, numbers, strict=True)
        found: Mapping[Any, float] = ComponentMap((v, number) for v, number in known if not v.fixed)
        return found if wanted is None else ComponentMap((v, found[v]) for v in wanted)


def refuse_duals(model: ConcreteModel, who: str, remedy: str) -> None:
    """Raise where an active suffix of the model is to receive duals or reduced costs.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
    who : str
        Who gives none.
    remedy : str
        What gives some.

    Raises
    ------
    InputError

    Examples
    --------
    >>> model = ConcreteModel()
    >>> model.rc = Suffix(direction=Suffix.IMPORT)
    >>> refuse_duals(model, "SCIP", "solve it elsewhere")
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: suffix rc asks for reduced costs, and SCIP gives none: deactivate it, or solve it elsewhere
    """  # noqa: E501 - the message is one line
    for suffix in _asking(model):
        what = _MEANT[suffix.local_name]
        raise InputError(f"suffix {suffix.name} asks for {what}, and {who} gives none: deactivate it, or {remedy}")


def clear_duals(model: ConcreteModel) -> None:
    """Take away the duals and reduced costs of a solve before: this one may end without any."""
    for suffix in _asking(model):
        suffix.clear()


def _asking(model: ConcreteModel) -> Iterator[Any]:
    for suffix in model.component_objects(Suffix, active=True, descend_into=True):
        if suffix.import_enabled() and suffix.local_name in _MEANT:
            yield suffix
