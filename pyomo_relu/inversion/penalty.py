"""Penalties: the way of a code into the tube, by L-BFGS."""

from __future__ import annotations

from functools import partial

from pyomo_relu.box import Box
from pyomo_relu.deadline import Deadline
from pyomo_relu.inversion.descent import pulled_back
from pyomo_relu.inversion.lbfgs import lbfgs
from pyomo_relu.problem import Problem
from pyomo_relu.tube import Tube
from pyomo_relu.validation import FloatArray

PENALTIES = (1.0, 1e1, 1e2, 1e3, 1e4, 1e5)
"""Weights, one after the other, of the squares by which outputs miss the tube; those of the residual have 1."""


def led_into(problem: Problem, code: FloatArray, tube: Tube, deadline: Deadline) -> FloatArray:
    """Minimise the squared residual from `code` on, with growing penalties for what misses the tube.

    Parameters
    ----------
    problem : Problem
    code : array, shape (k,)
    tube : Tube
        What outputs are to miss the observation by at most; the code that is returned may still miss it by a little
        more.
    deadline : Deadline
        It ends with the iteration that is under way then.
    """
    problem = problem.scaled
    within = Box(*problem.network[-1].activation.before(*tube.around(problem.x)))
    for penalty in PENALTIES:
        if deadline.expired:
            break
        code, _ = lbfgs(partial(_penalised, problem, within, penalty), code, problem.box, deadline)
    return code


def _penalised(problem: Problem, within: Box, penalty: float, z: FloatArray) -> tuple[float, FloatArray]:
    """Return the squared residual and penalties, and their gradient.

    Penalised are pre-activations, not outputs: an output that is off, and should not be, has no slope.
    """
    last = problem.network[-1]
    pre_activations = problem.network.pre_activations(z)
    t = pre_activations[-1]
    missed, beyond = last.activation(t) - problem.x, t - within.clip(t)
    gradient = 2.0 * (missed * last.activation.gain(t > 0.0) + penalty * beyond)
    return float(missed @ missed + penalty * (beyond @ beyond)), pulled_back(problem.network, pre_activations, gradient)
