"""What bounds of a neuron's pre-activation say of its output, and the other way round; rounded outwards."""

from __future__ import annotations

import numpy as np

from pyomo_relu.rounding import gamma
from pyomo_relu.validation import FloatArray

Ends = tuple[FloatArray, FloatArray]
"""Lower and upper ends; unlike a `Box`, they may cross: then nothing lies between them."""


def after_activation(slope: float, bound: Ends) -> Ends:
    """Bound ``max(t, slope t)``; what is not rounded is not rounded outwards, so that 0 stays 0.

    Parameters
    ----------
    slope : float
    bound : (array, array), shape (n,)
        Of t.
    """
    low, high = (np.maximum(end, 0.0) if slope == 0.0 else np.where(end > 0.0, end, slope * end) for end in bound)
    grow = gamma(1) if 0.0 < slope < 1.0 else 0.0
    return np.where(low < 0.0, low * (1.0 + grow), low), np.where(high < 0.0, high * (1.0 - grow), high)


def before_activation(slope: float, output: Ends) -> Ends:
    """Bound t by bounds of ``max(t, slope t)``, the inverse of :func:`after_activation`.

    Parameters
    ----------
    slope : float
    output : (array, array), shape (n,)

    Examples
    --------
    >>> low, high = before_activation(0.0, (np.array([0.0, 0.5]), np.array([0.25, 1.0])))
    >>> low.tolist(), high.tolist()     # an output of zero leaves every negative pre-activation open
    ([-inf, 0.5], [0.25, 1.0])
    """
    low, high = output
    if slope == 0.0:
        return np.where(low > 0.0, low, -np.inf), np.maximum(high, 0.0)
    low, high = np.where(low > 0.0, low, low / slope), np.where(high > 0.0, high, high / slope)
    grow = gamma(1) if slope < 1.0 else 0.0
    return np.where(low < 0.0, low * (1.0 + grow), low), np.where(high < 0.0, high * (1.0 - grow), high)
