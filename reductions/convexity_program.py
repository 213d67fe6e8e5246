"""The mixed-integer program of convexity: two codes that meet x, and their midpoint, which misses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyomo.common.gc_manager import PauseGC
from pyomo.environ import Binary, Block, ConcreteModel, Constraint, Objective, Var, maximize

from pyomo_relu.bounds import Region, Sought, crown_bounds, sought_region
from pyomo_relu.box import Box
from pyomo_relu.deadline import Deadline
from pyomo_relu.errors import InputError
from pyomo_relu.formulations import BigM, linear
from pyomo_relu.inversion import Pattern, add_code, encode_network
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.norms import as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.validation import FloatArray

ROOM = 1e-5
"""By how much outputs may miss x, relative to its scale, in the bounds: ten times a solver's tolerance."""

Miss = tuple[int, int]
"""An output, and the sign in which it misses x."""


@dataclass(frozen=True, eq=False)
class Regions:
    """Bounds for the three copies of the network.

    Parameters
    ----------
    meeting : Region
        Of the codes that meet x.
    middle : Region
        Of their midpoints: its box is the same, since a box is convex.
    """

    meeting: Region
    middle: Region


def regions_of(problem: Problem, deadline: Deadline) -> Regions | None:
    """Bound the codes that meet x, and the midpoints of two of them.

    Parameters
    ----------
    problem : Problem
    deadline : Deadline
        Bounds that would not be done before it are left out.

    Returns
    -------
    Regions or None
        None proves that no code meets x.

    Raises
    ------
    InputError
        If neither the box nor the observation bounds the codes.
    """
    network, x = problem.network, problem.x
    sought = Sought(x, as_norm("inf"), ROOM * problem.scale)
    near = sought_region("convexity", network, problem.box, sought, deadline)
    if near is not None and not near.is_bounded:
        raise InputError("must be given, and bounded: the observation does not bound the code", parameter="box")
    if near is None:
        return None
    meeting = Region(near.code, (*near.pre_activations[:-1], _held(network[-1], near.pre_activations[-1], x)))
    return Regions(meeting, Region(near.code, crown_bounds(network, near.code, deadline=deadline)))


def _held(layer: Layer, bound: Box, x: FloatArray) -> Box:
    """Return the bounds that hold the last layer to x: an equation, or "not positive" where a ReLU is to be off."""
    target = layer.activation.inverse(x)
    off = (x == 0.0) & layer.activation.cuts
    return Box(np.where(off, np.minimum(bound.lower, 0.0), target), np.where(off, 0.0, target))


def build_convexity_program(problem: Problem, regions: Regions, least: float) -> ConcreteModel | None:
    """Return the program that asks whether the midpoint of two codes that meet x can miss it.

    ::

        max  v    v <= s (G(m) - x)_j + M (1 - pick_js),    sum_js pick_js = 1,    v >= least
                  m = (z1 + z2) / 2,    G(z1) = G(z2) = x

    over outputs j and signs s = +1, -1 which the bounds leave open. It is infeasible where no midpoint
    misses x by `least`. One program with a choice of (j, s) was faster than one program for each.

    Two rows more keep every pair and help the solver: the two codes are interchangeable, so that
    ``z1_0 <= z2_0``; and the first layer is convex in the code, so that its output at m is at most the mean.

    Parameters
    ----------
    problem : Problem
        Its observation has no negative entry where the last layer is ReLU.
    regions : Regions
    least : float
        Violations below this do not count.

    Returns
    -------
    pyomo.environ.ConcreteModel or None
        Blocks ``first``, ``second`` and ``middle``, each with ``z`` and ``layer[i]``; ``pick[j, s]``,
        ``violation``. None where the bounds alone exclude a violation.

    References
    ----------
    A closed set is convex iff it is midpoint-convex; the program is derived for this project.
    """
    network, x = problem.network, problem.x
    last = regions.middle.pre_activations[-1]
    above, below = network[-1].activation(last.upper) - x, x - network[-1].activation(last.lower)
    most = {(j, 1): above[j] for j in range(x.size)} | {(j, -1): below[j] for j in range(x.size)}
    most = {miss: float(value) for miss, value in most.items() if value >= least}
    if not most:
        return None
    model = ConcreteModel()
    with PauseGC():
        model.first, model.second, model.middle = Block(), Block(), Block()
        one = _add_copy(model.first, network, regions.meeting)
        two = _add_copy(model.second, network, regions.meeting)
        between = _add_copy(model.middle, network, regions.middle)
        model.halfway = Constraint(
            range(network.n_in),
            rule=lambda m, i: linear([1.0, 1.0, -2.0], [m.first.z[i], m.second.z[i], m.middle.z[i]]) == 0.0,
        )
        model.ordered = Constraint(expr=model.first.z[0] <= model.second.z[0])
        _add_convexity_of_first_layer(model, one[0], two[0], between[0])
        _add_violation(model, between[-1], x, least, most, np.maximum(above, below))
    return model


def _add_copy(block: Any, network: Network, region: Region) -> list[list[Any]]:
    """Write one copy of the network; return the outputs of each layer."""
    add_code(block, network, region)
    return encode_network(block, network, region, BigM())


def _add_convexity_of_first_layer(model: Any, one: list[Any], two: list[Any], between: list[Any]) -> None:
    present = {j: variable for j, variable in enumerate(between) if variable is not None}
    model.below_mean = Constraint(
        list(present), rule=lambda _, j: 2.0 * present[j] <= sum(h for h in (one[j], two[j]) if h is not None)
    )


def _add_violation(
    model: Any, outputs: list[Any], x: FloatArray, least: float, most: dict[Miss, float], reach: FloatArray
) -> None:
    """Add the violation v, the choice of what is missed, and the objective; |G(m) - x| is at most `reach`."""
    largest = max(most.values())
    model.violation = Var(bounds=(least, largest))
    model.pick = Var(list(most), domain=Binary)
    model.one_is_missed = Constraint(expr=sum(model.pick.values()) == 1)

    def missed(m: Any, j: int, sign: int) -> Any:
        big_m = largest + float(reach[j])
        output = 0.0 if outputs[j] is None else outputs[j]
        return m.violation + big_m * m.pick[j, sign] - sign * output <= big_m - sign * float(x[j])

    model.missed = Constraint(list(most), rule=missed)
    model.objective = Objective(expr=model.violation, sense=maximize)


def read_pair(model: ConcreteModel, regions: Regions) -> tuple[tuple[FloatArray, FloatArray], tuple[Pattern, Pattern]]:
    """Read the two codes from a solved model, and their activation patterns by the solver's binaries."""
    blocks = model.first, model.second
    codes = [np.array([float(variable.value) for variable in block.z.values()]) for block in blocks]
    patterns = [
        tuple(_pattern(block.layer[i], bound) for i, bound in enumerate(regions.meeting.pre_activations, start=1))
        for block in blocks
    ]
    return (codes[0], codes[1]), (patterns[0], patterns[1])


def _pattern(block: Any, bound: Box) -> NDArray[np.bool_]:
    on = bound.lower + bound.upper > 0.0
    for j, variable in block.on.items():
        on[j] = variable.value > 0.5
    return on
