"""What the experiments invert: the paper's random networks, noise, and how far an answer is from the truth."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pyomo_relu.inversion import Method
from pyomo_relu.network import Network
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.solvers import Solver
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


def relative(found: FloatArray, truth: FloatArray) -> float:
    """Return ``||found - truth||_2 / ||truth||_2``.

    Examples
    --------
    >>> relative(np.array([1.0, 1.0]), np.array([1.0, 0.0]))
    1.0
    """
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))


def psnr(image: FloatArray, truth: FloatArray) -> float:
    """Return the peak signal-to-noise ratio in dB, with peak 1; infinite for equal images.

    Examples
    --------
    >>> round(psnr(np.full(4, 0.6), np.full(4, 0.5)), 6)
    20.0
    """
    error = float(((image - truth) ** 2).mean())
    return math.inf if error == 0.0 else -10.0 * math.log10(error)


def solved(problem: Problem, method: Method, truth: FloatArray, limit: float | None = None) -> tuple[Result, Any]:
    """Invert with one thread, and return the result with what a row says of it.

    Parameters
    ----------
    problem : Problem
    method : Method
    truth : array, shape (k,)
        Seen by nothing but the error.
    limit : float, optional
        Seconds for one solve.

    Returns
    -------
    tuple of Result and dict
        ``error``: relative, of the code, 2-norm; None where there is no code.
    """
    result = method.run(problem, Solver(None, time_limit=limit, threads=1))
    error = None if result.z is None else relative(result.z, truth)
    return result, {"error": error, "status": result.status.value, "seconds": round(result.seconds, 4)}
