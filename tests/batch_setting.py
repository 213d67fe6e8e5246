"""The batch of the tests: seven observations of a network, and what of their answers must be equal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from batch_methods import MARK

import pyomo_relu as pr

NET = pr.Network.random((3, 12, 30), seed=4)
RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(7, 3))
X = NET(CODES) + RNG.uniform(-0.01, 0.01, (7, 30))
LINEAR = pr.Layerwise(pr.LinearSolve())


LINEAR_RESULTS = [pr.invert(NET, x, LINEAR) for x in X[:3]]


def comparable(answer: Any) -> Any:
    """Everything of a result but its wall clock."""
    if isinstance(answer, pr.Failure):
        return answer
    layers = [replace(layer, seconds=0.0) for layer in answer.layers]
    return {**vars(answer), "z": None if answer.z is None else answer.z.tolist(), "seconds": 0.0, "layers": layers}


def marked(*rows: int, count: int = 7) -> np.ndarray:
    """Observations, of which some ask the methods of the tests to fail."""
    x = np.resize(X, (count, 30)).copy()
    x[list(rows), 0] = 2.0 * MARK
    return x
