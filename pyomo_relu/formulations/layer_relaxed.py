"""Equation (8) of the paper: one layer, without deciding which rows are on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pyomo.common.gc_manager import PauseGC
from pyomo.environ import ConcreteModel, Objective, maximize

from pyomo_relu.box import Box
from pyomo_relu.deadline import Deadline
from pyomo_relu.formulations.layer import LayerAnswer, code_of, new_layer_model, observed_rows
from pyomo_relu.formulations.rows import dense_rows, linear
from pyomo_relu.layer import Layer
from pyomo_relu.norms import NormName
from pyomo_relu.solvers import Solver, solve
from pyomo_relu.solvers.calls import LP, Call
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray, as_number


@dataclass(frozen=True)
class LayerRelaxed:
    """Push every pre-activation up, in proportion to what was observed (M6).

    For t_j = w_j . z + b_j::

        max  sum_j max(x_j, 0) t_j
        s.t. t_j <= max(x_j + eps, 0)                      ReLU
             t_j <= x_j + eps, or (x_j + eps)/c below 0    LeakyReLU(c), linear

    As printed the right side is ``x_j + eps``, which no code may meet where
    ``x_j < -eps``; a ReLU output is never below zero, so ``max(., 0)`` loses nothing.

    Parameters
    ----------
    eps : float
        The noise level. No signal in the LP tells it; give one formulation a layer to
        `Layerwise` where it grows with depth.

    Raises
    ------
    InputError
        If `eps` is negative or not finite.

    References
    ----------
    Lei, Jalal, Dhillon, Dimakis (2019), equation (8).

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> layer = pr.Layer([[1.0], [-1.0], [2.0]])
    >>> pr.invert_layer(layer, [1.5, 0.0, 3.0], pr.LayerRelaxed()).z.round(6).tolist()
    [1.5]
    """

    eps: float = 0.0
    name: ClassVar[str] = "relaxed"
    norm: ClassVar[NormName] = 1

    def __post_init__(self) -> None:
        as_number(self.eps, "eps")

    def model(self, layer: Layer, x: FloatArray, *, box: Box | None = None, mask: object = None) -> ConcreteModel:
        """Return the LP as a plain Pyomo model.

        Parameters
        ----------
        layer : Layer
        x : array_like, shape (n_out,)
        box : Box, optional
            Bounds of the code.
        mask : array_like of bool, shape (n_out,), optional
            True where observed.

        Returns
        -------
        pyomo.environ.ConcreteModel
            ``code`` the variables; ``upper`` the rows; ``objective``, to be maximised.

        Raises
        ------
        ShapeError, InputError
            If an input does not fit.

        Examples
        --------
        >>> import pyomo_relu as pr
        >>> model = pr.LayerRelaxed().model(pr.Layer([[1.0], [2.0]]), [1.5, 3.0])
        >>> [str(row.expr) for row in model.upper.values()]
        ['code[0]  <=  1.5', '2.0*code[0]  <=  3.0']
        """
        layer, x = observed_rows(layer, x, mask)
        model = new_layer_model(layer, box)
        most = x + self.eps
        upper = layer.activation.inverse(np.where(layer.activation.cuts, np.maximum(most, 0.0), most))
        with PauseGC():
            code = list(model.code.values())
            model.upper = dense_rows(range(layer.n_out), layer.weight, code, upper=upper - layer.bias)
            gain = np.maximum(x, 0.0) @ layer.weight
            model.objective = Objective(expr=linear(gain.tolist(), code), sense=maximize)
        return model

    def solver_calls(self, solver: Solver) -> tuple[Call, ...]:
        """Return what it hands to solvers; see :func:`pyomo_relu.solvers.solver_calls`."""
        return (Call(solver, LP),)

    def solve(self, layer: Layer, x: FloatArray, box: Box, solver: Solver) -> LayerAnswer:
        """Find the code; see :class:`pyomo_relu.formulations.LayerFormulation`."""
        model = self.model(layer, x, box=box)
        deadline, n_solves = Deadline.after(solver.time_limit), 1
        outcome = solve(model, solver.until(deadline), LP)
        if outcome.status is Status.INFEASIBLE_OR_UNBOUNDED:
            # Its rows bound it: costs of 1e12 are what solvers say so of.
            unit = float(np.abs(np.maximum(x, 0.0) @ layer.weight).max()) or 1.0
            model.objective.expr = model.objective.expr / unit
            outcome, n_solves = solve(model, solver.until(deadline), LP).times(unit), 2
        code = code_of(model, box) if outcome.status.ok else None
        status, active = outcome.status, np.zeros(layer.n_out, dtype=bool)
        message = outcome.message
        if status is Status.UNBOUNDED:
            # The objective is a sum of left sides of the rows, with factors of at least 0.
            status, message = Status.SOLVER_ERROR, f"{outcome.solver} calls an LP unbounded which its rows bound"
        if code is not None:
            status = Status.SOLVED
            active = ~layer.activation.cuts | (layer.pre_activation(code) > 0.0)
            if (x > self.eps).any() and not (active & (x > self.eps)).any():
                status = Status.DEGENERATE
        return LayerAnswer(
            status=status,
            code=code,
            active=active,
            eps=self.eps,
            objective=outcome.objective,
            dual_bound=None,
            n_solves=n_solves,
            solver=outcome.solver,
            message=message,
        )
