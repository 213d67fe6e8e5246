"""Algorithm 1 of the paper: one layer, l-infinity error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pyomo.common.gc_manager import PauseGC
from pyomo.environ import ConcreteModel, Objective, Var

from pyomo_relu.box import Box
from pyomo_relu.deadline import Deadline
from pyomo_relu.errors import InputError
from pyomo_relu.formulations.layer import LayerAnswer, code_of, is_degenerate, new_layer_model, observed_rows
from pyomo_relu.formulations.layer_rows import LayerRows
from pyomo_relu.formulations.row_sides import breakpoints, row_sides
from pyomo_relu.formulations.schedule import Bisection, Geometric
from pyomo_relu.layer import Layer
from pyomo_relu.norms import NormName
from pyomo_relu.solvers import Outcome, Session, Solver
from pyomo_relu.solvers.calls import LP, Call
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray, as_number


@dataclass(frozen=True)
class LayerLinf:
    """Minimise the largest deviation of one layer's output from the observation (M4).

    The LP at a tolerance eps, for t_j = w_j . z + b_j and with alpha, beta of
    ``pyomo_relu/formulations/row_sides.py`` (ReLU: rows with x_j > eps have a lower side)::

        min  d
        s.t. t_j >= alpha_j (x_j - d)     rows with a lower side
             t_j <= beta_j  (x_j + d)     all rows
             max_j max(-x_j, 0) <= d <= eps

    Parameters
    ----------
    eps : float, optional
        The paper's initial guess of the error, in the units of the observation, from which
        `Geometric` starts; ``1e-6 max(1, max |x|)`` where not given.
    schedule : Bisection or Geometric, optional
        How the tolerance is found. `Geometric` is the paper's: the first eps of the
        grid at which the LP is feasible (found by bisection over the grid, on which
        feasibility is monotone). `Bisection`, the default where there is no `eps`,
        gives the exact minimum and needs no guess.

    Raises
    ------
    InputError
        If `eps` is not a positive number, `schedule` is neither, or `eps` is given for a `Bisection`.

    References
    ----------
    Lei, Jalal, Dhillon, Dimakis (2019), equation (6), Algorithm 1 and Remark 1 (M7); the lower
    bound on d, and the exact schedule, are derived for this project.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> layer = pr.Layer([[1.0], [-1.0], [2.0]])
    >>> pr.invert_layer(layer, [1.0, 0.0, 2.3], pr.LayerLinf()).z.round(4).tolist()
    [1.1]
    """

    eps: float | None = None
    schedule: Bisection | Geometric | None = None
    name: ClassVar[str] = "linf"
    norm: ClassVar[NormName] = "inf"

    def __post_init__(self) -> None:
        if self.eps is not None:
            as_number(self.eps, "eps", positive=True)
        if self.schedule is None:
            object.__setattr__(self, "schedule", Bisection() if self.eps is None else Geometric())
        if not isinstance(self.schedule, (Bisection, Geometric)):
            raise InputError(f"must be Bisection() or Geometric(), got {self.schedule!r}", parameter="schedule")
        if self.eps is not None and isinstance(self.schedule, Bisection):
            raise InputError("is a first guess, which Bisection() does not need: leave it out", parameter="eps")

    def model(
        self,
        layer: Layer,
        x: FloatArray,
        eps: float,
        *,
        box: Box | None = None,
        mask: object = None,
        capped: bool = True,
    ) -> ConcreteModel:
        """Return the LP at the tolerance `eps` as a plain Pyomo model.

        Parameters
        ----------
        layer : Layer
        x : array_like, shape (n_out,)
        eps : float
            Which rows count as "on", and the cap on the deviation.
        box : Box, optional
            Bounds of the code; ``Box.of((0, np.inf), n_in)`` for a non-negative one.
        mask : array_like of bool, shape (n_out,), optional
            True where observed.
        capped : bool
            False leaves out ``d <= eps``: then the LP is always feasible, and its optimum says where to go.

        Returns
        -------
        pyomo.environ.ConcreteModel
            ``code`` and ``deviation`` the variables; ``upper`` and ``lower`` the rows; ``objective``.

        Raises
        ------
        ShapeError, InputError
            If an input does not fit.

        Examples
        --------
        >>> import pyomo_relu as pr
        >>> model = pr.LayerLinf().model(pr.Layer([[1.0], [-1.0]]), [1.5, 0.0], eps=0.1)
        >>> [str(row.expr) for row in model.lower.values()], [str(row.expr) for row in model.upper.values()]
        (['1.5  <=  code[0] + deviation'], ['code[0] - deviation  <=  1.5', '- code[0] - deviation  <=  0.0'])
        """
        as_number(eps, "eps")
        layer, x = observed_rows(layer, x, mask)
        model = new_layer_model(layer, box)
        least = float(layer.activation.sign_bound(x).max())
        with PauseGC():
            model.deviation = Var(bounds=(least, max(eps, least) if capped else None))
            _rows(layer).add_to(model, [*model.code.values(), model.deviation], x, eps)
            model.objective = Objective(expr=model.deviation)
        return model

    def solver_calls(self, solver: Solver) -> tuple[Call, ...]:
        """Return what it hands to solvers; see :func:`pyomo_relu.solvers.solver_calls`."""
        return (Call(solver, LP),)

    def solve(self, layer: Layer, x: FloatArray, box: Box, solver: Solver) -> LayerAnswer:
        """Find the code; see :class:`pyomo_relu.formulations.LayerFormulation`."""
        search = _Search(self, layer, x, box, solver)
        if isinstance(self.schedule, Geometric):
            search.on_grid(self.schedule)
        else:
            search.exact()
        return search.answer()


def _rows(layer: Layer) -> LayerRows:
    """Return the rows with one deviation for all."""
    return LayerRows(layer, np.ones((layer.n_out, 1)))


@dataclass(frozen=True, eq=False)
class _Found:
    """The optimum of one LP: its code, what that misses the observation by, and the LP's own value."""

    code: FloatArray
    loss: float
    objective: float


