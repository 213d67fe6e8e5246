"""What the experiments invert: the paper's random networks, noise, and what a row says of an answer."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from pyomo_relu.accuracy import psnr, relative_error
from pyomo_relu.experiments.experiment import Row
from pyomo_relu.inversion import Method
from pyomo_relu.network import Network
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.solvers import Solver
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray


def gaussian_network(sizes: Sequence[int], rng: np.random.Generator, slope: float = 0.0) -> Network:
    """Draw a network as in the paper's section 5.1: no biases, the entries of W_i from N(0, 1/n_i), n_i its rows.

    With this variance ``W_i^T W_i`` is about the identity, so that descent with the paper's learning rate of 1
    is stable; with one over the columns it would diverge.

    Parameters
    ----------
    sizes : sequence of int
        ``(k, n_1, ..., n_d)``.
    rng : numpy.random.Generator
    slope : float
        Of the activations left of zero.

    Examples
    --------
    >>> gaussian_network((2, 6, 12), np.random.default_rng(0)).sizes
    (2, 6, 12)
    """
    weights = [rng.normal(0.0, n_out**-0.5, (n_out, n_in)) for n_in, n_out in itertools.pairwise(sizes)]
    return Network.from_arrays(weights, slopes=slope)


def noise(kind: str, level: float, size: int, rng: np.random.Generator) -> FloatArray:
    """Draw noise: ``"uniform"`` in [-level, level], or ``"gaussian"`` with the standard deviation `level`.

    Examples
    --------
    >>> bool(np.abs(noise("uniform", 0.1, 50, np.random.default_rng(0))).max() <= 0.1)
    True
    """
    if kind == "uniform":
        return rng.uniform(-level, level, size)
    return rng.normal(0.0, level, size)


def struck(image: FloatArray, portion: float, rng: np.random.Generator) -> FloatArray:
    """Return an image in which each pixel is replaced by a draw from U(0, 1) with the probability `portion`.

    Examples
    --------
    >>> int((struck(np.full(1000, 2.0), 0.05, np.random.default_rng(0)) < 2.0).sum())
    45
    """
    hit = rng.random(image.size) < portion
    return np.where(hit, rng.random(image.size), image)


CLEAREST = 200.0
"""PSNR from which on all is rounding; JSON has no infinity."""


def pictured(net: Network, result: Result, target: FloatArray) -> Row:
    """Return what a row says of an image: its PSNR against `target` in dB, at most 200, and its code.

    Examples
    --------
    >>> from pyomo_relu.inversion import invert
    >>> net = Network.from_arrays([[[1.0]]])
    >>> pictured(net, invert(net, [0.5]), np.array([0.5]))
    {'psnr': 200.0, 'z': [0.5]}
    """
    if result.z is None:
        return {"psnr": None, "z": None}
    return {"psnr": min(psnr(net(result.z), target), CLEAREST), "z": result.z.tolist()}


def solved(
    problem: Problem, method: Method, truth: FloatArray | None, limit: float | None = None
) -> tuple[Result, Row]:
    """Invert with one thread, and return the result with what a row says of it.

    Parameters
    ----------
    problem : Problem
    method : Method
    truth : array, shape (k,), or None
        Seen by nothing but the error.
    limit : float, optional
        Seconds for one solve.

    Returns
    -------
    tuple of Result and Row
        ``error``: relative, of the code, 2-norm; None where there is no code, or no truth.

    Raises
    ------
    KeyboardInterrupt
        Where Ctrl-C ended the solve: what it found till then is no result.
    """
    result = method.run(problem, Solver(None, time_limit=limit, threads=1))
    if result.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    error = None if result.z is None or truth is None else relative_error(result.z, truth)
    return result, {"error": error, "status": result.status.value, "seconds": round(result.seconds, 4)}
