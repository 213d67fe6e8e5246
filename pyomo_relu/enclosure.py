"""`Enclosure`: two numbers between which a residual lies, whatever rounding did to the forward pass."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pyomo_relu.norms import Norm, NormName, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.rational import residual_within
from pyomo_relu.rounding import TINY, UNIT, times_up, up
from pyomo_relu.running_error import output_within
from pyomo_relu.tube import Tube
from pyomo_relu.validation import FloatArray

FORWARD_PASS = "forward pass in float64"
EXACT_PASS = "forward pass in exact rationals"

SHARP = 1e-9
"""An enclosure that is narrower, relative to its upper end, is one number in all digits that are printed."""

RESOLVED = 1e-10
"""Where rounding in float64 moves a residual by more than this, relative to the observation, what solvers let pass in
a row, ten million times as much, moves it by as much as there is: large terms cancel."""

MOST_WORK = 250_000
"""Weights times layers up to which a residual is worked out in rationals; that takes a second or less."""


@dataclass(frozen=True)
class Enclosure:
    """A residual, and what encloses it.

    Parameters
    ----------
    value : float
        The number to be told. Of one that is not sharp it is the upper end.
    low, high : float
        The residual without any rounding lies between them.
    by : str
        By what it was found.
    """

    value: float
    low: float
    high: float
    by: str = FORWARD_PASS

    @property
    def width(self) -> float:
        """``high - low``, relative to `high`."""
        return (self.high - self.low) / self.high if 0.0 < self.high < math.inf else math.inf if self.high else 0.0

    @property
    def is_sharp(self) -> bool:
        """Whether it is one number in all digits that are printed."""
        return self.width <= SHARP

    def hides(self, scale: float) -> bool:
        """Whether rounding moves the residual by so much that what a solver says of it means nothing."""
        return not self.high - self.low <= RESOLVED * scale

    def __str__(self) -> str:
        return f"= {self.value:.9g}" if self.is_sharp else f"<= {up(self.high)}"


def enclose(problem: Problem, z: FloatArray, norm: Norm | NormName) -> Enclosure:
    """Enclose the residual of a code: in float64, or in rationals where that leaves open how large it is.

    Parameters
    ----------
    problem : Problem
    z : array, shape (k,)
    norm : Norm, or its name

    Returns
    -------
    Enclosure
        Rationals, or the upper end where they were too much work, where the enclosure by float64 is not sharp and does
        not say that x is met. Not finite where the forward pass overflows.

    Examples
    --------
    >>> from pyomo_relu.network import Network
    >>> net = Network.from_arrays([[[1e16], [1e16]], [[-1.0, 1.0]]], [[0.0, 1.0], [0.0]])   # 1, but for rounding
    >>> enclose_in_floats(Problem.of(net, [0.0]), np.array([1.0]), "inf").value
    0.0
    >>> enclose(Problem.of(net, [0.0]), np.array([1.0]), "inf")
    Enclosure(value=1.0, low=1.0, high=1.0, by='forward pass in exact rationals')
    >>> print(enclose(Problem.of(net, [0.75]), np.array([1e-16]), "inf"))
    = 0.25
    """
    found = enclose_in_floats(problem, z, norm)
    if found.is_sharp or found.high <= problem.met or not math.isfinite(found.value):
        return found
    exact = _enclose_in_rationals(problem, z, norm)
    return Enclosure(found.high, found.low, found.high) if exact is None else exact


def is_within(problem: Problem, z: FloatArray, tube: Tube) -> bool:
    """Whether a code lies in a tube, whatever rounding did.

    Examples
    --------
    >>> from pyomo_relu.network import Network
    >>> problem = Problem.of(Network.from_arrays([[[0.1], [3.0]]]), [0.1, 3.5])
    >>> [is_within(problem, np.array([1.0]), Tube(most)) for most in (0.5, 0.5 - 1e-16)]
    [True, False]
    """
    hard = problem.of_hard
    met = hard is None or _deviates_by(hard, z, tube.held / problem.hard_unit)
    return met and _deviates_by(problem, z, tube.most)


def _deviates_by(problem: Problem, z: FloatArray, most: float) -> bool:
    """Whether no output that counts misses x by more than that."""
    if math.isinf(most):
        return True
    found = enclose_in_floats(problem, z, "inf")
    if found.low <= most < found.high:
        found = _enclose_in_rationals(problem, z, "inf") or found
    return found.high <= most


def raised_to(problem: Problem, z: FloatArray, tube: Tube) -> Tube:
    """Return the least tube around a tube that holds a code, also where rounding hides what it misses."""
    hard = problem.of_hard
    held = 0.0 if hard is None else enclose(hard, z, "inf").high * problem.hard_unit
    return tube.raised(0.0 if math.isinf(tube.most) else enclose(problem, z, "inf").high, held)


def is_resolved(problem: Problem, z: FloatArray, norm: Norm | NormName) -> bool:
    """Whether rounding of the outputs hides so little that what a solver says of a code means something."""
    hard = problem.of_hard
    if hard is not None and enclose_in_floats(hard, z, "inf").hides(hard.scale):
        return False
    return not enclose_in_floats(problem, z, norm).hides(problem.scale)


def _enclose_in_rationals(problem: Problem, z: FloatArray, norm: Norm | NormName) -> Enclosure | None:
    """Enclose a residual without rounding; None where that is too much work."""
    network = problem.network
    if network.n_parameters * len(network) > MOST_WORK or not np.isfinite(z).all():
        return None
    try:
        low, high = residual_within(network, z.tolist(), problem.x.tolist(), norm, problem.factors)
    except OverflowError:
        low = high = math.inf
    return Enclosure(high, low, high, EXACT_PASS)


def enclose_in_floats(problem: Problem, z: FloatArray, norm: Norm | NormName) -> Enclosure:
    """Enclose the residual of a code by one forward pass, and a bound on its rounding.

    Parameters
    ----------
    problem : Problem
    z : array, shape (k,)
    norm : Norm, or its name
    """
    norm = as_norm(norm)
    y, off = output_within(problem.network, z)
    with np.errstate(over="ignore", invalid="ignore"):
        missed = np.abs(y - problem.x)
        weighed = missed * problem.factors
        rounded = np.where(np.equal(problem.factors, 1.0), 0.0, UNIT * weighed + TINY)
        error = times_up(off + UNIT * missed, problem.factors) + rounded
        value, (low, high) = norm.value(weighed), norm.enclosed(weighed, error)
    if math.isnan(high) or math.isnan(low):
        low, high = 0.0, math.inf
    return Enclosure(value, max(0.0, low), high)
