"""Every exception that pyomo-relu raises on purpose.

::

    PyomoReluError
    ├── InputError (ValueError)         bad input, refused at the door
    │   ├── ShapeError                  two sizes that do not fit
    │   ├── NetworkFileError            a file that is not understood, or is damaged
    │   └── SolverConfigError           unknown solver, unknown or ill-typed option
    ├── CapabilityError                 the solver cannot take this kind of model
    ├── SolverUnavailableError          the solver is not installed, or has no licence
    ├── MissingDependencyError (ImportError)   an optional package is not installed
    └── StatusError                     raised by ``Result.raise_for_status()`` only

Trouble *during* a solve (time limit, infeasible, crash, licence size) is never
an exception: it is a :class:`pyomo_relu.Status`.
"""

from __future__ import annotations


class PyomoReluError(Exception):
    """Base class of all errors that pyomo-relu raises on purpose."""


class InputError(PyomoReluError, ValueError):
    """Bad input. The message names the thing and both sizes, or the remedy."""


class ShapeError(InputError):
    """Two sizes that do not fit."""


class NetworkFileError(InputError):
    """A network file that is damaged, or that holds what is not understood."""


class SolverConfigError(InputError):
    """An unknown solver, an unknown option, or a value that does not fit one."""


class CapabilityError(PyomoReluError):
    """The chosen solver cannot take this kind of model."""


class SolverUnavailableError(PyomoReluError):
    """The chosen solver is not installed here, or does not run."""


class MissingDependencyError(PyomoReluError, ImportError):
    """An optional package is not installed; the message carries the pip line."""


class StatusError(PyomoReluError):
    """Raised by ``Result.raise_for_status()`` where an inversion did not succeed."""
