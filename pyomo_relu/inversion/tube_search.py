"""A search in the tube: for near codes of which no output misses the observation by more than it may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import scipy

from pyomo_relu.certificate import BY_NORM
from pyomo_relu.deadline import Deadline
from pyomo_relu.enclosure import is_within
from pyomo_relu.inversion.descent import Descent
from pyomo_relu.inversion.incumbent import TO_POLISH, Incumbent
from pyomo_relu.inversion.penalty import led_into
from pyomo_relu.inversion.polishing import polish
from pyomo_relu.norms import Norm, NormName
from pyomo_relu.problem import Problem
from pyomo_relu.tube import Tube
from pyomo_relu.validation import FloatArray

BISECTIONS = 30

TARGET = 1.0 - 1e-4
"""The share of the tube that penalties aim at: they end a little outside of what they aim at."""


def incumbent_in_tube(
    problem: Problem,
    inside: Incumbent,
    tube: Tube,
    norm: Norm | NormName,
    deadline: Deadline,
    *,
    starts: int,
    seed: int,
) -> Incumbent:
    """Return a code in the tube with a small residual.

    From the best least-squares codes, penalties lead into the tube, and polish from cell to cell within it; where
    they end outside, the way there from a code inside is followed as far as it stays inside.
    A keyboard interrupt ends the search; what was found by then is returned.

    Parameters
    ----------
    problem : Problem
    inside : Incumbent
        Within the tube.
    tube : Tube
    norm : Norm, or its name
        A sum.
    deadline : Deadline
        What is found by then is returned.
    starts, seed : int
        Of L-BFGS.
    """
    best = Incumbent(inside.code, problem.residual(inside.code, norm), 0.0, BY_NORM, inside.solver)
    best = replace(best, interrupted=inside.interrupted)
    if starts == 0 or inside.interrupted:
        return best
    finder = f"SciPy {scipy.__version__}"
    try:
        for code in _candidates(problem, inside.code, tube, norm, deadline, starts, seed):
            reached = last_within(lambda code: is_within(problem, code, tube), best.code, code)
            best = Incumbent.better(best, reached, problem.residual(reached, norm), finder)
    except KeyboardInterrupt:
        return replace(best, interrupted=True)
    return best


def _candidates(
    problem: Problem, inside: FloatArray, tube: Tube, norm: Norm | NormName, deadline: Deadline, starts: int, seed: int
) -> Iterator[FloatArray]:
    yield polish(problem, inside, norm, tube=tube, deadline=deadline)
    for code in Descent(starts=starts, seed=seed).codes(problem, deadline)[:TO_POLISH]:
        yield polish(problem, led_into(problem, code, tube.share(TARGET), deadline), norm, tube=tube, deadline=deadline)


def last_within(contains: Callable[[FloatArray], bool], inside: FloatArray, goal: FloatArray) -> FloatArray:
    """Return the code next to `goal` that bisection finds in a set, on the way from a code inside."""
    if contains(goal):
        return goal
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if contains(inside + middle * (goal - inside)) else (low, middle)
    return inside + low * (goal - inside)
