from reductions.bias_free import BiasFree
from reductions.binary_code import BinaryCode
from reductions.box_form import BoxForm
from reductions.cnf import CNF, Normalised
from reductions.coloring import Coloring
from reductions.convexity import Convexity, ConvexityVerdict, check_preimage_convexity
from reductions.convexity_family import ConvexityFamily
from reductions.decide import Decision, DecisionVerdict, decide
from reductions.depth_two import DepthTwo
from reductions.dimacs import DimacsError, DimacsWarning
from reductions.examples import EXAMPLES, Example, draw_preimage_2d
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
from reductions.registry import GRAPH_REDUCTIONS, REDUCTIONS
from reductions.suite import write_suite
from reductions.three_sat import ThreeSat
from reductions.vertex_cover import VertexCover

__all__ = [
    "CNF",
    "EXAMPLES",
    "GRAPH_REDUCTIONS",
    "REDUCTIONS",
    "BiasFree",
    "BinaryCode",
    "BoxForm",
    "Coloring",
    "Component",
    "Convexity",
    "ConvexityFamily",
    "ConvexityVerdict",
    "Decision",
    "DecisionVerdict",
    "DepthTwo",
    "DimacsError",
    "DimacsWarning",
    "Example",
    "IndependentSet",
    "Instance",
    "LeakyDepthTwo",
    "MaxCut",
    "MaxSat",
    "Normalised",
    "Reduction",
    "ThreeSat",
    "VertexCover",
    "check_preimage_convexity",
    "check_proof",
    "components",
    "cut_weight",
    "decide",
    "draw",
    "draw_preimage_2d",
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
