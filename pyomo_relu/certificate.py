"""Certificates: every claim of an answer, re-checked here or marked as trusted to somebody. No Pyomo."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.documents import number, plain
from pyomo_relu.enclosure import enclose, is_resolved, is_within
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.norms import Norm, NormName, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.rank import has_full_column_rank, rank_of, svd_flops
from pyomo_relu.rounding import down, times_down, up
from pyomo_relu.running_error import pre_activations_within
from pyomo_relu.tolerance import REFUTED
from pyomo_relu.validation import FloatArray


class Standing(Enum):
    """Why a claim may be believed.

    Examples
    --------
    >>> str(Standing.VERIFIED), Standing("trusted") is Standing.TRUSTED
    ('verified', True)
    """

    VERIFIED = "verified"
    TRUSTED = "trusted"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Claim:
    """One claim of an answer.

    Parameters
    ----------
    text : str
        The claim in words.
    standing : Standing
        Verified here, or trusted.
    by : str
        By what it was verified, or to whom it is trusted.
    value : float or None
        The number that it is about.

    Examples
    --------
    >>> print(Claim("||G(z) - x||_1 = 0.5", Standing.VERIFIED, "forward pass in float64", 0.5))
    verified: ||G(z) - x||_1 = 0.5 (forward pass in float64)
    """

    text: str
    standing: Standing
    by: str
    value: float | None = None

    def __str__(self) -> str:
        return f"{self.standing}: {self.text} ({self.by})"


@dataclass(frozen=True)
class Certificate:
    """What an answer claims, and why each claim may be believed.

    A number in a claim is the float64 of that name, rounded so that the claim is true of it: upper bounds up, lower
    bounds down. After an equals sign it is right to nine digits.

    Parameters
    ----------
    claims : tuple of Claim
        Those that are verified come first.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]]])
    >>> certificate = pr.invert(net, [2.0, -0.5]).certificate
    >>> certificate.verified[0].value, certificate.trusted_to
    (0.5, '')
    >>> print(certificate)
    verified: ||G(z) - x||_inf = 0.5 (forward pass in float64)
    verified: ||G(z) - x||_inf >= 0.5 for every code (a ReLU output is never negative)
    verified: x is not met by any code (a ReLU output is never negative)
    """

    claims: tuple[Claim, ...] = ()

    @property
    def verified(self) -> tuple[Claim, ...]:
        """Claims that were re-checked or derived here, without a solver."""
        return tuple(claim for claim in self.claims if claim.standing is Standing.VERIFIED)

    @property
    def trusted(self) -> tuple[Claim, ...]:
        """Claims that rest on a solver."""
        return tuple(claim for claim in self.claims if claim.standing is Standing.TRUSTED)

    @property
    def trusted_to(self) -> str:
        """Who is trusted; empty where every claim was verified."""
        return "; ".join(dict.fromkeys(claim.by for claim in self.trusted))

    def to_list(self) -> list[dict[str, Any]]:
        """Return the claims as plain dictionaries."""
        return [
            {"claim": claim.text, "standing": claim.standing.value, "by": claim.by, "value": plain(claim.value)}
            for claim in self.claims
        ]

    @classmethod
    def from_list(cls, entries: list[dict[str, Any]]) -> Certificate:
        """Return the certificate of :meth:`to_list`.

        Raises
        ------
        ValueError, TypeError, KeyError, AttributeError, OverflowError
            If it is no such list.
        """
        return cls(tuple(map(_claim, entries)))

    def __str__(self) -> str:
        return "\n".join(map(str, self.claims))


def _claim(entry: dict[str, Any]) -> Claim:
    # Stores of version 0.1.0 have "text" for "claim".
    text, by = entry.get("claim", entry.get("text")), entry["by"]
    if not isinstance(text, str) or not isinstance(by, str):
        raise TypeError("a claim is text, and so is by what")
    value = None if entry["value"] is None else number(entry["value"])
    return Claim(text, Standing(entry["standing"]), by, value)


BY_NORM = "a norm is never negative"
BY_SIGN = "a ReLU output is never negative"
BY_BOUNDS = "bounds, rounded outwards"
SURE = (BY_NORM, BY_SIGN, BY_BOUNDS)
"""By what a lower bound is verified, without a solver."""

BY_COMPARISON = "comparison"
BY_FACTORISATION = "a factorisation in float64"


@dataclass(frozen=True, eq=False)
class Verdict:
    """An answer after it was re-checked; `bound_by` is by what the bound was verified, or to whom it is trusted."""

    z: FloatArray | None
    norm: NormName
    residual: float | None
    dual_bound: float | None
    bound_by: str
    realizable: bool | None
    certificate: Certificate
    refuted: float | None = None

    @property
    def objective(self) -> float | None:
        """What a method minimised that has no solver's value to tell: the residual, for p = 2 its square."""
        return None if self.residual is None else as_norm(self.norm).objective_of(self.residual)

    def closes(self, rel_gap: float, abs_gap: float) -> bool:
        """Whether the bound meets the residual, up to a relative or an absolute gap."""
        if self.residual is None or self.dual_bound is None:
            return False
        return self.residual <= self.dual_bound + max(as_norm(self.norm).of_one(abs_gap), rel_gap * self.residual)


