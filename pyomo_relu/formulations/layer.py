"""What every one-layer formulation has in common: its inputs, its answer, its protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pyomo.common.gc_manager import PauseGC
from pyomo.environ import ConcreteModel, Var

from pyomo_relu.box import Box
from pyomo_relu.formulations.extensible import ExtensibleModel
from pyomo_relu.formulations.row_sides import largest_signal, needed_deviations
from pyomo_relu.layer import Layer
from pyomo_relu.norms import NormName, norm_of
from pyomo_relu.problem import observed
from pyomo_relu.solvers import Solver
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray, as_vector

DUST = 1e-9
"""Outputs below this, relative to the largest, count as zero: what solvers leave behind is not a signal."""


@dataclass(frozen=True)
class LayerAnswer:
    """What a formulation found for one layer.

    Parameters
    ----------
    status : Status
    code : array, shape (n_in,), or None
    active : array of bool, shape (n_out,)
        The rows that were held to the observation from both sides.
    eps : float or None
        The tolerance that was reached.
    objective : float or None
        Objective of the last LP.
    dual_bound : float or None
        A bound from below, trusted to the solver, on the layer's residual over all codes.
    n_solves : int
        How many LPs (or linear solves) it took.
    message : str
        One line on what went wrong.
    solver : str
        Name and version of what solved it.
    singular_values : array or None
        Of the weights of the active rows, largest first, where the solve found them.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> layer = pr.Layer([[1.0], [-1.0], [2.0]])
    >>> answer = pr.LinearSolve().solve(layer, np.array([1.5, 0.0, 3.0]), pr.Box.everything(1), pr.Solver())
    >>> answer.status.value, answer.code.round(6).tolist(), answer.active.tolist(), answer.n_solves
    ('solved', [1.5], [True, False, True], 1)
    """

    status: Status
    code: FloatArray | None
    active: NDArray[np.bool_]
    eps: float | None
    objective: float | None
    dual_bound: float | None
    n_solves: int
    solver: str
    message: str = ""
    singular_values: FloatArray | None = None


@runtime_checkable
class LayerFormulation(Protocol):
    """How one layer is inverted; a new one is a file beside this with these members.

    It may have ``solver_calls(solver)`` besides, as :class:`~pyomo_relu.inversion.Method` may.

    Attributes
    ----------
    name : str
        Its name in messages.
    norm : "inf", 1 or 2
        Of the residual that it makes small.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> isinstance(pr.LayerLinf(), LayerFormulation), pr.LayerLinf.name, pr.LayerL1.norm
    (True, 'linf', 1)
    """

    name: ClassVar[str]
    norm: ClassVar[NormName]

    def solve(self, layer: Layer, x: FloatArray, box: Box, solver: Solver) -> LayerAnswer:
        """Find a code in `box` whose output is near `x`.

        Parameters
        ----------
        layer : Layer
        x : array, shape (n_out,)
            Finite.
        box : Box
            Of the code, of ``n_in`` axes; infinite where it is free.
        solver : Solver

        Returns
        -------
        LayerAnswer
            Trouble during a solve is its status.

        Raises
        ------
        InputError
            If the observation is no output of such a layer, as a LeakyReLU's that is out of range.
        CapabilityError, SolverConfigError, SolverUnavailableError
            As :func:`pyomo_relu.invert`.
        """
        ...


def observed_rows(layer: Layer, x: Any, mask: Any = None) -> tuple[Layer, FloatArray]:
    """Return the layer and the observation, restricted to the rows that `mask` says are observed.

    Raises
    ------
    ShapeError, InputError
        If `x` or `mask` does not have ``n_out`` entries, none is observed, or an observed one is not finite.
    """
    if mask is None:
        return layer, as_vector(x, layer.n_out, "observation")
    seen, values = observed(x, mask, layer.n_out)
    return layer.rows(seen), values


def new_layer_model(layer: Layer, box: Any = None) -> ConcreteModel:
    """Return a model that has only the code's variables, within `box` where there is one.

    Raises
    ------
    InputError, ShapeError
        If `box` is no box of ``n_in`` axes.
    """
    box = Box.everything(layer.n_in) if box is None else Box.of(box, layer.n_in)
    model = ExtensibleModel()
    with PauseGC():
        lower = [None if v == -np.inf else float(v) for v in box.lower]
        upper = [None if v == np.inf else float(v) for v in box.upper]
        model.code = Var(range(layer.n_in), bounds=lambda _, i: (lower[i], upper[i]))
    return model


def is_degenerate(
    layer: Layer, x: FloatArray, box: Box, eps: float, *, loss: float, objective: float, norm: NormName
) -> bool:
    """Whether a code that was found at the tolerance `eps` is arbitrary: 0 does as well, as no row holds an output up.

    That is the code of the box nearest to 0. It does as well if it is an optimum of the same LP, whose value is
    `objective`, or misses `x` by no more than the `loss` of the code that was found.
    """
    scale, signal = max(1.0, float(np.abs(x).max())), largest_signal(layer, x)
    if signal <= DUST * scale or eps < signal:
        return False
    nearest = box.clip(np.zeros(layer.n_in))
    more_in_the_lp = norm_of(needed_deviations(layer, x, eps, nearest), norm) - objective
    more_in_truth = norm_of(layer(nearest) - x, norm) - loss
    return min(more_in_the_lp, more_in_truth) <= DUST * scale


def code_of(model: ConcreteModel, box: Box) -> FloatArray:
    """Read the code from a solved model, moved into the box where the solver's tolerance left it."""
    # A variable in no row is never seen by the solver: any value in the box will do.
    values = [0.0 if variable.value is None else float(variable.value) for variable in model.code.values()]
    return box.clip(np.array(values))
