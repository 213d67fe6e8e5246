"""Descent: least squares by L-BFGS from many starts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import scipy

from pyomo_relu.certificate import certify
from pyomo_relu.deadline import Deadline
from pyomo_relu.inversion.lbfgs import lbfgs
from pyomo_relu.network import Network
from pyomo_relu.norms import NormName, SmoothNorm, as_smooth
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.solvers import Solver
from pyomo_relu.solvers.calls import Call
from pyomo_relu.status import Status
from pyomo_relu.streams import stream
from pyomo_relu.validation import FloatArray, as_count


@dataclass(frozen=True)
class Descent:
    """Minimise ``||A G(z) - x||_2^2``, or Huber's function, by L-BFGS-B from seeded normal starts; no proof.

    Parameters
    ----------
    starts : int
        Number of starts, from N(0, I) clipped to the box.
    iterations : int
        Most iterations of each.
    seed : int
        Of the starts, which are those of no other generator: a truth from ``numpy.random.default_rng(seed)`` is none.
    norm : 2 or "huber"
        Or ``"huber:0.5"``, or :class:`pyomo_relu.Huber`.

    Raises
    ------
    InputError
        If `starts` or `iterations` is not an integer of at least 1, or `seed` not one of at least 0, or the norm is
        not smooth.

    References
    ----------
    Bora et al. (2017) and Huang et al. (2018) invert by gradient descent, the baseline of the paper.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.random((2, 10, 30), seed=0)
    >>> pr.invert(net, net([0.5, -1.0]), pr.Descent()).realizable
    True
    """

    starts: int = 10
    iterations: int = 500
    seed: int = 0
    norm: NormName = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "norm", as_smooth(self.norm).name)
        for name, least in (("starts", 1), ("iterations", 1), ("seed", 0)):
            object.__setattr__(self, name, as_count(getattr(self, name), name, least))

    def solver_calls(self, solver: Solver) -> tuple[Call, ...]:
        """Return what it hands to solvers; see :func:`pyomo_relu.solvers.solver_calls`."""
        return ()

    def run(self, problem: Problem, solver: Solver) -> Result:
        """Invert; see :func:`pyomo_relu.invert`. Of the solver, only the time limit counts."""
        started, deadline = time.perf_counter(), Deadline.after(solver.time_limit)
        z = self.codes(problem, deadline)[0]
        verdict = certify(problem, z, self.norm, None, "", "", deadline)
        by = f"L-BFGS-B of SciPy {scipy.__version__}"
        status = Status.TIME_LIMIT if deadline.expired else Status.SOLVED
        return Result.of(verdict, status, by, started, objective=verdict.objective)

    def codes(self, problem: Problem, deadline: Deadline) -> list[FloatArray]:
        """Return the ends of the starts that the time allows, the nearest first; of one at least."""
        problem = problem.scaled
        rng = stream("descent", self.seed)
        box = problem.box

        norm = as_smooth(self.norm)

        def objective(z: FloatArray) -> tuple[float, FloatArray]:
            error, gradient = half_objective(problem.network, problem.x, z, norm)
            return 2.0 * float(error), 2.0 * gradient

        ends = []
        for number in range(self.starts):
            if number > 0 and deadline.expired:
                break
            start = box.clip(rng.normal(size=problem.network.n_in))
            ends.append(lbfgs(objective, start, box, deadline, maxiter=self.iterations, ftol=1e-15, gtol=1e-10))
        return [z for z, _ in sorted(ends, key=lambda end: end[1])]


def half_objective(
    network: Network, targets: FloatArray, codes: FloatArray, norm: SmoothNorm
) -> tuple[FloatArray, FloatArray]:
    """Return half of the objective of ``G(z) - x``, and its gradient; of a code, or of a batch with a row a code.

    Parameters
    ----------
    network : Network
    targets : array, shape (n,) or (N, n)
    codes : array, shape (k,) or (N, k)
    norm : SmoothNorm

    Returns
    -------
    errors : array, shape () or (N,)
    gradient : array, shape (k,) or (N, k)

    Examples
    --------
    >>> import numpy as np
    >>> net = Network.from_arrays([[[2.0]]])
    >>> error, gradient = half_objective(net, np.array([[1.0]]), np.array([[1.5]]), as_smooth(2))
    >>> error.tolist(), gradient.tolist()
    ([2.0], [[4.0]])
    """
    pre_activations = network.pre_activations(codes)
    last, t = network[-1], pre_activations[-1]
    missed = last.activation(t) - targets
    gradient = pulled_back(network, pre_activations, norm.half_gradient(missed) * last.activation.gain(t > 0.0))
    return norm.half_objective(missed), gradient


def pulled_back(network: Network, pre_activations: Sequence[FloatArray], gradient: FloatArray) -> FloatArray:
    """Return the gradient in the code, shape (k,), of what has the given one in the last pre-activations, shape (n,).

    A row a code, where the arrays have rows.
    """
    gradient = gradient @ network[-1].weight
    for layer, t in zip(reversed(network.layers[:-1]), reversed(pre_activations[:-1]), strict=True):
        gradient = (gradient * layer.activation.gain(t > 0.0)) @ layer.weight
    return gradient
