"""Solvers by config: what each can do, whether it runs here, and the one way to call it."""

from pyomo_relu.solvers.availability import Availability, available_solvers, probe
from pyomo_relu.solvers.backend import Backend, Capability
from pyomo_relu.solvers.backends import BACKENDS
from pyomo_relu.solvers.calls import LP, MILP, Call, check_solver_calls, solver_calls, solver_versions
from pyomo_relu.solvers.config import Solver
from pyomo_relu.solvers.linear_session import LinearSession
from pyomo_relu.solvers.matrix_rows import MatrixRows
from pyomo_relu.solvers.options import ABS_GAP, REL_GAP
from pyomo_relu.solvers.outcome import Outcome
from pyomo_relu.solvers.session import Session, solve

__all__ = [
    "ABS_GAP",
    "BACKENDS",
    "LP",
    "MILP",
    "REL_GAP",
    "Availability",
    "Backend",
    "Call",
    "Capability",
    "LinearSession",
    "MatrixRows",
    "Outcome",
    "Session",
    "Solver",
    "available_solvers",
    "check_solver_calls",
    "probe",
    "solve",
    "solver_calls",
    "solver_versions",
]
