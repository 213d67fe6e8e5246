"""Layer-wise inversion: the last layer first, one LP (or linear solve) after the other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.certificate import certify, recovery_factor
from pyomo_relu.deadline import Deadline
from pyomo_relu.errors import InputError
from pyomo_relu.formulations import LayerAnswer, LayerFormulation, LayerLinf, LinearSolve
from pyomo_relu.layer import Layer
from pyomo_relu.norms import NormName, norm_of
from pyomo_relu.problem import Problem
from pyomo_relu.rank import rank_of, singular_values, svd_flops
from pyomo_relu.result import LayerReport, Result
from pyomo_relu.running_error import output_within
from pyomo_relu.scaling import rescaled_by_layer
from pyomo_relu.solvers import Solver
from pyomo_relu.solvers.calls import Call, solver_calls
from pyomo_relu.status import Status
from pyomo_relu.tolerance import met_within
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True)
class Layerwise:
    """Invert a network one layer at a time.

    Each layer's code is the observation of the layer before. Polynomial, exact for exact
    observations of expanding networks, and with an error bound under noise; but each inner
    observation is an estimate, so that there is no proof of optimality. Only the output
    layer's LP bounds the residual from below.

    Solvers' tolerances are absolute: a hidden layer whose weights are all far from 1, by more than a factor of 1024, is
    brought near it before, and the next layer undoes it. The formulations and the reports of hidden layers see these.

    Parameters
    ----------
    formulation : formulation, or a sequence of one a layer (first layer first)
        ``LayerLinf()``, ``LayerL1()``, ``LayerRelaxed()``, ``LayerRealizable()`` or ``LinearSolve()``.
    nonnegative : bool
        Whether codes that are outputs of a ReLU are held at or above zero. This lowers the
        expansion that uniqueness needs from about 2 to about 1.5 (derived for this
        project); False is the paper's own variant.

    Raises
    ------
    InputError
        If `formulation` is no formulation; where it runs, if there is not one a layer.

    References
    ----------
    Lei, Jalal, Dhillon, Dimakis (2019), sections 3 and 4.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.random((3, 12, 60), seed=1)
    >>> result = pr.invert(net, net([1.0, -1.0, 0.5]), pr.Layerwise(pr.LinearSolve()))
    >>> result.z.round(6).tolist(), [report.unique for report in result.layers]
    ([1.0, -1.0, 0.5], [True, True])
    """

    formulation: LayerFormulation | Sequence[LayerFormulation] = field(default_factory=LayerLinf)
    nonnegative: bool = True

    def __post_init__(self) -> None:
        for formulation in self._given():
            if isinstance(formulation, type):
                raise InputError(f"formulation is the class {formulation.__name__}: write {formulation.__name__}()")
            if not isinstance(formulation, LayerFormulation):
                raise InputError(f"formulation must be LayerLinf(), LayerL1(), ..., got {formulation!r}")

    @property
    def norm(self) -> NormName:
        """The norm of the residual: that of the last layer's formulation."""
        return (self.formulation[-1] if isinstance(self.formulation, Sequence) else self.formulation).norm

    def solver_calls(self, solver: Solver) -> tuple[Call, ...]:
        """Return what it hands to solvers; see :func:`pyomo_relu.solvers.solver_calls`."""
        calls = (call for formulation in self._given() for call in solver_calls(formulation, solver))
        return tuple(dict.fromkeys(calls))

    def run(self, problem: Problem, solver: Solver) -> Result:
        """Invert; see :func:`pyomo_relu.invert`."""
        started, deadline = time.perf_counter(), Deadline.after(solver.time_limit)
        formulations = self._formulations(len(problem.network))
        if not problem.box.is_everything and isinstance(formulations[0], LinearSolve):
            raise InputError("must be left out: LinearSolve cannot hold the code in a box; an LP can", parameter="box")
        problem = rescaled_by_layer(problem)
        scaled = problem.scaled
        target, reports, status, message = scaled.x, [], Status.SOLVED, ""
        answers: list[LayerAnswer] = []
        code: FloatArray | None = None
        for i in reversed(range(len(problem.network))):
            layer, formulation, clock = scaled.network[i], formulations[i], time.perf_counter()
            try:
                answer = formulation.solve(layer, target, self._box(problem, i), solver.until(deadline))
            except InputError as error:
                if i == len(problem.network) - 1:
                    raise
                answer = _refused(layer, f"the code of layer {i + 2} is not an output of this layer: {error}")
            answers.append(answer)
            reports.append(_report(i + 1, layer, target, formulation, answer, clock, deadline))
            if status.ok and not answer.status.ok:
                status, message = answer.status, f"layer {i + 1}" + (f": {answer.message}" if answer.message else "")
            code = answer.code
            if i > 0 and status.ok and deadline.expired:
                status, message = Status.TIME_LIMIT, f"layer {i}: not begun"
            if i > 0 and (answer.status is Status.INTERRUPTED or deadline.expired):
                code = None  # the layers before it are not asked any more
            if code is None:
                break
            target = code
        norm = formulations[-1].norm
        output = answers[0]
        verdict = certify(problem, code, norm, output.dual_bound, output.solver, self._scope(problem), deadline)
        if verdict.refuted is not None:
            status, message = Status.SOLVER_ERROR, f"the bound {verdict.refuted:.9g} is above a verified residual"
        return Result.of(
            verdict,
            status,
            output.solver,
            started,
            objective=output.objective,
            message=message,
            layers=tuple(reports),
        )

    def _given(self) -> Sequence[LayerFormulation]:
        return self.formulation if isinstance(self.formulation, Sequence) else (self.formulation,)

    def _formulations(self, depth: int) -> Sequence[LayerFormulation]:
        if not isinstance(self.formulation, Sequence):
            return [self.formulation] * depth
        if len(self.formulation) != depth:
            raise InputError(f"got {len(self.formulation)} formulations for {depth} layers")
        return self.formulation

    def _scope(self, problem: Problem) -> str:
        if len(problem.network) == 1:
            return problem.scope()
        sign = "non-negative " if np.isfinite(self._box(problem, len(problem.network) - 1).lower).any() else ""
        return f"every {sign}input of the last layer"

    def _box(self, problem: Problem, i: int) -> Box:
        layer = problem.network[i]
        if i == 0:
            return problem.box
        signed = self.nonnegative & problem.network[i - 1].activation.cuts
        return Box(np.where(signed, 0.0, -np.inf), np.full(layer.n_in, np.inf))


