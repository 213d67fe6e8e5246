"""Of the codes that are optimal for p = inf, the one that is nearest in a second norm."""

from __future__ import annotations

from dataclasses import replace

from pyomo_relu.certificate import Certificate, Claim, Standing, certify
from pyomo_relu.inversion.in_tube import nearest, nearest_in_tube
from pyomo_relu.inversion.incumbent import Incumbent
from pyomo_relu.inversion.stages import Stages, said_of_refuted
from pyomo_relu.norms import Norm
from pyomo_relu.result import Result
from pyomo_relu.rounding import down
from pyomo_relu.status import Status


def nearest_of_optima(stages: Stages, second: Norm) -> Result:
    """Minimise the task's norm, and then a second one over the codes that reach the optimum.

    Parameters
    ----------
    stages : Stages
        Of p = inf, so that its optimum is a tube.
    second : Norm
    """
    problem, norm = stages.task.problem, stages.task.norm
    first = nearest(stages)
    if first.z is None or first.residual is None or not first.status.ok:
        return first
    tube = first.residual * (1.0 + 1e-6) + 1e-9 * problem.scale
    inside = Incumbent(first.z, first.residual, 0.0, "", first.solver)
    chosen = nearest_in_tube(stages.for_norm(second, tube=problem.tube(tube)), inside)
    if chosen.z is None or chosen.residual is None or chosen.status is Status.SOLVER_ERROR:
        return replace(first, message=f"the second norm was not settled: {chosen.message or chosen.status}")
    verdict = certify(problem, chosen.z, norm, first.dual_bound, first.bound_by, problem.scope(), stages.deadline)
    if verdict.refuted is not None:
        return replace(first, status=Status.SOLVER_ERROR, message=said_of_refuted(verdict))
    least = "" if chosen.dual_bound is None else f", at least {down(chosen.dual_bound)}"
    claim = Claim(
        f"among the codes within {tube:.9g}, {problem.said}_{second.name} = {chosen.residual:.9g}{least}",
        Standing.TRUSTED,
        f"{chosen.solver}, status {chosen.status}",
        chosen.residual,
    )
    verdict = replace(verdict, certificate=Certificate((*verdict.certificate.claims, claim)))
    return Result.of(
        verdict, chosen.status, chosen.solver, stages.started, objective=chosen.objective, message=chosen.message
    )
