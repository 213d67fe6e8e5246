"""Algorithm 2 of the paper: one layer, l1 error."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from pyomo.common.gc_manager import PauseGC
from pyomo.environ import ConcreteModel, Objective, Var
from scipy.sparse import identity

from pyomo_relu.box import Box
from pyomo_relu.deadline import Deadline
from pyomo_relu.errors import InputError
from pyomo_relu.formulations.layer import LayerAnswer, code_of, is_degenerate, new_layer_model, observed_rows
from pyomo_relu.formulations.layer_linf import LayerLinf
from pyomo_relu.formulations.layer_rows import LayerRows
from pyomo_relu.formulations.row_sides import breakpoints, largest_signal, row_sides
from pyomo_relu.formulations.rows import linear
from pyomo_relu.formulations.schedule import Geometric
from pyomo_relu.layer import Layer
from pyomo_relu.norms import NormName
from pyomo_relu.solvers import Session, Solver
from pyomo_relu.solvers.calls import LP, Call
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray, as_number


@dataclass(frozen=True)
class LayerL1:
    """Minimise the sum of one layer's deviations from the observation (M5).

    The LP at a tolerance eps, for t_j = w_j . z + b_j and with alpha, beta of
    ``pyomo_relu/formulations/row_sides.py`` (ReLU: rows with x_j > eps have a lower side)::

        min  sum_j e_j
        s.t. t_j >= alpha_j (x_j - e_j)     rows with a lower side
             t_j <= beta_j  (x_j + e_j)     all rows
             e_j >= max(-x_j, 0)

    Rounds, with eps growing, go on while the true loss ``||phi(Wz + b) - x||_1`` falls.

    Parameters
    ----------
    eps : float, optional
        The paper's initial guess of the error, in the units of the observation. Where not
        given, it is the least l-infinity deviation of the layer: from a guess far below the
        noise the algorithm stops at once, with rows "on" that are only noise.
    schedule : Geometric
        How eps grows from round to round. Rounds in which no row changes its kind have the
        same LP, and are passed over.

    Raises
    ------
    InputError
        If `eps` is not a positive number, or `schedule` not a `Geometric`.

    References
    ----------
    Lei, Jalal, Dhillon, Dimakis (2019), Algorithm 2; the LeakyReLU rows and the bound
    on e are derived for this project.

    Examples
    --------
    One entry is far off, and least absolute deviations do not follow it.

    >>> import pyomo_relu as pr
    >>> layer = pr.Layer([[2.0], [2.0], [3.0]])
    >>> pr.invert_layer(layer, [2.0, 2.0, 9.0], pr.LayerL1()).z.round(6).tolist()
    [1.0]
    """

    eps: float | None = None
    schedule: Geometric = field(default_factory=Geometric)
    name: ClassVar[str] = "l1"
    norm: ClassVar[NormName] = 1

    def __post_init__(self) -> None:
        if self.eps is not None:
            as_number(self.eps, "eps", positive=True)
        if not isinstance(self.schedule, Geometric):
            raise InputError(f"must be Geometric(), got {self.schedule!r}", parameter="schedule")

    def model(
        self, layer: Layer, x: FloatArray, eps: float, *, box: Box | None = None, mask: object = None
    ) -> ConcreteModel:
        """Return the LP at the tolerance `eps` as a plain Pyomo model.

        Parameters
        ----------
        layer : Layer
        x : array_like, shape (n_out,)
        eps : float
            Which rows count as "on".
        box : Box, optional
            Bounds of the code.
        mask : array_like of bool, shape (n_out,), optional
            True where observed.

        Returns
        -------
        pyomo.environ.ConcreteModel
            ``code`` and ``deviation[j]`` the variables; ``upper`` and ``lower`` the rows; ``objective``.

        Raises
        ------
        ShapeError, InputError
            If an input does not fit.

        Examples
        --------
        >>> import pyomo_relu as pr
        >>> model = pr.LayerL1().model(pr.Layer([[1.0], [-1.0]]), [1.5, 0.0], eps=0.1)
        >>> [str(row.expr) for row in model.lower.values()], str(model.objective.expr)
        (['1.5  <=  code[0] + deviation[0]'], 'deviation[0] + deviation[1]')
        """
        as_number(eps, "eps")
        layer, x = observed_rows(layer, x, mask)
        model = new_layer_model(layer, box)
        least = layer.activation.sign_bound(x).tolist()
        with PauseGC():
            model.deviation = Var(range(layer.n_out), bounds=lambda _, j: (least[j], None))
            deviations = list(model.deviation.values())
            _rows(layer).add_to(model, [*model.code.values(), *deviations], x, eps)
            model.objective = Objective(expr=linear([1.0] * layer.n_out, deviations))
        return model

    def solver_calls(self, solver: Solver) -> tuple[Call, ...]:
        """Return what it hands to solvers; see :func:`pyomo_relu.solvers.solver_calls`."""
        return (Call(solver, LP),)

    def solve(self, layer: Layer, x: FloatArray, box: Box, solver: Solver) -> LayerAnswer:
        """Find the code; see :class:`pyomo_relu.formulations.LayerFormulation`."""
        signal, deadline = largest_signal(layer, x), Deadline.after(solver.time_limit)
        eps, n_solves, known = self.eps, 0, None
        if eps is None:
            nearest = LayerLinf().solve(layer, x, box, solver)
            if nearest.eps is None or nearest.status not in (Status.SOLVED, Status.DEGENERATE):
                return replace(nearest, objective=None, dual_bound=None)
            eps, n_solves, known = nearest.eps, nearest.n_solves, nearest.code
        best_code, best_loss, best_eps, best_objective = None, math.inf, eps, None
        model, rows = self.model(layer, x, eps, box=box), _rows(layer)
        session = Session(model, solver.until(deadline), LP)
        while True:
            outcome = session.solve()
            n_solves += 1
            if not outcome.status.ok:
                break
            code = code_of(model, box)
            loss = float(np.abs(layer(code) - x).sum())
            if loss >= best_loss:
                break
            best_code, best_loss, best_eps, best_objective = code, loss, eps, outcome.objective
            following = self._next_eps(layer, x, eps)
            if following is None or eps >= signal:
                break
            eps = following
            rows.replace_in(model, x, eps)
        status = Status.SOLVED if outcome.status.ok else outcome.status
        if (
            status.ok
            and best_objective is not None
            and is_degenerate(layer, x, box, best_eps, loss=best_loss, objective=best_objective, norm=1)
        ):
            status = Status.DEGENERATE
        return LayerAnswer(
            status=status,
            code=known if best_code is None else best_code,
            active=row_sides(layer.activation, x, best_eps).has_lower,
            eps=best_eps,
            objective=best_objective,
            dual_bound=None,
            n_solves=n_solves,
            solver=outcome.solver,
            message=outcome.message,
        )

    def _next_eps(self, layer: Layer, x: FloatArray, eps: float) -> float | None:
        """Return the next eps of the schedule at which a row changes its kind, or None.

        After an exact fit, eps = 0, no step of the schedule leads on: the next eps is the one at which a row changes.
        """
        points = breakpoints(layer, x)
        above = points[points > eps]
        if above.size == 0:
            return None
        following = float(above[0])
        if eps == 0.0:
            return following
        return max(following, self.schedule.after(max(1, self.schedule.steps_to(following, eps)), eps))


def _rows(layer: Layer) -> LayerRows:
    """Return the rows, each with a deviation of its own."""
    return LayerRows(layer, identity(layer.n_out, format="csr"))
