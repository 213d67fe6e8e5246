"""Invert ReLU networks, layer by layer and exactly, with any solver, and prove it."""

from pyomo_relu.lazy import attach
from pyomo_relu.pyomo_names import announce

__version__ = "0.1.0"

__all__ = list(
    attach(
        __name__,
        {
            "batch": ("Batch", "Failure", "Processes", "invert_many"),
            "box": ("Box",),
            "certificate": ("Certificate", "Claim", "Standing"),
            "errors": (
                "CapabilityError",
                "InputError",
                "MissingDependencyError",
                "NetworkFileError",
                "PyomoReluError",
                "ShapeError",
                "SolverConfigError",
                "SolverUnavailableError",
                "StatusError",
            ),
            "formulations": (
                "Bisection",
                "Geometric",
                "LayerL1",
                "LayerLinf",
                "LayerRealizable",
                "LayerRelaxed",
                "LinearSolve",
            ),
            "inversion": (
                "Descent",
                "Exact",
                "Extent",
                "GradientDescent",
                "Hybrid",
                "Layerwise",
                "ProjectedGradient",
                "extent",
                "invert",
                "invert_layer",
            ),
            "layer": ("Layer",),
            "norms": ("Huber",),
            "network": ("Network", "load_network"),
            "preimage": ("Preimage", "TreeProof", "preimage", "prove_bound"),
            "result": ("LayerReport", "Result"),
            "solvers": ("Solver", "available_solvers"),
            "status": ("Status",),
        },
        modules=("bounds", "generator", "io", "plots"),
    )
)

announce()
