from .bias_free import BiasFree
from .binary_code import BinaryCode
from .box_form import BoxForm
from .cnf import CNF, Normalised
from .coloring import Coloring
from .convexity import Convexity, ConvexityVerdict, check_preimage_convexity
from .convexity_family import ConvexityFamily
from .decide import Decision, DecisionVerdict, decide
from .depth_two import DepthTwo
from .dimacs import DimacsError, DimacsWarning
from .examples import EXAMPLES, Example, draw_preimage_2d
from .exchange import write_instance
from .incidence import Component, components, draw, incidence_graph, join
from .independent_set import IndependentSet
from .instance import Instance, Reduction
from .leaky import LeakyDepthTwo
from .max_cut import MaxCut, cut_weight
from .max_sat import MaxSat
from .obfuscate import obfuscate
from .oracle import models, solve, unsat_proof
from .random_formulas import planted_cnf, random_cnf
from .refutation import check_proof
from .registry import GRAPH_REDUCTIONS, REDUCTIONS
from .suite import write_suite
from .three_sat import ThreeSat
from .vertex_cover import VertexCover

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
