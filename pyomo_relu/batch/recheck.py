"""Re-checks of what lines of a store say: a result is verified by who verified it, and a line is a text on a disk."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pyomo_relu.certificate import (
    BY_COMPARISON,
    BY_FACTORISATION,
    BY_NORM,
    BY_SIGN,
    SURE,
    Certificate,
    Claim,
    Standing,
    certify,
)
from pyomo_relu.enclosure import EXACT_PASS, FORWARD_PASS, enclose
from pyomo_relu.norms import NormName
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result

DERIVED = (FORWARD_PASS, EXACT_PASS, BY_COMPARISON, BY_FACTORISATION, BY_SIGN, BY_NORM)
"""By what claims were verified that are verified here again."""

TOLD = "as the store tells"


def rechecked(result: Result, problem: Problem, norm: NormName | None) -> Result:
    """Return what may be believed of a result that somebody wrote down.

    Residual, realizability and what a forward pass verifies are worked out anew from the code. A bound that was
    verified and cannot be worked out anew so quickly, by duality, is from now on trusted, and the claim says to what;
    what was trusted stays as it is.

    Parameters
    ----------
    result : Result
    problem : Problem
        That it is said to be an answer to.
    norm : "inf", 1, 2, "huber:<delta>" or None
        Of the method; None where that does not tell.

    Raises
    ------
    ValueError
        If the result contradicts itself, or its code; the message says how.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]]])
    >>> result = pr.invert(net, [2.0, -0.5])
    >>> problem = Problem.of(net, [2.0, -0.5])
    >>> rechecked(result, problem, "inf").certificate == result.certificate
    True
    >>> rechecked(replace(result, residual=0.75), problem, "inf")
    Traceback (most recent call last):
    ...
    ValueError: says residual 0.75, but its code has 0.5
    """
    _check_numbers(result)
    if norm is not None and result.norm != norm:
        raise ValueError(f"is of norm {result.norm}, the method of norm {norm}")
    if result.z is not None and result.residual is not None:
        found = enclose(problem, result.z, result.norm)
        # Where the machine was another one, its forward pass was rounded otherwise, but as little.
        if not abs(result.residual - found.value) <= 2.0 * (found.high - found.low) + 1e-12 * found.value:
            raise ValueError(f"says residual {result.residual:.6g}, but its code has {found.value:.6g}")
    by = f"{result.bound_by}, {TOLD}" if result.bound_by in SURE else result.bound_by
    if result.dual_bound == 0.0 and result.bound_by == BY_NORM:
        by = BY_NORM
    verdict = certify(problem, result.z, result.norm, result.dual_bound, by, problem.scope())
    verified = verdict.certificate.verified
    if result.z is None:
        # Where a tube held no code, what is known is of its own norm, and no bound of the result.
        verified += certify(problem, None, "inf", None, "", "").certificate.verified
        verified = tuple(claim for claim in result.certificate.verified if claim in verified)
        if result.dual_bound is None:
            verdict = replace(verdict, dual_bound=None, bound_by="", realizable=result.realizable)
    return replace(
        result,
        residual=verdict.residual,
        dual_bound=verdict.dual_bound,
        realizable=verdict.realizable,
        certificate=Certificate((*verified, *_trusted(result))),
        bound_by=verdict.bound_by,
    )


def _check_numbers(result: Result) -> None:
    z, residual, bound = result.z, result.residual, result.dual_bound
    if z is not None and not np.isfinite(z).all():
        raise ValueError("the code is not finite")
    if (z is None) != (residual is None):
        raise ValueError("there is a residual without a code, or a code without a residual")
    times = (result.seconds, *(layer.seconds for layer in result.layers))
    if not all(0.0 <= seconds < math.inf for seconds in times):
        raise ValueError("its seconds are negative, or not finite")
    if z is None and result.realizable:
        raise ValueError("says that x is met, but has no code")
    for name, number in (("residual", residual), ("bound", bound)):
        if number is not None and not 0.0 <= number < math.inf:
            raise ValueError(f"its {name} is {number:.6g}")
    if bound is not None and residual is not None and bound > residual:
        raise ValueError(f"its bound {bound:.6g} is above its residual {residual:.6g}")


def _trusted(result: Result) -> Iterator[Claim]:
    """Yield the claims that are not verified here: trusted to whom they were, or else to the store."""
    for claim in result.certificate.claims:
        if claim.standing is Standing.TRUSTED:
            yield claim
        elif claim.by not in DERIVED:
            yield replace(claim, standing=Standing.TRUSTED, by=f"{claim.by}, {TOLD}")
