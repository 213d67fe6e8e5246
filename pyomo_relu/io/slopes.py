"""The `slopes` argument: activations for the files that hold none, an error for all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pyomo_relu.errors import InputError, NetworkFileError, ShapeError
from pyomo_relu.validation import as_finite_array


def refuse_slopes(slopes: object, source: object) -> None:
    """Refuse `slopes` where the source names its own activations."""
    if slopes is not None:
        raise InputError(f"must be left out: {source} holds its own activations", parameter="slopes")


def expand_slopes(slopes: float | Sequence[float] | None, n: int, source: object) -> list[float]:
    """Return one slope for each of the `n` layers of a source that holds no activations.

    Raises
    ------
    NetworkFileError
        If `slopes` is None: activations are never guessed.
    ShapeError, InputError
        If there are not `n` of them, or one is outside [0, 1].
    """
    if slopes is None:
        raise NetworkFileError(
            f"must be given: {source} holds no activations; one number for all or one for each of the "
            f"{n} layers (0 ReLU, between 0 and 1 LeakyReLU, 1 linear)",
            parameter="slopes",
        )
    if np.ndim(slopes) == 0:
        slopes = [slopes] * n  # type: ignore[list-item]
    array = as_finite_array(slopes, "slopes", 1)
    if array.size != n:
        raise ShapeError(f"{source}: got {n} weights but {array.size} slopes")
    if array.min() < 0.0 or array.max() > 1.0:
        raise InputError(f"must be in [0, 1] (0 ReLU, 1 linear), got {array.tolist()}", parameter="slopes")
    return [float(slope) for slope in array]
