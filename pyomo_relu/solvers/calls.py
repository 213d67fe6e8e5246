"""What a method hands to solvers: it says so itself, once, to whoever has to know before or after it runs."""

from __future__ import annotations

from dataclasses import dataclass

from pyomo_relu.solvers.backend import Capability, version_here
from pyomo_relu.solvers.config import Solver
from pyomo_relu.solvers.session import prepare

LP = frozenset({Capability.LP})
MILP = frozenset({Capability.MILP})


@dataclass(frozen=True)
class Call:
    """One kind of program, and the solver that gets it.

    Parameters
    ----------
    solver : Solver
    needs : frozenset of Capability
        What these programs need of a solver.
    assumed : bool
        Whether nobody said so: it is what a method or a formulation may call that says nothing.

    Examples
    --------
    >>> Call(Solver(), LP).solver.backend(LP).title
    'HiGHS'
    """

    solver: Solver
    needs: frozenset[Capability]
    assumed: bool = False

    def check(self) -> None:
        """Refuse what a solve would refuse, before anything is done for it.

        Raises
        ------
        CapabilityError, SolverConfigError, SolverUnavailableError
            If the solver cannot take such programs, does not take an option, or is not here.
        """
        prepare(Solver.of(self.solver), self.needs)


def solver_calls(caller: object, solver: Solver) -> tuple[Call, ...]:
    """Return what a method of inversion, or a formulation of a layer, would hand to solvers.

    Parameters
    ----------
    caller : method or formulation
        Its own ``solver_calls(solver)`` says it; one that has none may hand over LPs and MILPs.
    solver : Solver
        That it would be given.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> [[str(need) for need in call.needs] for call in solver_calls(pr.Layerwise(), Solver())]
    [['LP']]
    >>> solver_calls(pr.Descent(), Solver())
    ()
    """
    own = getattr(caller, "solver_calls", None)
    if own is None:
        return Call(solver, LP, assumed=True), Call(solver, MILP, assumed=True)
    return tuple(own(solver))


def check_solver_calls(caller: object, solver: Solver) -> None:
    """Refuse what a solve would refuse in the midst of a method's work.

    Nothing is refused for what says nothing: what it may call it need not call.

    Parameters
    ----------
    caller, solver
        As for :func:`solver_calls`.

    Raises
    ------
    CapabilityError, SolverConfigError, SolverUnavailableError
        As :meth:`Call.check`.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> check_solver_calls(pr.Exact(encoding="sos1"), Solver("highs"))
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.CapabilityError: HiGHS does not take SOS1 models here; these do: scip, gurobi, cplex, xpress
    """
    for call in solver_calls(caller, solver):
        if not call.assumed:
            call.check()


def solver_versions(caller: object, solver: Solver) -> dict[str, str]:
    """Return the versions of the solvers that a method calls, by their names.

    Parameters
    ----------
    caller, solver
        As for :func:`solver_calls`.

    Raises
    ------
    CapabilityError
        As :func:`check_solver_calls`.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> list(solver_versions(pr.Exact(), Solver())), list(solver_versions(pr.Layerwise(pr.LinearSolve()), Solver()))
    (['HiGHS', 'SCIP'], [])
    """
    backends = [call.solver.backend(call.needs) for call in solver_calls(caller, solver)]
    return {backend.title: version_here(backend)[0] or "not here" for backend in backends}
