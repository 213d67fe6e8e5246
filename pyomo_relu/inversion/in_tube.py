"""Exact inversion in a tube: of the codes of which no output is off by more than it may be, the nearest (M12)."""

from __future__ import annotations

import math
from dataclasses import replace

from pyomo_relu.certificate import certify
from pyomo_relu.enclosure import is_within
from pyomo_relu.errors import InputError
from pyomo_relu.inversion.incumbent import Incumbent
from pyomo_relu.inversion.stages import FOR_INCUMBENTS, Stages
from pyomo_relu.inversion.tube_search import incumbent_in_tube
from pyomo_relu.result import Result
from pyomo_relu.status import Status
from pyomo_relu.tolerance import REFUTED


def nearest(stages: Stages) -> Result:
    """Minimise the task's norm over its tube, if it has one."""
    return stages.proved(stages.search()) if stages.task.tube.is_everything else nearest_in_tube(stages)


def nearest_in_tube(stages: Stages, inside: Incumbent | None = None) -> Result:
    """Minimise the task's norm over its tube; first a code inside is sought, or the proof that there is none.

    Parameters
    ----------
    stages : Stages
    inside : Incumbent, optional
        A code in the tube.
    """
    entered = _entered(stages) if inside is None else inside
    if isinstance(entered, Result):
        return replace(entered, norm=stages.task.norm.name)
    return stages.proved(_led_inside(stages, entered))


def found(stages: Stages) -> Incumbent:
    """Return a near code of the tube, if there is one, by a search without a MILP.

    Raises
    ------
    InputError
        If none is found.
    """
    task = stages.task
    if task.tube.is_everything:
        return stages.search()
    inside = found(stages.outside)
    if not is_within(task.problem, inside.code, task.tube):
        size = "" if math.isinf(task.tube.most) else f" of {task.tube.most:g}"
        raise InputError(f"is needed: no code was found {task.tube}{size}", parameter="box")
    return _led_inside(stages, inside)


def _entered(stages: Stages) -> Incumbent | Result:
    """Return a code in the tube: one that is found, else the nearest in the wider tube, by a proof; or what is known.

    The wider tube is entered in the same way.
    """
    task, outside = stages.task, stages.outside
    begun: Incumbent | Result
    if outside.task.tube.is_everything:
        begun = outside.search()
    else:
        begun = _entered(outside)
        begun = begun if isinstance(begun, Result) else _led_inside(outside, begun)
    if isinstance(begun, Result) or is_within(task.problem, begun.code, task.tube):
        return begun
    best = outside.proved(begun)
    if best.z is None or best.residual is None or not is_within(task.problem, best.z, task.tube):
        return _none_found(stages, best)
    return replace(begun, code=best.z, residual=best.residual)


def _none_found(stages: Stages, best: Result) -> Result:
    """Return what the nearest code of the wider tube, which is not in the tube, says of it."""
    task, problem = stages.task, stages.outside.task.problem
    empty = best.dual_bound is not None and best.dual_bound > stages.reach + REFUTED * problem.scale
    # An optimum of p = inf is one up to a gap, and the tube may lie in it.
    undecided = Status.LIMIT if best.status.ok else best.status
    verdict = certify(problem, None, "inf", best.dual_bound, best.bound_by, problem.scope())
    least = "" if best.dual_bound is None else f": {problem.said}_inf is at least {best.dual_bound}"
    return replace(
        best,
        z=None,
        status=Status.INFEASIBLE if empty else undecided,
        norm=task.norm.name,
        residual=None,
        objective=None,
        dual_bound=None,
        bound_by="",
        realizable=verdict.realizable,
        certificate=verdict.certificate,
        message=f"no code was found {task.tube}{least}",
    )


def _led_inside(stages: Stages, inside: Incumbent) -> Incumbent:
    task, deadline = stages.task, stages.deadline.share(FOR_INCUMBENTS)
    return incumbent_in_tube(
        task.problem, inside, task.tube, task.norm, deadline, starts=stages.starts, seed=stages.seed
    )
