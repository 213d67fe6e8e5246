"""Gradient descent with a fixed step rule, the paper's baseline: starts or observations are rows of one batch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.certificate import certify
from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.inversion.descent import half_objective
from pyomo_relu.network import Network
from pyomo_relu.norms import NormName, Two
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.solvers import Solver
from pyomo_relu.solvers.calls import Call
from pyomo_relu.status import Status
from pyomo_relu.streams import stream
from pyomo_relu.validation import FloatArray, as_count, as_number

Rule = Literal["constant", "adam"]

MEAN_DECAY, SQUARE_DECAY, FLOOR = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class GradientDescent:
    """Minimise ``||A G(z) - x||_2^2 / 2`` by steps along the gradient; no proof.

    This is the baseline of the paper, and slower than :class:`Descent`, which takes L-BFGS. The paper
    does not tell the scale of its loss, on which a constant step depends: here it is half the squared error.

    Parameters
    ----------
    step : float
        Learning rate. The paper takes 1 for random networks (1,000 iterations), 1e-3 for digits (10,000).
    iterations : int
        Most steps of each start.
    rule : "constant" or "adam"
        ``z - step * gradient``, or Adam's step with its usual constants.
    starts : int
        Number of starts, from N(0, I) clipped to the box, run together.
    tol : float
        A start ends where its gradient's 2-norm is at most this.
    seed : int
        Of the starts; as :class:`Descent`'s.

    Raises
    ------
    InputError
        If a number is out of range, or the rule is unknown.

    References
    ----------
    Lei, Jalal, Dhillon, Dimakis (2019), section 5; Kingma and Ba (2015), Adam.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.random((2, 10, 30), seed=0)
    >>> pr.invert(net, net([0.5, -1.0]), pr.GradientDescent(step=0.05, starts=3)).realizable
    True
    """

    step: float = 1.0
    iterations: int = 1000
    rule: Rule = "constant"
    starts: int = 1
    tol: float = 1e-9
    seed: int = 0
    norm: ClassVar[NormName] = 2

    def __post_init__(self) -> None:
        as_number(self.step, "step", positive=True)
        for name, least in (("starts", 1), ("iterations", 1), ("seed", 0)):
            object.__setattr__(self, name, as_count(getattr(self, name), name, least))
        if self.rule not in ("constant", "adam"):
            raise InputError(f"rule must be 'constant' or 'adam', got {self.rule!r}")
        as_number(self.tol, "tol")

    def solver_calls(self, solver: Solver) -> tuple[Call, ...]:
        """Return what it hands to solvers; see :func:`pyomo_relu.solvers.solver_calls`."""
        return ()

    def run(self, problem: Problem, solver: Solver) -> Result:
        """Invert; see :func:`pyomo_relu.invert`. Of the solver, only the time limit counts."""
        started, deadline = time.perf_counter(), Deadline.after(solver.time_limit)
        k = problem.network.n_in
        starts = stream("gradient descent", self.seed).normal(size=(self.starts, k))
        scaled = problem.scaled
        targets = np.broadcast_to(scaled.x, (self.starts, scaled.x.size))
        ends = self.descend(scaled.network, targets, starts, problem.box, deadline)
        errors = np.linalg.norm(scaled.network(ends) - scaled.x, axis=1)
        verdict = certify(problem, ends[int(errors.argmin())], 2, None, "", "", deadline)
        by = f"gradient descent in NumPy {np.__version__}"
        status = Status.TIME_LIMIT if deadline.expired else Status.SOLVED
        return Result.of(verdict, status, by, started, objective=verdict.objective)

    def descend(
        self,
        network: Network,
        targets: FloatArray,
        starts: FloatArray,
        box: Box | None = None,
        deadline: Deadline = NO_LIMIT,
    ) -> FloatArray:
        """Return where each row ends: the nearest code on its way, which no divergence can spoil.

        Parameters
        ----------
        network : Network
        targets : array, shape (N, n)
            A row an observation.
        starts : array, shape (N, k)
        box : Box, optional
            Codes are moved into it after each step.
        deadline : Deadline
            No step is taken after it.

        Returns
        -------
        array, shape (N, k)

        Raises
        ------
        ShapeError
            If `targets` and `starts` do not have as many rows, or rows of another length than the network's.

        Examples
        --------
        >>> net = Network.from_arrays([[[2.0]]])
        >>> GradientDescent(step=0.1).descend(net, np.array([[1.0], [3.0]]), np.ones((2, 1))).round(6).tolist()
        [[0.5], [1.5]]
        """
        for name, array, length in (("targets", targets, network.n_out), ("starts", starts, network.n_in)):
            if array.shape != (len(starts), length):
                raise ShapeError(f"{name} has shape {array.shape}, expected ({len(starts)}, {length})")
        box = Box.everything(network.n_in) if box is None else box
        codes = box.clip(starts)
        best, nearest = codes.copy(), np.full(len(codes), np.inf)
        mean, square = np.zeros_like(codes), np.zeros_like(codes)
        live = np.arange(len(codes))
        # A step that is too long for the network overflows: that row is given up, not an error.
        with np.errstate(over="ignore", invalid="ignore"):
            for number in range(1, self.iterations + 2):
                errors, gradient = half_objective(network, targets[live], codes[live], Two())
                better = errors < nearest[live]
                best[live[better]], nearest[live[better]] = codes[live[better]], errors[better]
                size = np.linalg.norm(gradient, axis=1)
                going = np.isfinite(size) & (size > self.tol)
                live, gradient = live[going], gradient[going]
                if not live.size or number > self.iterations or deadline.expired:
                    break
                if self.rule == "adam":
                    mean[live] = MEAN_DECAY * mean[live] + (1.0 - MEAN_DECAY) * gradient
                    square[live] = SQUARE_DECAY * square[live] + (1.0 - SQUARE_DECAY) * gradient**2
                    spread = np.sqrt(square[live] / (1.0 - SQUARE_DECAY**number)) + FLOOR
                    gradient = mean[live] / (1.0 - MEAN_DECAY**number) / spread
                codes[live] = box.clip(codes[live] - self.step * gradient)
        return best
