"""L-BFGS-B within a box and until a deadline: one way to call SciPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import Bounds, minimize

from pyomo_relu.box import Box
from pyomo_relu.deadline import Deadline
from pyomo_relu.validation import FloatArray


def lbfgs(
    loss: Callable[[FloatArray], tuple[float, FloatArray]],
    start: FloatArray,
    box: Box,
    deadline: Deadline,
    **options: Any,
) -> tuple[FloatArray, float]:
    """Return where a descent from `start` ends, in the box, and the loss there.

    Parameters
    ----------
    loss : callable
        ``z -> (value, gradient)``.
    start : array, shape (k,)
        In the box.
    box : Box
    deadline : Deadline
        It ends with the iteration that is under way then.
    options
        Of SciPy's ``minimize(method="L-BFGS-B")``.

    Examples
    --------
    >>> end, value = lbfgs(lambda z: (float(z @ z), 2.0 * z), np.ones(2), Box.of((0.5, 3.0), 2), Deadline())
    >>> end.tolist(), value
    ([0.5, 0.5], 0.5)
    """

    def stop_when_late(_: FloatArray) -> None:
        if deadline.expired:
            raise StopIteration

    end = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(box.lower, box.upper),
        callback=stop_when_late,
        options=options,
    )
    return box.clip(np.asarray(end.x)), float(end.fun)