def certify(
    problem: Problem,
    z: FloatArray | None,
    norm: Norm | NormName,
    dual_bound: float | None,
    bound_by: str,
    bound_scope: str,
    deadline: Deadline = NO_LIMIT,
) -> Verdict:
    """Re-check an answer.

    Parameters
    ----------
    problem : Problem
    z : array, shape (k,), or None
        The code that was found.
    norm : Norm, or its name
    dual_bound : float or None
        A claimed lower bound on ``||G(z) - x||``, weighed.
    bound_by : str
        By what it is verified, one of `SURE`; or who claims it.
    bound_scope : str
        The codes for which it is claimed, such as ``"every code in the box"``.
    deadline : Deadline
        Whether z is the only code is not asked where that would not be known before it.

    Returns
    -------
    Verdict
        The residual by a forward pass, without which there is no code, and whatever rounding did to that; the bound,
        lowered below the residual where it exceeds it by no more than a solver's tolerance, and dropped as `refuted`
        where by more, or where rounding hides more than solvers let pass; realizability, and the claims. All that is
        said of the residual holds of its whole enclosure.
    """
    norm = as_norm(norm)
    claims: list[Claim] = []
    found = None if z is None else enclose(problem, z, norm)
    if found is None or not math.isfinite(found.value):
        z = found = None
    if z is not None and found is not None:
        told = found.value if found.is_sharp else found.high
        claims.append(Claim(f"{problem.said}_{norm.name} {found}", Standing.VERIFIED, found.by, told))
        if not problem.box.is_everything and problem.box.contains(z):
            claims.append(Claim("z lies in the box", Standing.VERIFIED, BY_COMPARISON))
    meets = z is not None and is_within(problem, z, problem.tube())
    if meets and problem.hard is not None and found is not None:
        text = f"z is a code{problem.said_of_hard(problem.tube(), lambda most: up(most, 6))}"
        claims.append(Claim(text, Standing.VERIFIED, found.by))
    refuted: float | None = None
    most = math.inf if found is None else found.high * (1.0 + 1e-4) + REFUTED * problem.scale
    if found is not None and dual_bound is not None and dual_bound > most:
        text = f"a bound of {dual_bound:.9g} by {bound_by} is wrong: z does better"
        claims.append(Claim(text, Standing.VERIFIED, found.by, found.high))
        refuted, dual_bound = dual_bound, None
    if z is not None and dual_bound is not None and bound_by not in SURE:
        # A solver works in floating point too.
        dual_bound = dual_bound if is_resolved(problem, z, norm) else None
    sure = sign_bound(problem, norm)
    if sure is not None and (dual_bound is None or sure >= dual_bound):
        dual_bound, bound_by, bound_scope = sure, BY_SIGN, "every code"
    standing, by = Standing.VERIFIED if bound_by in SURE else Standing.TRUSTED, bound_by
    if dual_bound is not None:
        dual_bound = max(0.0, dual_bound)
        if found is not None and dual_bound > found.value:
            by = f"{by}, {dual_bound:.9g}, lowered to the verified residual"
            dual_bound = found.low
        text = f"{problem.said}_{norm.name} >= {down(dual_bound)} for {bound_scope}"
        claims.append(Claim(text, standing, by, dual_bound))
    realizable: bool | None = None
    largest = math.inf if found is None else norm.largest(found.high)
    if meets and found is not None and largest <= problem.met:
        realizable = True
        text = f"x is met up to {up(problem.met, 3)}"
        claims.append(Claim(text, Standing.VERIFIED, found.by, largest))
    elif dual_bound is not None and dual_bound >= REFUTED * problem.scale:
        realizable = False
        claims.append(Claim(f"x is not met by {bound_scope.replace('every', 'any')}", standing, by, dual_bound))
    if realizable and z is not None and is_unique(problem.network, z, deadline):
        text = "z is the only code with this output: in every layer the active rows have full column rank"
        claims.append(Claim(text, Standing.VERIFIED, BY_FACTORISATION))
    bound_by = "" if dual_bound is None else bound_by
    certificate = Certificate(tuple(sorted(claims, key=lambda claim: claim.standing is Standing.TRUSTED)))
    residual = None if found is None else found.value
    return Verdict(z, norm.name, residual, dual_bound, bound_by, realizable, certificate, refuted)


