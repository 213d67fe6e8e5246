"""`Outcome`: the one report of a solve, from the adapter that ran it to whoever asked for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pyomo_relu.status import Status

WITH_POINT = (Status.OPTIMAL, Status.TIME_LIMIT, Status.LIMIT, Status.INTERRUPTED)
"""The endings at which a solver may have a point."""


@dataclass(frozen=True)
class Outcome:
    """What came back from one solve; the solution itself is in the model's variables.

    Parameters
    ----------
    status : Status
    has_solution : bool
        Whether the model's variables hold a feasible point (optimal, or the incumbent at a limit).
    objective : float or None
        The solver's own value at that point.
    bound : float or None
        The solver's bound on the optimum: below it for a minimisation.
    seconds : float
        Wall-clock seconds, with the time that Pyomo took to hand the model over.
    solver : str
        Name and version, such as ``"HiGHS 1.15.1"``.
    message : str
        One line on what went wrong; empty where nothing did.

    Examples
    --------
    >>> from pyomo.environ import ConcreteModel, Objective, Var
    >>> from pyomo_relu.solvers import Capability, solve
    >>> model = ConcreteModel()
    >>> model.x = Var(bounds=(1, 3))
    >>> model.objective = Objective(expr=model.x)
    >>> outcome = solve(model, "highs", frozenset({Capability.LP}))
    >>> outcome.status.value, outcome.has_solution, outcome.objective, outcome.bound
    ('optimal', True, 1.0, 1.0)
    """

    status: Status
    has_solution: bool
    objective: float | None
    bound: float | None
    seconds: float = 0.0
    solver: str = ""
    message: str = ""

    @classmethod
    def without_point(cls, status: Status, message: str = "") -> Outcome:
        """Return the report of a solve that found nothing."""
        return cls(status, False, None, None, message=message)

    def times(self, factor: float) -> Outcome:
        """Return what it says of the objective times a factor, where the model measures it in a unit."""
        objective, bound = (None if value is None else value * factor for value in (self.objective, self.bound))
        return replace(self, objective=objective, bound=bound)
