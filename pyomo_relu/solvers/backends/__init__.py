"""The registry of solvers: a new one is a file beside this and a line here."""

from __future__ import annotations

from pyomo_relu.errors import SolverConfigError
from pyomo_relu.solvers.backend import Backend, Capability
from pyomo_relu.solvers.backends.cbc import CBC
from pyomo_relu.solvers.backends.cplex import CPLEX
from pyomo_relu.solvers.backends.glpk import GLPK
from pyomo_relu.solvers.backends.gurobi import GUROBI
from pyomo_relu.solvers.backends.highs import HIGHS
from pyomo_relu.solvers.backends.mosek import MOSEK
from pyomo_relu.solvers.backends.scip import SCIP
from pyomo_relu.solvers.backends.xpress import XPRESS

BACKENDS: dict[str, Backend] = {
    backend.name: backend for backend in (HIGHS, SCIP, CBC, GLPK, GUROBI, CPLEX, XPRESS, MOSEK)
}
"""The solvers by name."""


def backend_of(name: str) -> Backend:
    """Return the backend called `name`, or raise with the list of those there are."""
    if name not in BACKENDS:
        raise SolverConfigError(f"unknown solver {name!r}; known: {', '.join(BACKENDS)}")
    return BACKENDS[name]


def default_backend(needs: frozenset[Capability], settings: frozenset[str]) -> Backend:
    """Return the default for a job, as measured: HiGHS for LPs, SCIP for all with binaries.

    Where that one lacks a setting, the other is taken, if it takes such models and has it.
    """
    first, other = (HIGHS, SCIP) if needs <= {Capability.LP} else (SCIP, HIGHS)
    helps = needs <= other.supports and settings <= other.settings.keys()
    return other if helps and not settings <= first.settings.keys() else first