def sign_bound(problem: Problem, norm: Norm | NormName) -> float | None:
    """Return what negative observations of ReLU outputs leave to every code as a residual; None for other outputs."""
    activation = problem.network[-1].activation
    if not activation.cuts.any():
        return None
    return as_norm(norm).at_least(times_down(activation.sign_bound(problem.x), problem.factors))


def is_unique(network: Network, z: FloatArray, deadline: Deadline = NO_LIMIT) -> bool:
    """Whether `z` is the only code whose output is G(z), by a sufficient condition.

    From the last layer to the first: a positive ReLU output fixes its pre-activation, so
    that a layer whose active rows have full column rank has one input only. A row counts as active where its
    pre-activation is above zero by more than the rounding of the forward pass. What would not be known before the
    deadline is not.
    """
    for layer, (t, off) in zip(network, pre_activations_within(network, z), strict=True):
        # A bijection passes on every pre-activation.
        active = (t > np.maximum(off, 1e-9 * max(1.0, float(np.abs(t).max())))) | ~layer.activation.cuts
        rows = layer.dense(active)
        if not deadline.affords(svd_flops(*rows.shape)) or not has_full_column_rank(rows):
            return False
    return True


def recovery_factor(layer: Layer, count: int, values: FloatArray) -> float | None:
    """Return f with ``||z - z*||_inf <= f (d + eps)``, one layer (M9); None where the active rows lack rank.

    `d` is the largest deviation of z's output from the observation on the active rows, `eps` bounds
    the noise there, and the rows must be active at both codes. Then f = 1/c_inf(I) <= sqrt|I| / sigma_min(W_I).

    Parameters
    ----------
    layer : Layer
    count : int
        |I|, the number of active rows.
    values : array
        The singular values of their weights.

    References
    ----------
    Lei, Jalal, Dhillon, Dimakis (2019), Assumption 2 and Theorem 3, for the set I that occurred.
    """
    if rank_of(values, (count, layer.n_in)) < layer.n_in:
        return None
    return float(np.sqrt(count) / (values[-1] * layer.activation.least_gain))
