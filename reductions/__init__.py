"""NP-hardness instances and the convexity of pre-images, as ReLU networks."""

from pyomo_relu.lazy import attach

__all__ = list(
    attach(
        __name__,
        {
            "bias_free": ("BiasFree",),
            "binary_code": ("BinaryCode",),
            "box_form": ("BoxForm",),
            "cnf": ("CNF", "Normalised"),
            "coloring": ("Coloring",),
            "convexity": ("Convexity", "ConvexityVerdict", "check_preimage_convexity"),
            "convexity_family": ("ConvexityFamily",),
            "decide": ("Decision", "DecisionVerdict", "decide"),
            "depth_two": ("DepthTwo",),
            "dimacs": ("DimacsError", "DimacsWarning"),
            "examples": ("EXAMPLES", "Example", "draw_preimage_2d"),
            "exchange": ("write_instance",),
            "incidence": ("Component", "components", "draw", "incidence_graph", "join"),
            "independent_set": ("IndependentSet",),
            "instance": ("Instance", "Reduction"),
            "leaky": ("LeakyDepthTwo",),
            "max_cut": ("MaxCut", "cut_weight"),
            "max_sat": ("MaxSat",),
            "obfuscate": ("obfuscate",),
            "oracle": ("models", "solve", "unsat_proof"),
            "proof": ("check_proof",),
            "random_formulas": ("planted_cnf", "random_cnf"),
            "registry": ("GRAPH_REDUCTIONS", "REDUCTIONS"),
            "suite": ("write_suite",),
            "three_sat": ("ThreeSat",),
            "vertex_cover": ("VertexCover",),
        },
    )
)
