"""Theorem 2 of the paper: one layer by least squares on its active rows; no LP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from pyomo_relu.box import Box
from pyomo_relu.deadline import Deadline
from pyomo_relu.formulations.layer import LayerAnswer
from pyomo_relu.layer import Layer
from pyomo_relu.norms import NormName
from pyomo_relu.rank import rank_of, singular_values, svd_flops
from pyomo_relu.rounding import UNIT
from pyomo_relu.solvers import Solver
from pyomo_relu.solvers.calls import Call
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray, as_number


@dataclass(frozen=True)
class LinearSolve:
    """Solve the equations ``W z + b = x`` of the active rows, those with ``x_j > 0``, by least squares.

    Exact, and the fastest, where the observation is exact and the active rows have full
    column rank; then the code is unique. LeakyReLU layers use all rows, through
    the inverse activation (equation (5)).

    Parameters
    ----------
    threshold : float
        Relative to ``max(1, max |x|)``: a ReLU output above it counts as active. Never
        zero in practice: dust of 1e-12 is not a signal.

    Raises
    ------
    InputError
        If `threshold` is not a number of at least 0.

    References
    ----------
    Lei, Jalal, Dhillon, Dimakis (2019), Theorem 2 and equation (5).

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> layer = pr.Layer([[1.0, 0.0], [1.0, 1.0], [0.0, -1.0]])
    >>> pr.invert_layer(layer, [1.0, 3.0, 0.0], pr.LinearSolve()).z.round(6).tolist()
    [1.0, 2.0]
    >>> pr.invert_layer(layer, [1.0, 0.0, 0.0], pr.LinearSolve()).message
    'layer 1: 1 active rows of rank 1 for 2 unknowns'
    """

    threshold: float = 1e-9
    name: ClassVar[str] = "linear"
    norm: ClassVar[NormName] = 2

    def __post_init__(self) -> None:
        as_number(self.threshold, "threshold")

    def solver_calls(self, solver: Solver) -> tuple[Call, ...]:
        """Return what it hands to solvers; see :func:`pyomo_relu.solvers.solver_calls`."""
        return ()

    def solve(self, layer: Layer, x: FloatArray, box: Box, solver: Solver) -> LayerAnswer:
        """Find the code; the box is not imposed on it, and of the solver only the time limit counts."""
        cut = self.threshold * max(1.0, float(np.abs(x).max()))
        active, target = ~layer.activation.cuts | (x > cut), layer.activation.inverse(x)
        matrix, right = layer.dense(active), (target - layer.bias)[active]
        if not Deadline.after(solver.time_limit).affords(svd_flops(*matrix.shape)):
            said = "least squares does not fit in what is left of it"
            return self._answer(Status.TIME_LIMIT, None, active, cut, said)
        code, rank, values = None, len(matrix), None
        if len(matrix) >= layer.n_in:
            # As the report counts ranks: SciPy's own cut-off takes rounding errors of many rows for rank.
            cut_off = len(matrix) * UNIT
            code, _, rank, values = scipy.linalg.lstsq(matrix, right, cond=cut_off, lapack_driver="gelsd")
        elif rank:
            values = singular_values(matrix)
            rank = rank_of(values, matrix.shape)
        determined = rank == layer.n_in
        if not determined:
            said = f"{len(matrix)} active rows of rank {rank} for {layer.n_in} unknowns"
            return self._answer(Status.RANK_DEFICIENT, None, active, cut, said, values)
        return self._answer(Status.SOLVED, np.asarray(code), active, cut, "", values)

    def _answer(
        self,
        status: Status,
        code: FloatArray | None,
        active: NDArray[np.bool_],
        cut: float,
        message: str,
        values: FloatArray | None = None,
    ) -> LayerAnswer:
        by = f"SciPy {scipy.__version__}"
        return LayerAnswer(status, code, active, cut, None, None, 1, by, message, values)
