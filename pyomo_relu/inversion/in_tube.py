"""Exact inversion in a tube: of the codes of which no output is off by more than a noise level, the nearest (M12)."""

from __future__ import annotations

from dataclasses import replace

from pyomo_relu.certificate import certify
from pyomo_relu.enclosure import is_within
from pyomo_relu.errors import InputError
from pyomo_relu.inversion.incumbent import Incumbent
from pyomo_relu.inversion.stages import FOR_INCUMBENTS, Stages
from pyomo_relu.inversion.tube_search import incumbent_in_tube
from pyomo_relu.norms import as_norm
from pyomo_relu.result import Result
from pyomo_relu.status import Status
from pyomo_relu.tolerance import REFUTED


def nearest_in_tube(stages: Stages, inside: Incumbent | None = None) -> Result:
    """Minimise the task's norm over its tube; first a code inside is sought, or the proof that there is none.

    Parameters
    ----------
    stages : Stages
    inside : Incumbent, optional
        A code in the tube.
    """
    if inside is None:
        inside, nearest = _entered(stages)
        if inside is None:
            assert nearest is not None
            return _none_found(stages, nearest)
    return stages.proved(_led_inside(stages, inside))


def found_in_tube(stages: Stages) -> Incumbent:
    """Return a near code of the tube, by a search without a MILP.

    Raises
    ------
    InputError
        If none is found.
    """
    task = stages.task
    inside = stages.for_norm(as_norm("inf")).search()
    if not is_within(task.problem, inside.code, task.tube):
        raise InputError(f"is needed: no code was found in the tube of {task.tube:g}", parameter="box")
    return _led_inside(stages, inside)


def _entered(stages: Stages) -> tuple[Incumbent | None, Result | None]:
    """Return a code in the tube: one that is found, else the nearest of p = inf, by a proof; and what that gave."""
    task, plain = stages.task, stages.for_norm(as_norm("inf"))
    found = plain.search()
    if is_within(task.problem, found.code, task.tube):
        return found, None
    nearest = plain.proved(found)
    if nearest.z is None or nearest.residual is None or not is_within(task.problem, nearest.z, task.tube):
        return None, nearest
    return replace(found, code=nearest.z, residual=nearest.residual), nearest


def _none_found(stages: Stages, nearest: Result) -> Result:
    """Return what the nearest code of p = inf, which is not in the tube, says of it."""
    problem, tube = stages.task.problem, stages.task.tube
    empty = nearest.dual_bound is not None and nearest.dual_bound > tube + REFUTED * problem.scale
    # An optimum of p = inf is one up to a gap, and the tube may lie in it.
    undecided = Status.LIMIT if nearest.status.ok else nearest.status
    verdict = certify(problem, None, "inf", nearest.dual_bound, nearest.bound_by, problem.scope())
    least = "" if nearest.dual_bound is None else f": {problem.said}_inf is at least {nearest.dual_bound}"
    return replace(
        nearest,
        z=None,
        status=Status.INFEASIBLE if empty else undecided,
        norm=stages.task.norm.name,
        residual=None,
        objective=None,
        dual_bound=None,
        bound_by="",
        realizable=verdict.realizable,
        certificate=verdict.certificate,
        message=f"no code was found in the tube{least}",
    )


def _led_inside(stages: Stages, inside: Incumbent) -> Incumbent:
    task, deadline = stages.task, stages.deadline.share(FOR_INCUMBENTS)
    return incumbent_in_tube(
        task.problem, inside, task.tube, task.norm, deadline, starts=stages.starts, seed=stages.seed
    )
