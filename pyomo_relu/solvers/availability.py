"""Which solvers run here: one counts when it has solved a linear program of two variables."""

from __future__ import annotations

from dataclasses import dataclass

from pyomo.environ import ConcreteModel, Constraint, Objective, Var, value

from pyomo_relu.errors import SolverUnavailableError
from pyomo_relu.solvers.backend import Backend, Capability, version_here
from pyomo_relu.solvers.backends import BACKENDS
from pyomo_relu.solvers.config import Solver
from pyomo_relu.solvers.session import solve
from pyomo_relu.status import Status

SECONDS = 4.0
"""How long a solver may take for that."""


@dataclass(frozen=True)
class Availability:
    """Whether a solver runs here, which version, or why not.

    Parameters
    ----------
    name : str
    runs : bool
    version : str or None
        None where it is not installed or is broken, "unknown" where it does not tell.
    reason : str
        Why it does not run; empty where it does.
    supports : tuple of str
        What it takes through Pyomo.
    install : str
        The line that installs it.

    Examples
    --------
    >>> from pyomo_relu.solvers import BACKENDS
    >>> found = probe(BACKENDS["highs"])
    >>> found.name, found.runs, found.reason
    ('highs', True, '')
    """

    name: str
    runs: bool
    version: str | None
    reason: str
    supports: tuple[str, ...]
    install: str


def probe(backend: Backend) -> Availability:
    """Solve ``min x + 2 y, x + y >= 1, x, y in [0, 1]``, whose optimum is 1, and see.

    Parameters
    ----------
    backend : Backend

    Returns
    -------
    Availability

    Examples
    --------
    >>> found = probe(BACKENDS["highs"])
    >>> found.runs, found.supports
    (True, ('LP', 'MILP'))
    """
    version, reason = version_here(backend)
    if version is not None:
        reason = _trouble(backend)
    supports = tuple(capability.value for capability in Capability if capability in backend.supports)
    return Availability(backend.name, not reason, version, reason, supports, backend.install)


def available_solvers() -> list[str]:
    """Return the names of the solvers that run here.

    Returns
    -------
    list of str
        Each has solved a linear program of two variables.

    Examples
    --------
    >>> "highs" in available_solvers()
    True
    """
    return [backend.name for backend in BACKENDS.values() if probe(backend).runs]


def _trouble(backend: Backend) -> str:
    """Return why it does not solve a small program, or nothing."""
    model = ConcreteModel()
    model.x, model.y = Var(bounds=(0, 1)), Var(bounds=(0, 1))
    model.cover = Constraint(expr=model.x + model.y >= 1)
    model.cost = Objective(expr=model.x + 2 * model.y)
    try:
        outcome = solve(model, Solver(backend.name, time_limit=SECONDS), frozenset({Capability.LP}))
    except SolverUnavailableError as error:
        return str(error)
    if outcome.status is Status.TIME_LIMIT:
        return f"broken: has not solved a linear program of two variables after {outcome.seconds:.0f} s"
    right = outcome.status is Status.OPTIMAL and abs(value(model.x) - 1) < 1e-6 and abs(value(model.y)) < 1e-6
    return "" if right else outcome.message or str(outcome.status)
