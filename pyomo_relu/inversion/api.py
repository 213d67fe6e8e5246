"""`invert` and `invert_layer`: the front door."""

from __future__ import annotations

from typing import Any, Protocol

from pyomo_relu.errors import InputError
from pyomo_relu.formulations import LayerFormulation
from pyomo_relu.inversion.layerwise import Layerwise
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.pinning import pinned
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.solvers import Solver
from pyomo_relu.solvers.calls import check_solver_calls


class Method(Protocol):
    """A way to invert; a new one is a file beside this with this one function.

    It may say what it hands to solvers, by ``solver_calls(solver)``, which returns
    :class:`~pyomo_relu.solvers.Call` objects: what a solver cannot take is then refused before anything is run, and
    the store of a batch tells whose answers it holds. One that has none may hand LPs and MILPs to the solver that it
    is given.

    One that meets outputs of infinite weight (``problem.hard``), or finds that no code does, says so by
    ``meets_outputs = True``; to others such problems are refused.

    Examples
    --------
    >>> import numpy as np, pyomo_relu as pr
    >>> from pyomo_relu.certificate import certify
    >>> class Zero:
    ...     def run(self, problem, solver):
    ...         verdict = certify(problem, np.zeros(problem.network.n_in), 2, None, "", "")
    ...         return pr.Result.of(verdict, pr.Status.SOLVED, "nobody", 0.0, objective=None)
    >>> pr.invert(pr.Network.random((2, 4), seed=0), [3.0, 0.0, 0.0, 4.0], Zero()).residual
    5.0
    """

    def run(self, problem: Problem, solver: Solver) -> Result:
        """Invert.

        Parameters
        ----------
        problem : Problem
            Network, observation and box, checked; a mask or an operator is in the network already.
        solver : Solver
            Its time limit is one for the whole call: make a `Deadline` of it at once.

        Returns
        -------
        Result
            As :meth:`pyomo_relu.Result.of` makes it from a re-checked code.
        """
        ...


def as_method(method: Method, name: str = "method") -> Method:
    """Return a method of inversion; refuse what is none, by its name."""
    if isinstance(method, type):
        raise InputError(f"{name} is the class {method.__name__}: write {method.__name__}()")
    if not callable(getattr(method, "run", None)):
        raise InputError(f"{name} must be Layerwise(...), Hybrid(...), Descent(...) or Exact(...), got {method!r}")
    return method


def check_hard(method: Method, problem: Problem) -> None:
    """Refuse outputs of infinite weight to a method that meets none: one that does has ``meets_outputs = True``."""
    if problem.hard is not None and not getattr(method, "meets_outputs", False):
        said = f"must be finite for {type(method).__name__}, which holds no single output exactly: take Exact"
        raise InputError(said, parameter="weights")


def invert(
    net: Network,
    x: Any,
    method: Method | None = None,
    *,
    operator: Any = None,
    mask: Any = None,
    weights: Any = None,
    box: Any = None,
    solver: Solver | str | None = None,
) -> Result:
    """Find a code z with ``A G(z)`` equal to `x`, or as near as can be (M2).

    Parameters
    ----------
    net : Network
    x : array_like, shape (n,), or (m,) with an operator of m rows
        The observation.
    method : Layerwise, Exact, Hybrid, Descent, GradientDescent or ProjectedGradient, optional
        ``Layerwise()`` where not given: fast, without a proof of optimality.
    operator : array_like, shape (m, n), optional
        The matrix A, for methods that take one.
    mask : array_like of bool, shape (n,), optional
        True where `x` is observed; the other entries of `x` may be anything.
    weights : array_like, shape (n,), optional
        What each output's deviation counts: the residual is ``||w (G(z) - x)||``. Zero is not observed, as by a mask.
        Infinite, for `Exact`: the output must be met, up to what counts as met, and is no part of the residual.
        The tube and `eps` are then about weighed deviations.
    box : pair (lower, upper), optional
        Bounds of the code: scalars or vectors of length k.
    solver : Solver or str, optional
        Else the environment variable ``PYOMO_RELU_SOLVER``, else the default for the job. Its time limit is one for
        the whole call; its threads are also those of linear algebra, which has one where no number is given.

    Returns
    -------
    Result

    Raises
    ------
    InputError, ShapeError
        Bad input.
    CapabilityError, SolverConfigError, SolverUnavailableError
        A solver that cannot take the model, a bad option, or no such solver here.

    Examples
    --------
    >>> import numpy as np, pyomo_relu as pr
    >>> net = pr.Network.random((5, 20, 40), seed=0)
    >>> z = np.linspace(-1, 1, 5)
    >>> result = pr.invert(net, net(z))
    >>> bool(np.abs(result.z - z).max() < 1e-6), result.realizable
    (True, True)
    """
    method = as_method(Layerwise() if method is None else method)
    problem, chosen = Problem.of(net, x, operator=operator, mask=mask, weights=weights, box=box), Solver.of(solver)
    check_hard(method, problem)
    check_solver_calls(method, chosen)
    with pinned(chosen.threads or 1):
        return method.run(problem, chosen)


def invert_layer(
    layer: Layer,
    x: Any,
    formulation: LayerFormulation | None = None,
    *,
    mask: Any = None,
    weights: Any = None,
    box: Any = None,
    solver: Solver | str | None = None,
) -> Result:
    """Invert one layer; parameters, errors and the result as in :func:`invert`.

    Parameters
    ----------
    layer : Layer
    x : array_like, shape (n_out,)
    formulation : LayerLinf, LayerL1, LayerRelaxed, LayerRealizable or LinearSolve, optional
        What `Layerwise` takes where it is not given.
    mask, weights, box, solver : optional
        ``box=(0, np.inf)`` asks for a non-negative code.

    Returns
    -------
    Result

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> layer = pr.Layer([[1.0], [-1.0], [2.0]])
    >>> pr.invert_layer(layer, [1.5, 0.0, 3.0]).z.round(6).tolist()
    [1.5]
    """
    method = Layerwise() if formulation is None else Layerwise(formulation)
    return invert(Network((layer,)), x, method, mask=mask, weights=weights, box=box, solver=solver)
