"""Proofs in exact arithmetic: of lower bounds by a tree, of single cells and codes, by programs for exact solvers."""

from pyomo_relu.certified.rational_checks import cell_system, decide_cell, is_code, leaf_bound
from pyomo_relu.certified.rational_program import rational_program, write_rational_program
from pyomo_relu.certified.tree import TreeProof, prove_bound

__all__ = [
    "TreeProof",
    "cell_system",
    "decide_cell",
    "is_code",
    "leaf_bound",
    "prove_bound",
    "rational_program",
    "write_rational_program",
]
