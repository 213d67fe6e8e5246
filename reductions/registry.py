"""The reductions by name."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from pyomo_relu.errors import InputError
from reductions.bias_free import BiasFree
from reductions.binary_code import BinaryCode
from reductions.box_form import BoxForm
from reductions.coloring import Coloring
from reductions.convexity_family import ConvexityFamily
from reductions.depth_two import DepthTwo
from reductions.independent_set import IndependentSet
from reductions.instance import Reduction
from reductions.leaky import LeakyDepthTwo
from reductions.max_cut import MaxCut
from reductions.max_sat import MaxSat
from reductions.three_sat import ThreeSat
from reductions.vertex_cover import VertexCover

REDUCTIONS: dict[str, Reduction] = {
    reduction.name: reduction
    for reduction in (
        ThreeSat(),
        DepthTwo("zero"),
        DepthTwo("one"),
        BiasFree(),
        LeakyDepthTwo(),
        BoxForm(),
        BinaryCode(),
        MaxSat(),
    )
}
"""The reductions of formulas, by the names that the command line knows them by."""

GRAPH_REDUCTIONS: dict[str, Callable[[int], Reduction]] = {
    reduction.name: reduction for reduction in (Coloring, IndependentSet, VertexCover, MaxCut)
}
"""The reductions of graphs, each made from one number: of colours, of nodes, or the weight of a cut."""


def named_reduction(name: str) -> Reduction:
    """Return a reduction of formulas by its name.

    Raises
    ------
    InputError
        If there is none of this name.

    Examples
    --------
    >>> named_reduction("box")
    BoxForm()
    """
    if name not in REDUCTIONS:
        raise InputError(f"unknown reduction {name!r}; known: {', '.join(REDUCTIONS)}")
    return REDUCTIONS[name]


def restored(name: str, parameters: Mapping[str, Any]) -> Reduction:
    """Return the reduction of formulas that an instance came from, by what its manifest says.

    Parameters
    ----------
    name : str
    parameters : mapping
        As :func:`~reductions.instance.parameters_of` gives them; those that are left out have their defaults.

    Raises
    ------
    InputError
        If there is no such reduction, or it has no such parameters.

    Examples
    --------
    >>> restored("convexity", {"form": "empty", "via": {"reduction": "leaky", "parameters": {"slope": 0.1}}})
    ConvexityFamily(form='empty', via=LeakyDepthTwo(slope=0.1))
    """
    default: Any = ConvexityFamily() if name == ConvexityFamily.name else named_reduction(name)
    try:
        found: Reduction = replace(default, **{key: _read(value) for key, value in parameters.items()})
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name} has no such parameters: {json.dumps(parameters)[:80]}") from error
    return found


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return restored(value["reduction"], value["parameters"])
    if isinstance(value, list):
        return tuple(Fraction(*pair) for pair in value)
    return value