class _Search:
    """The LPs solved so far for one layer: the best code among them, and the bound they prove."""

    def __init__(self, formulation: LayerLinf, layer: Layer, x: FloatArray, box: Box, solver: Solver) -> None:
        self.formulation, self.layer, self.x, self.box = formulation, layer, x, box
        deadline = Deadline.after(solver.time_limit)
        # Every row that has a lower side at some tolerance has one at 0.
        self.model = formulation.model(layer, x, 0.0, box=box, capped=False)
        self.rows = _rows(layer)
        self.session = Session(self.model, solver.until(deadline), LP)
        self.bound = self.least = float(layer.activation.sign_bound(x).max())
        self.n_solves = 0
        self.proves = True
        self.best: _Found | None = None
        self.eps = math.inf
        self.last: Outcome | None = None

    @property
    def loss(self) -> float:
        """What the best code so far misses the observation by."""
        return math.inf if self.best is None else self.best.loss

    def optimum(self, eps: float, *, capped: bool = False) -> _Found | None:
        """Solve the LP at `eps`, and keep the code if none before had so small a loss; None where there is no optimum.

        Without an optimum the search ends: the best code so far is its answer, with the LP's status.
        """
        self.rows.replace_in(self.model, self.x, eps)
        self.model.deviation.setub(max(eps, self.least) if capped else None)
        self.last = self.session.solve()
        self.n_solves += 1
        if not self.last.status.ok or self.last.objective is None:
            return None
        # Where an optimum proves nothing, nor does what is concluded from it.
        self.proves = self.proves and self.last.bound is not None
        code = code_of(self.model, self.box)
        found = _Found(code, float(np.abs(self.layer(code) - self.x).max()), self.last.objective)
        if found.loss < self.loss:
            self.best, self.eps = found, found.loss
        return found

    def exact(self) -> None:
        """Bisect over the intervals between breakpoints.

        The LP at points[i] is exact for deviations in [points[i], ends[i]]: an optimum inside, or above,
        proves that nothing below can be reached. Below points[i] the LP of a ReLU layer only lacks rows,
        so that its optimum is still a bound; that of a LeakyReLU layer is stricter than the truth there.
        """
        points = breakpoints(self.layer, self.x)
        ends = np.append(points[1:], np.inf)
        low, high, i = 0, len(points) - 1, 0
        while low <= high:
            found = self.optimum(float(points[i]))
            if found is None:
                return
            if found.objective > points[i] or not (self.layer.activation.bends & ~self.layer.activation.cuts).any():
                self.bound = max(self.bound, min(found.objective, float(ends[i])))
            if found.objective > ends[i]:
                low = i + 1
            elif found.objective > points[i] or i == 0:
                return
            else:
                high = i - 1
            low = max(low, int(np.searchsorted(points, self.bound, side="right")) - 1)
            high = min(high, int(np.searchsorted(points, self.loss, side="right")) - 1)
            i = (low + high) // 2

    def on_grid(self, schedule: Geometric) -> None:
        """Find the first feasible eps of the geometric grid, and the optimum there."""
        first = 1e-6 * max(1.0, float(np.abs(self.x).max())) if self.formulation.eps is None else self.formulation.eps
        if self.optimum(first) is None:
            return
        # The LP at the grid's point just above the true loss of a code found is feasible.
        low, high = 0, schedule.steps_to(self.loss, first)
        while low < high:
            middle = (low + high) // 2
            eps = schedule.after(middle, first)
            found = self.optimum(eps)
            if found is None:
                return
            low, high = (low, middle) if found.objective <= eps else (middle + 1, high)
        if low > 0:
            self.bound = max(self.bound, schedule.after(low - 1, first))
        eps = schedule.after(low, first)
        # Many codes may attain the optimum: Algorithm 1's answer is one of the LP with the cap.
        uncapped, found = self.last, self.optimum(eps, capped=True)
        if found is not None:
            self.best, self.eps = found, eps
        elif self.last is not None and self.last.status is Status.INFEASIBLE:
            self.last, self.eps = uncapped, eps  # the cap is met but for the solver's tolerance

    def answer(self) -> LayerAnswer:
        """Return what was found."""
        assert self.last is not None
        best, status = self.best, self.last.status
        if best is None:
            status = Status.SOLVER_ERROR if status.ok else status
        elif status.ok:
            says_nothing = is_degenerate(
                self.layer, self.x, self.box, self.eps, loss=best.loss, objective=best.objective, norm="inf"
            )
            status = Status.DEGENERATE if says_nothing else Status.SOLVED
        return LayerAnswer(
            status=status,
            code=None if best is None else best.code,
            active=row_sides(self.layer.activation, self.x, self.eps).has_lower,
            eps=None if best is None else self.eps,
            objective=None if best is None else best.objective,
            dual_bound=self.bound if self.proves else self.least,
            n_solves=self.n_solves,
            solver=self.last.solver,
            message=self.last.message,
        )
