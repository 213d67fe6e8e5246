"""The reductions by name."""

from collections.abc import Callable

from pyomo_relu.errors import InputError
from reductions.bias_free import BiasFree
from reductions.binary_code import BinaryCode
from reductions.box_form import BoxForm
from reductions.coloring import Coloring
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
