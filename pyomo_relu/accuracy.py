"""How near an answer is to the truth."""

from __future__ import annotations

import math

import numpy as np

from pyomo_relu.validation import FloatArray


def relative_error(found: FloatArray, truth: FloatArray) -> float:
    """Return ``||found - truth||_2 / ||truth||_2``.

    Parameters
    ----------
    found, truth : array, of one shape
        The truth is not zero.

    Returns
    -------
    float

    Examples
    --------
    >>> relative_error(np.array([1.0, 1.0]), np.array([1.0, 0.0]))
    1.0
    """
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))


def psnr(image: FloatArray, truth: FloatArray, peak: float = 1.0) -> float:
    """Return the peak signal-to-noise ratio in dB; infinite for equal images.

    Parameters
    ----------
    image, truth : array, of one shape
    peak : float
        The largest value that an image may have.

    Returns
    -------
    float

    Examples
    --------
    >>> round(psnr(np.full(4, 0.6), np.full(4, 0.5)), 6)
    20.0
    """
    error = float(((image - truth) ** 2).mean())
    return math.inf if error == 0.0 else 20.0 * math.log10(peak) - 10.0 * math.log10(error)
