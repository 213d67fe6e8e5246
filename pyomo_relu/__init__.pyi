from . import bounds as bounds
from . import generator as generator
from . import io as io
from . import plots as plots
from . import solvers as solvers
from .batch import Batch, Failure, Processes, invert_many
from .box import Box
from .certificate import Certificate, Claim, Standing
from .certified import TreeProof, prove_bound
from .errors import (
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
from .formulations import (
    Bisection,
    Geometric,
    LayerL1,
    LayerLinf,
    LayerRealizable,
    LayerRelaxed,
    LinearSolve,
)
from .inversion import (
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
from .layer import Layer
from .network import Network, load_network
from .norms import Huber
from .preimages import Preimage, preimage
from .result import LayerReport, Result
from .solvers import Solver, available_solvers
from .status import Status

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
