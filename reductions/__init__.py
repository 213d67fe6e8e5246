"""NP-hardness instances and the convexity of pre-images, as ReLU networks."""

from collections.abc import Callable

from reductions.bias_free import BiasFree
from reductions.binary_code import BinaryCode
from reductions.box_form import BoxForm
from reductions.cnf import CNF, Normalised
from reductions.coloring import Coloring
from reductions.convexity_family import ConvexityFamily
from reductions.depth_two import DepthTwo
from reductions.dimacs import DimacsError, DimacsWarning
from reductions.exchange import write_instance
from reductions.incidence import Component, components, draw, incidence_graph, join
from reductions.independent_set import IndependentSet
from reductions.instance import Instance, Reduction
from reductions.leaky import LeakyDepthTwo
from reductions.max_cut import MaxCut, cut_weight
from reductions.max_sat import MaxSat
from reductions.obfuscate import obfuscate
from reductions.oracle import models, solve, unsat_proof
from reductions.proof import check_proof
from reductions.random_formulas import planted_cnf, random_cnf
from reductions.suite import write_suite
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

__all__ = [
    "CNF",
    "GRAPH_REDUCTIONS",
    "REDUCTIONS",
    "BiasFree",
    "BinaryCode",
    "BoxForm",
    "Coloring",
    "Component",
    "ConvexityFamily",
    "DepthTwo",
    "DimacsError",
    "DimacsWarning",
    "IndependentSet",
    "Instance",
    "LeakyDepthTwo",
    "MaxCut",
    "MaxSat",
    "Normalised",
    "Reduction",
    "ThreeSat",
    "VertexCover",
    "check_proof",
    "components",
    "cut_weight",
    "draw",
    "incidence_graph",
    "join",
    "models",
    "obfuscate",
    "planted_cnf",
    "random_cnf",
    "solve",
    "unsat_proof",
    "write_instance",
    "write_suite",
]
