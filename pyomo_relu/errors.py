"""Every exception that pyomo-relu raises on purpose.

::

    PyomoReluError
    ├── InputError (ValueError)         bad input, refused where it enters
    │   ├── ShapeError                  two sizes that do not fit
    │   ├── NetworkFileError            a file that is not understood, or is damaged
    │   └── SolverConfigError           unknown solver, unknown or ill-typed option
    ├── CapabilityError                 the solver cannot take this kind of model
    ├── SolverUnavailableError          the solver is not installed here, or is broken
    ├── MissingDependencyError (ImportError)   an optional package is not installed
    ├── LinearProgramError              of ``pyomo_relu.preimages``: an LP failed whose answer is a number or a point
    └── StatusError                     raised by ``Result.raise_for_status()`` only

Trouble *during* a solve (time limit, infeasible, crash, licence size) is a :class:`pyomo_relu.Status`,
and no exception where there is a result that has one.
"""

from __future__ import annotations


class PyomoReluError(Exception):
    """Base class of all errors that pyomo-relu raises on purpose.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> try:
    ...     pr.Box.of((1, -1), 2)
    ... except pr.PyomoReluError as error:
    ...     print(type(error).__name__, "-", error)
    InputError - box is empty: lower 1 exceeds upper -1 at 0
    """


class InputError(PyomoReluError, ValueError):
    """Bad input. The message names the thing and both sizes, or the remedy.

    Parameters
    ----------
    reason : str
        What is wrong, in one line.
    parameter : str, optional
        The parameter that is wrong. The message is then its name, followed by the reason; a command line, which has
        another name for it, puts that before the reason.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> pr.Layer([[float("nan")]])
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: weight has 1 entry that is not finite, the first at (0, 0)
    >>> try:
    ...     pr.Exact(starts=-1)
    ... except pr.InputError as error:
    ...     error.parameter, error.reason
    ('starts', 'must be an integer, at least 0, got -1')
    """

    def __init__(self, reason: str = "", *, parameter: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.parameter = reason, parameter

    def __str__(self) -> str:
        return self.reason if self.parameter is None else f"{self.parameter} {self.reason}"


class ShapeError(InputError):
    """Two sizes that do not fit.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> pr.invert(pr.Network.from_arrays([[[1.0], [-1.0]]]), [1.0])
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.ShapeError: observation has 1 entries, expected 2
    """


class NetworkFileError(InputError):
    """A network file that is damaged, or that holds what is not understood.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> pr.load_network("generator.h5")
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.NetworkFileError: generator.h5: unknown suffix '.h5'; known: .npz, .onnx, .pt, .pth
    """


class SolverConfigError(InputError):
    """An unknown solver, an unknown option, or a value that does not fit one.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> pr.Solver("highs", time_limit=-1)
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.SolverConfigError: time_limit must be a positive number of at most 1e+12, got -1
    """


class CapabilityError(PyomoReluError):
    """The chosen solver cannot take this kind of model.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> pr.invert(pr.Network.random((1, 2), seed=0), [1.0, 0.0], pr.Exact(encoding="sos1"), solver="highs")
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.CapabilityError: HiGHS does not take SOS1 models here; these do: scip, ...
    """


class SolverUnavailableError(PyomoReluError):
    """The chosen solver is not installed here, or is broken; a missing licence is a status.

    Examples
    --------
    >>> issubclass(SolverUnavailableError, InputError)     # the call may be right, and this machine not
    False
    """


class MissingDependencyError(PyomoReluError, ImportError):
    """An optional package is not installed; the message carries the pip line.

    Examples
    --------
    >>> issubclass(MissingDependencyError, ImportError)
    True
    """


class StatusError(PyomoReluError):
    """Raised by ``Result.raise_for_status()`` where an inversion did not succeed.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> result = pr.invert(pr.Network.from_arrays([[[1.0, 1.0]]]), [1.0], pr.Layerwise(pr.LinearSolve()))
    >>> result.raise_for_status()
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.StatusError: rank_deficient (layer 1: 1 active rows of rank 1 for 2 unknowns): fewer ...
    """
