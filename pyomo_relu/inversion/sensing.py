"""Projected gradient descent: linear measurements of the output, with an inversion as the projection."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse

from pyomo_relu.certificate import certify
from pyomo_relu.deadline import Deadline
from pyomo_relu.errors import InputError
from pyomo_relu.inversion.api import Method, as_method
from pyomo_relu.inversion.descent import Descent
from pyomo_relu.norms import NormName
from pyomo_relu.problem import LARGEST, Problem
from pyomo_relu.result import Result
from pyomo_relu.solvers import Solver
from pyomo_relu.solvers.calls import Call, solver_calls
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray, as_count, as_number


@dataclass(frozen=True)
class ProjectedGradient:
    """Minimise ``||A v - x||_2`` over the outputs v = G(z), by gradient steps on v and inversions of G; no proof.

    One round, from ``v = 0``::

        w = v - step * A^T (A v - x)
        z = invert(G, w),   v = G(z)

    Where the outputs leave what solvers take, the rounds end with status ``LIMIT``, and the message says so.

    The operator A is whatever :func:`pyomo_relu.invert` was given: a matrix, a mask, or nothing. The code
    returned is the one of all rounds whose measurements are nearest.

    Parameters
    ----------
    projection : method
        How w is inverted. ``Layerwise()`` is the paper's choice; but w is no output of G, from which layer-wise
        LPs stray on real generators (docs/experiments.md), so that :class:`Descent` is the default.
    step : float, optional
        Of the gradient; ``1 / ||A||_2^2``, which always descends, where not given; for m Gaussian
        measurements of variance s, ``1 / (m s)`` is faster.
    iterations : int
        Most rounds.
    tol : float
        The rounds end where v moves by at most this, relative to ``max(1, ||v||_2)``.

    Raises
    ------
    InputError
        If a number is out of range, or the projection is no method.

    References
    ----------
    Shah and Hegde (2018); Lei, Jalal, Dhillon, Dimakis (2019), Figure 4.

    Examples
    --------
    >>> import numpy as np, pyomo_relu as pr
    >>> net = pr.Network.random((2, 10, 40), seed=0)
    >>> A = np.random.default_rng(0).normal(size=(20, 40))
    >>> result = pr.invert(net, A @ net([0.5, -1.0]), pr.ProjectedGradient(step=1 / 20), operator=A)
    >>> result.z.round(6).tolist()
    [0.5, -1.0]
    """

    projection: Method = field(default_factory=Descent)
    step: float | None = None
    iterations: int = 100
    tol: float = 1e-9
    norm: ClassVar[NormName] = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "projection", as_method(self.projection, "projection"))
        if self.step is not None:
            as_number(self.step, "step", positive=True)
        object.__setattr__(self, "iterations", as_count(self.iterations, "iterations", 1))
        as_number(self.tol, "tol")

    def solver_calls(self, solver: Solver) -> tuple[Call, ...]:
        """Return what it hands to solvers; see :func:`pyomo_relu.solvers.solver_calls`."""
        return solver_calls(self.projection, solver)

    def run(self, problem: Problem, solver: Solver) -> Result:
        """Invert; see :func:`pyomo_relu.invert`."""
        started, deadline = time.perf_counter(), Deadline.after(solver.time_limit)
        network, operator, x = problem.generator, problem.scaled.operator, problem.scaled.x
        step = 1.0 / _squared_norm(operator) if self.step is None else self.step
        output = np.zeros(network.n_out)
        best: FloatArray | None = None
        nearest, status, by = math.inf, Status.SOLVED, ""
        message = f"not settled within the limit on iterations, {self.iterations}"
        for number in range(1, self.iterations + 1):
            # A step that is too long for the operator sends the outputs off to infinity.
            with np.errstate(over="ignore", invalid="ignore"):
                target = output - step * (operator.T @ (operator @ output - x))
            if not (np.abs(target) <= LARGEST).all():
                message, status = f"diverged in round {number}: take a smaller step", Status.LIMIT
                break
            answer = self.projection.run(Problem(network, target, problem.box), solver.until(deadline))
            by = answer.solver
            if answer.z is None or answer.status is Status.INTERRUPTED:
                message = f"the projection of round {number} ended {answer.status}: {answer.message}".rstrip(": ")
                status = answer.status if best is None or answer.status is Status.INTERRUPTED else status
                break
            error = problem.residual(answer.z, 2)
            if error < nearest:
                best, nearest = answer.z, error
            before, output = output, network(answer.z)
            if deadline.expired:
                status = Status.TIME_LIMIT
                break
            if np.linalg.norm(output - before) <= self.tol * max(1.0, float(np.linalg.norm(output))):
                message = ""
                break
        verdict = certify(problem, best, 2, None, "", "", deadline)
        return Result.of(verdict, status, by, started, objective=verdict.objective, message=message)


def _squared_norm(operator: Any) -> float:
    if not issparse(operator):
        square = float(np.linalg.norm(operator, 2)) ** 2
    elif max((operator != 0.0).sum(axis=axis).max() for axis in (0, 1)) <= 1:
        square = float(np.abs(operator.data).max(initial=0.0)) ** 2  # rows of the identity, each times a weight
    else:
        gram = operator @ operator.T if operator.shape[0] <= operator.shape[1] else operator.T @ operator
        square = float(np.linalg.norm(gram.toarray(), 2))
    if square == 0.0:
        raise InputError("operator is zero: it measures nothing")
    return square