def _refused(layer: Layer, message: str) -> LayerAnswer:
    none = np.zeros(layer.n_out, dtype=bool)
    return LayerAnswer(Status.INFEASIBLE, None, none, None, None, None, 0, "none", message)


def _report(
    number: int,
    layer: Layer,
    x: FloatArray,
    formulation: LayerFormulation,
    answer: LayerAnswer,
    clock: float,
    deadline: Deadline,
) -> LayerReport:
    rows, values = layer.dense(answer.active), answer.singular_values
    if values is None and deadline.affords(svd_flops(*rows.shape)):
        values = singular_values(rows)
    rank = None if values is None else rank_of(values, rows.shape)
    met = False
    if answer.code is not None:
        y, off = output_within((layer,), answer.code)
        met = bool(((np.abs(y - x) + off)[answer.active] <= met_within(x)).all())
    return LayerReport(
        layer=number,
        status=answer.status,
        eps=answer.eps,
        active=len(rows),
        rank=rank,
        unique=met and rank == layer.n_in,
        recovery_factor=None if values is None else recovery_factor(layer, len(rows), values),
        objective=answer.objective,
        residual=None if answer.code is None else norm_of(layer(answer.code) - x, formulation.norm),
        n_solves=answer.n_solves,
        seconds=time.perf_counter() - clock,
        message=answer.message,
    )
