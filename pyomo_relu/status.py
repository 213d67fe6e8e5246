"""How a solve or an inversion ended, and what to try next."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """How a solve or an inversion ended.

    The value is the name used in JSON and on the command line; ``advice`` says
    in one line what it means and what to try.

    Examples
    --------
    >>> Status("time_limit") is Status.TIME_LIMIT, Status.TIME_LIMIT.ok, Status.SOLVED.ok
    (True, False, True)
    """

    OPTIMAL = "optimal"
    SOLVED = "solved"
    TIME_LIMIT = "time_limit"
    LIMIT = "limit"
    INTERRUPTED = "interrupted"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    INFEASIBLE_OR_UNBOUNDED = "infeasible_or_unbounded"
    RANK_DEFICIENT = "rank_deficient"
    DEGENERATE = "degenerate"
    WIDE_BOUNDS = "wide_bounds"
    UNDECIDED = "undecided"
    NO_LICENSE = "no_license"
    SIZE_LIMIT = "size_limit"
    SOLVER_ERROR = "solver_error"

    @property
    def ok(self) -> bool:
        """Whether the method ran to its own end and its answer may be used."""
        return self in (Status.OPTIMAL, Status.SOLVED)

    @property
    def advice(self) -> str:
        """What this status means and what to try, in one line."""
        return _ADVICE[self]

    def __str__(self) -> str:
        return self.value


_ADVICE = {
    Status.OPTIMAL: "the solver reports an optimum within its tolerances",
    Status.SOLVED: "the method ran to its end; its answer is an estimate without a proof of optimality",
    Status.TIME_LIMIT: "the time limit was reached; raise it, or use the incumbent and its gap",
    Status.LIMIT: "a node, iteration or memory limit was reached; raise it in the solver's options",
    Status.INTERRUPTED: "the solve was interrupted; the incumbent, if there is one, is kept",
    Status.INFEASIBLE: "no code meets the constraints; widen the box, or use a formulation for noise (linf, l1)",
    Status.UNBOUNDED: "the model is unbounded; give a box",
    Status.INFEASIBLE_OR_UNBOUNDED: "the solver could not tell infeasible from unbounded; give a box",
    Status.RANK_DEFICIENT: (
        "fewer independent active rows than unknowns, so the layer's code is not determined; use an LP formulation"
    ),
    Status.DEGENERATE: (
        "the tolerance grew past the largest observed output, from where on no row holds an output up, and the code 0 "
        "does as well; the observation tells little of the code: try exact inversion, or check the noise level"
    ),
    Status.WIDE_BOUNDS: (
        "pre-activations can be so large that no MILP solver's answer could be trusted, and none was asked; give a "
        "smaller box; the incumbent and its bound are kept"
    ),
    Status.UNDECIDED: (
        "some activation patterns could be neither proved empty nor described within rounding; give a smaller box, or "
        "scale the layers"
    ),
    Status.NO_LICENSE: "the solver found no licence; `pyomo-relu solvers` lists those that run here",
    Status.SIZE_LIMIT: "the model is larger than the solver's licence allows; use HiGHS or SCIP",
    Status.SOLVER_ERROR: "the solver failed; its log tells why; or try another solver",
}
