from pyomo_relu.batch import Batch, Failure, Processes, invert_many
from pyomo_relu.box import Box
from pyomo_relu.certificate import Certificate, Claim, Standing
from pyomo_relu.errors import (
    CapabilityError,
    InputError,
    MissingDependencyError,
    NetworkFileError,
    PyomoReluError,
    ShapeError,
    SolverConfigError,
    SolverUnavailableError,
    StatusError,
)
from pyomo_relu.formulations import (
    Bisection,
    Geometric,
    LayerL1,
    LayerLinf,
    LayerRealizable,
    LayerRelaxed,
    LinearSolve,
)
from pyomo_relu.inversion import (
    Descent,
    Exact,
    Extent,
    GradientDescent,
    Hybrid,
    Layerwise,
    ProjectedGradient,
    extent,
    invert,
    invert_layer,
)
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network, load_network
from pyomo_relu.norms import Huber
from pyomo_relu.preimage import Preimage, TreeProof, preimage, prove_bound
from pyomo_relu.result import LayerReport, Result
from pyomo_relu.solvers import Solver, available_solvers
from pyomo_relu.status import Status

__version__: str

__all__ = [
    "Batch",
    "Bisection",
    "Box",
    "CapabilityError",
    "Certificate",
    "Claim",
    "Descent",
    "Exact",
    "Extent",
    "Failure",
    "Geometric",
    "GradientDescent",
    "Huber",
    "Hybrid",
    "InputError",
    "Layer",
    "LayerL1",
    "LayerLinf",
    "LayerRealizable",
    "LayerRelaxed",
    "LayerReport",
    "Layerwise",
    "LinearSolve",
    "MissingDependencyError",
    "Network",
    "NetworkFileError",
    "Preimage",
    "Processes",
    "ProjectedGradient",
    "PyomoReluError",
    "Result",
    "ShapeError",
    "Solver",
    "SolverConfigError",
    "SolverUnavailableError",
    "Standing",
    "Status",
    "StatusError",
    "TreeProof",
    "available_solvers",
    "extent",
    "invert",
    "invert_layer",
    "invert_many",
    "load_network",
    "preimage",
    "prove_bound",
]
