"""Equation (4) of the paper: one layer whose observation is exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pyomo.common.gc_manager import PauseGC
from pyomo.environ import ConcreteModel, Objective

from pyomo_relu.box import Box
from pyomo_relu.errors import InputError
from pyomo_relu.formulations.layer import LayerAnswer, code_of, new_layer_model, observed_rows
from pyomo_relu.formulations.rows import dense_rows, indices
from pyomo_relu.layer import Layer
from pyomo_relu.norms import NormName
from pyomo_relu.solvers import Solver, solve
from pyomo_relu.solvers.calls import LP, Call
from pyomo_relu.status import Status
from pyomo_relu.tolerance import REFUTED
from pyomo_relu.validation import FloatArray, as_number


@dataclass(frozen=True)
class LayerRealizable:
    """Find a code that meets an exact observation, or learn that there is none (M3).

    For t_j = w_j . z + b_j::

        t_j  = x_j            rows with x_j > 0
        t_j <= 0              rows with x_j = 0
        t_j  = phi^{-1}(x_j)  LeakyReLU and linear layers, equation (5)

    Parameters
    ----------
    threshold : float
        Relative to ``max(1, max |x|)``: a ReLU output above it counts as on, and one below
        minus it as a mistake. Solvers leave dust of this size on inner layers, never zeros.

    Raises
    ------
    InputError
        If a ReLU layer is asked to give a clearly negative output; use `LayerLinf` or
        `LayerL1` for noisy observations.

    References
    ----------
    Lei, Jalal, Dhillon, Dimakis (2019), equations (4) and (5).

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> layer = pr.Layer([[1.0], [-1.0], [2.0]])
    >>> pr.invert_layer(layer, [1.5, 0.0, 3.0], pr.LayerRealizable()).z.round(6).tolist()
    [1.5]
    >>> pr.invert_layer(layer, [1.5, 0.0, 4.0], pr.LayerRealizable()).status.value
    'infeasible'
    """

    threshold: float = 1e-8
    name: ClassVar[str] = "realizable"
    norm: ClassVar[NormName] = "inf"

    def __post_init__(self) -> None:
        as_number(self.threshold, "threshold")

    def model(
        self, layer: Layer, x: FloatArray, *, box: Box | None = None, mask: object = None, width: float = 0.0
    ) -> ConcreteModel:
        """Return the LP as a plain Pyomo model.

        Parameters
        ----------
        layer : Layer
        x : array_like, shape (n_out,)
        box : Box, optional
            Bounds of the code.
        mask : array_like of bool, shape (n_out,), optional
            True where observed.
        width : float
            Every code whose output is within this of `x`, in every entry, is feasible.

        Returns
        -------
        pyomo.environ.ConcreteModel
            ``code`` the variables; ``on`` and ``off`` the rows of outputs that are positive or zero; ``objective``.

        Raises
        ------
        ShapeError, InputError
            If an input does not fit, or a ReLU output is observed below zero.

        Examples
        --------
        >>> import pyomo_relu as pr
        >>> model = pr.LayerRealizable().model(pr.Layer([[1.0], [-1.0], [2.0]]), [1.5, 0.0, 3.0])
        >>> [str(row.expr) for row in model.on.values()]
        ['code[0]  ==  1.5', '2.0*code[0]  ==  3.0']
        """
        as_number(width, "width")
        layer, x = observed_rows(layer, x, mask)
        cut = self._cut(x)
        cuts = layer.activation.cuts
        if (x[cuts] < -cut).any():
            j = int(np.where(cuts, x, np.inf).argmin())
            raise InputError(
                f"observation is {x[j]:.3g} at {j}, but a ReLU output is never negative: no code meets it "
                "exactly; use LayerLinf or LayerL1 for noisy observations"
            )
        model = new_layer_model(layer, box)
        lower = np.where(cuts & (x <= max(cut, width)), -np.inf, layer.activation.inverse(x - width))
        upper = layer.activation.inverse(np.where(cuts, np.maximum(x, 0.0), x) + width)
        on, off = np.isfinite(lower), ~np.isfinite(lower)
        with PauseGC():
            code = list(model.code.values())
            model.on = dense_rows(
                indices(on), layer.weight[on], code, lower=(lower - layer.bias)[on], upper=(upper - layer.bias)[on]
            )
            model.off = dense_rows(indices(off), layer.weight[off], code, upper=(upper - layer.bias)[off])
            model.objective = Objective(expr=0.0 * model.code[0])
        return model

    def _cut(self, x: FloatArray) -> float:
        return self.threshold * max(1.0, float(np.abs(x).max()))

    def solver_calls(self, solver: Solver) -> tuple[Call, ...]:
        """Return what it hands to solvers; see :func:`pyomo_relu.solvers.solver_calls`."""
        return (Call(solver, LP),)

    def solve(self, layer: Layer, x: FloatArray, box: Box, solver: Solver) -> LayerAnswer:
        """Find the code; see :class:`pyomo_relu.formulations.LayerFormulation`.

        Where the LP is infeasible, a second one, wider than any solver's tolerance, tells
        whether this is a proof that no code meets the observation.
        """
        model = self.model(layer, x, box=box)
        outcome = solve(model, solver, LP)
        found, n_solves, bound = outcome.status.ok, 1, None
        if outcome.status is Status.INFEASIBLE:
            width = REFUTED * max(1.0, float(np.abs(x).max()))
            refuted = solve(self.model(layer, x, box=box, width=width), solver, LP).status is Status.INFEASIBLE
            n_solves, bound = 2, width if refuted else None
        return LayerAnswer(
            status=Status.SOLVED if found else outcome.status,
            code=code_of(model, box) if found else None,
            active=~layer.activation.cuts | (x > self._cut(x)),
            eps=None,
            objective=None,
            dual_bound=bound,
            n_solves=n_solves,
            solver=outcome.solver,
            message=outcome.message,
        )
