"""A solver that says what a test tells it to: something wrong, or late, or that it was interrupted.

It is a backend of the registry, as any solver is, under the name ``"scripted"``; the fixture is in ``conftest.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyomo.environ import ConcreteModel

from pyomo_relu.solvers import BACKENDS, Backend, Outcome
from pyomo_relu.solvers.adapter import Adapter

NAME = "scripted"


@dataclass(frozen=True)
class Solve:
    """One call of the solver.

    Parameters
    ----------
    number : int
        From 1.
    model : ConcreteModel
    options : mapping
        The solver's own.
    seconds : float or None
        The time limit.
    by : Backend
        The solver that is scripted.
    """

    number: int
    model: ConcreteModel
    options: Mapping[str, Any]
    seconds: float | None
    by: Backend

    def honestly(self) -> Outcome:
        """Solve, and return what the solver itself says."""
        adapter = self.by.adapter()
        adapter.run(self.model, self.options, seconds=self.seconds, log=False)
        return adapter.report()


Says = Outcome | BaseException | Callable[[Solve], Outcome]
"""What the solver says: always the same, or it dies; or what a function makes of a call."""


class Scripted(Adapter):
    """Reports what it is told to; each solve is added to `calls`."""

    def __init__(self, says: Says, by: Backend, calls: list[Solve]) -> None:
        super().__init__(None)
        self._says, self._by, self._calls = says, by, calls

    def run(self, model: ConcreteModel, options: Mapping[str, Any], *, seconds: float | None, log: bool) -> None:
        self._calls.append(Solve(len(self._calls) + 1, model, options, seconds, self._by))
        super().run(model, options, seconds=seconds, log=log)

    def _run(self, *_: object) -> Outcome:
        if isinstance(self._says, BaseException):
            raise self._says
        return self._says if isinstance(self._says, Outcome) else self._says(self._calls[-1])

    def _read(self) -> Outcome:
        said: Outcome = self._results
        return said

    def _load(self, found: Outcome) -> None:
        """Leave the model as the call has left it."""


def scripted_backend(says: Says, calls: list[Solve], by: str = "scip", **data: Any) -> Backend:
    """Return a solver that takes what another takes, and says what it is told to.

    Parameters
    ----------
    says : Outcome, exception or callable
    calls : list of Solve
        Each call is added to it.
    by : str
        The other solver, which solves what is to be solved honestly.
    **data
        Of the `Backend`, where they are to be others.
    """
    other = BACKENDS[by]
    given = {"name": NAME, "title": "Scripted", "version": lambda: "1.0", **data}
    return replace(other, adapter=lambda: Scripted(says, other, calls), **given)
