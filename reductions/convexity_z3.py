"""Convexity by Z3: the question in linear real arithmetic, answered without rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pyomo_relu.box import Box
from pyomo_relu.deadline import Deadline
from pyomo_relu.io import require
from pyomo_relu.network import Network
from pyomo_relu.problem import Problem
from pyomo_relu.rational import as_fractions
from reductions.convexity_program import Regions
from reductions.convexity_witness import Pair, pair_of

SHORT = 1024
"""Bounds are multiples of one over this."""


@dataclass(frozen=True, eq=False)
class Z3Answer:
    """What Z3 said.

    Parameters
    ----------
    convex : bool or None
        None where the time was up.
    empty : bool or None
    pair : Pair or None
        A witness where it is not convex.
    by : str
        Name and version.
    """

    convex: bool | None
    empty: bool | None
    pair: Pair | None
    by: str


def ask_z3(problem: Problem, regions: Regions, deadline: Deadline) -> Z3Answer:
    """Ask whether two codes meet x exactly and their midpoint does not.

    The codes are held to the box itself. The regions' bounds are given to Z3 as facts: they hold in the real numbers
    for codes in the box that meet x, and for their midpoints, and fix most neurons.

    Parameters
    ----------
    problem : Problem
    regions : Regions
        Bounds of the problem's codes, and of their midpoints.
    deadline : Deadline
        For both questions: whether any code meets x, and whether two and not their midpoint.

    Raises
    ------
    MissingDependencyError
        If Z3 is not installed.
    KeyboardInterrupt
        On Ctrl-C.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> from reductions.convexity_program import regions_of
    >>> problem = Problem.of(net, [1.0], box=(-3, 3))
    >>> answer = ask_z3(problem, regions_of(problem, Deadline()), Deadline())
    >>> answer.convex, answer.pair.violation
    (False, Fraction(1, 1))
    """
    z3 = require("z3", "a proof by Z3")
    by = f"Z3 {z3.get_version_string()}, linear real arithmetic without rounding"
    solver = z3.SolverFor("QF_LRA")
    codes = [z3.RealVector(name, problem.network.n_in) for name in ("z1", "z2")]
    x = [_number(z3, v) for v in as_fractions(problem.x, problem.network.n_out, "observation")]
    # What holds the last layer to x is rounded where it is LeakyReLU: here x itself does.
    near = [*regions.meeting.pre_activations[:-1], Box.everything(problem.network.n_out)]
    first_layers = []
    for code in codes:
        _add_box(z3, solver, code, regions.meeting.code)
        if not problem.box.is_everything:
            _add_box(z3, solver, code, problem.box, rounded=False)
        outputs = _add_copy(z3, solver, problem.network, code, near, str(code[0]))
        first_layers.append(outputs[0])
        solver.add(*(output == value for output, value in zip(outputs[-1], x, strict=True)))
        # The first copy alone asks whether any code meets x.
        if code is codes[0]:
            said = _check(z3, solver, deadline)
            if said != z3.sat:
                empty = True if said == z3.unsat else None
                return Z3Answer(empty, empty, None, by)
    middle = [(a + b) / 2 for a, b in zip(*codes, strict=True)]
    outputs = _add_copy(z3, solver, problem.network, middle, regions.middle.pre_activations, "middle")
    solver.add(codes[0][0] <= codes[1][0])
    solver.add(*(2 * h <= a + b for h, a, b in zip(outputs[0], *first_layers, strict=True)))
    solver.add(z3.Or([output != value for output, value in zip(outputs[-1], x, strict=True)]))
    said = _check(z3, solver, deadline)
    if said == z3.sat:
        return Z3Answer(False, False, pair_of(problem, *(_read(solver, code) for code in codes)), by)
    return Z3Answer(True if said == z3.unsat else None, False, None, by)


def _number(z3: Any, value: Fraction) -> Any:
    return z3.RealVal(f"{value.numerator}/{value.denominator}")


def _add_box(z3: Any, solver: Any, variables: Sequence[Any], box: Box, *, rounded: bool = True) -> None:
    """Hold variables, or terms, to a box: rounded outwards to short numbers, which Z3 is faster with, or as it is."""
    for variable, low, high in zip(variables, box.lower.tolist(), box.upper.tolist(), strict=True):
        if low > -math.inf:
            side = Fraction(math.floor(low * SHORT), SHORT) if rounded else Fraction(low)
            solver.add(variable >= _number(z3, side))
        if high < math.inf:
            side = Fraction(math.ceil(high * SHORT), SHORT) if rounded else Fraction(high)
            solver.add(variable <= _number(z3, side))


def _add_copy(
    z3: Any, solver: Any, network: Network, code: Sequence[Any], bounds: Sequence[Box], name: str
) -> list[Sequence[Any]]:
    """Add one copy of the network; return each layer's outputs, as variables, so that terms stay small."""
    found = []
    inputs = code
    for i, (layer, bound) in enumerate(zip(network, bounds, strict=True)):
        outputs = z3.RealVector(f"{name}_{i}", layer.n_out)
        terms = []
        for row, bias in zip(layer.dense(), layer.bias, strict=True):
            used = [_number(z3, Fraction(float(w))) * h for w, h in zip(row, inputs, strict=True) if w]
            terms.append(z3.Sum([*used, _number(z3, Fraction(float(bias)))]))
        _add_box(z3, solver, terms, bound)
        for j, (output, t) in enumerate(zip(outputs, terms, strict=True)):
            slope = _number(z3, layer.activation.fraction(j))
            if not layer.activation.bends[j] or bound.lower[j] >= 0.0:
                solver.add(output == t)
            elif bound.upper[j] <= 0.0:
                solver.add(output == slope * t)
            else:
                solver.add(output == z3.If(t >= 0, t, slope * t))
        found.append(outputs)
        inputs = outputs
    return found


def _check(z3: Any, solver: Any, deadline: Deadline) -> Any:
    if deadline.expired:
        return z3.unknown
    if math.isfinite(deadline.left):
        solver.set("timeout", math.ceil(1000.0 * deadline.left))
    said = solver.check()
    # Z3 takes the signal, and says "canceled" as where its time is up.
    stopped = said == z3.unknown and solver.reason_unknown() in ("canceled", "interrupted from keyboard")
    if stopped and not deadline.expired:
        raise KeyboardInterrupt
    return said


def _read(solver: Any, code: Sequence[Any]) -> list[Fraction]:
    model = solver.model()
    return [model.eval(variable, model_completion=True).as_fraction() for variable in code]
