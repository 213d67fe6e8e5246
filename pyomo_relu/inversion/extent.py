"""Extent: how far the codes reach that are as good as the optimum, and whether there is more than one.

Two solvers return different codes with the same residual, and neither says so. The codes

    S = {z in the box : ||A G(z) - x||_p <= r + tol},     r the residual of the code that was found,

hold every optimal code, since r is at least the optimum. For each direction d the least and the greatest
value of d.z over S are bounded from outside, and attained from inside by a code that is re-checked.

``pyomo_relu.inversion.extent`` is the function: the module's names are imported by
``from pyomo_relu.inversion.extent import Extent``.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.certificate import BY_COMPARISON, Certificate, Claim, Standing
from pyomo_relu.deadline import Deadline
from pyomo_relu.documents import plain
from pyomo_relu.enclosure import FORWARD_PASS, enclose, is_within
from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.inversion.exact import Exact
from pyomo_relu.inversion.extremes import Extremes
from pyomo_relu.inversion.sublevel_set import SublevelSet
from pyomo_relu.network import Network
from pyomo_relu.norms import NormName, as_norm
from pyomo_relu.pinning import pinned
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.rounding import down, gamma, up
from pyomo_relu.scaling import rescaled
from pyomo_relu.solvers import Solver
from pyomo_relu.solvers.calls import check_solver_calls
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray, as_finite_array, as_number

FOR_INVERSION = 0.5
"""The part of a time limit that the inversion may take."""

APART = 1e-2
"""Codes that differ by more than this, relative to ``max(1, max |z|)``, along a unit direction count as two."""


@dataclass(frozen=True, eq=False)
class Extent:
    """How far the codes of a level set reach along some directions.

    Parameters
    ----------
    directions : array, shape (m, k), or None
        None for the k coordinates; m is k then.
    lower, upper : array, shape (m,)
        Outer bounds of d.z over the set: no code of it is beyond. Infinite where nothing is known.
    attained_lower, attained_upper : array, shape (m,)
        The least and the greatest d.z of the codes that were found in the set; NaN where none was.
    codes : array, shape (m, 2, k)
        The codes that attain them.
    statuses : tuple of Status, length m
        Of the two programs of each direction: optimal, or what ended the first that is not.
    result : Result
        The inversion from which the set was drawn.
    norm : "inf", 1, 2 or "huber:<delta>"
        Of the set.
    level : float or None
        The largest residual in the set; None where there was no code to start from.
    tol : float or None
        The part of it above the code's own residual.
    apart : float
        Codes that differ by more than this along a unit direction count as two.
    certificate : Certificate
    seconds : float
        Wall clock, without that of `result`.
    solver : str
        Name and version.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> found = pr.extent(net, [2.0], box=(-3, 3))
    >>> found.status.value, found.unique, found.attained_width.round(3).tolist(), found.codes.round(3).tolist()
    ('optimal', False, [4.0], [[[-2.0], [2.0]]])
    """

    directions: FloatArray | None
    lower: FloatArray
    upper: FloatArray
    attained_lower: FloatArray
    attained_upper: FloatArray
    codes: FloatArray
    statuses: tuple[Status, ...]
    result: Result
    norm: NormName
    level: float | None
    tol: float | None
    apart: float
    certificate: Certificate
    seconds: float
    solver: str

    @property
    def width(self) -> FloatArray:
        """Return ``upper - lower``: the set is at most this wide, shape (m,)."""
        return np.asarray(self.upper - self.lower)

    @property
    def attained_width(self) -> FloatArray:
        """Return ``attained_upper - attained_lower``: the set is at least this wide, shape (m,)."""
        return np.asarray(self.attained_upper - self.attained_lower)

    @property
    def residual(self) -> float | None:
        """Residual of the code from which the set was drawn, in the norm of the inversion."""
        return self.result.residual

    @property
    def status(self) -> Status:
        """Optimal, or the status of the first direction that is not."""
        return next((status for status in self.statuses if status is not Status.OPTIMAL), Status.OPTIMAL)

    @property
    def unique(self) -> bool | None:
        """Whether all codes of the set agree along the directions, up to `apart` times a direction's length.

        True: every width is below it. False: two codes that were re-checked differ by more. None: not decided.
        """
        lengths = 1.0 if self.directions is None else np.linalg.norm(self.directions, axis=1)
        if (self.attained_width > self.apart * lengths).any():
            return False
        return True if (self.width <= self.apart * lengths).all() else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without those of `result`; what is not known is None, infinite numbers are text."""
        single = ("unique", "status", "norm", "level", "tol", "apart", "directions", "statuses", "seconds", "solver")
        arrays = ("lower", "upper", "attained_lower", "attained_upper", "codes")
        own = {name: getattr(self, name) for name in single}
        for name in arrays:
            values = getattr(self, name)
            own[name] = np.where(np.isnan(values), None, values)
        return {**plain(own), "certificate": self.certificate.to_list()}

    def to_json(self, indent: int | None = None) -> str:
        """Return :meth:`to_dict` as JSON; `indent` as in ``json.dumps``."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def __repr__(self) -> str:
        widest = f"at most {self.width.max():.4g} wide, at least {self.attained_width.max():.4g}"
        return f"Extent({self.status}, unique={self.unique}, {len(self.lower)} directions, {widest}, {self.solver})"


def extent(  # noqa: PLR0913 - the keywords of `invert`, and three of its own
    net: Network,
    x: Any,
    method: Exact | None = None,
    *,
    tol: float | None = None,
    directions: Any = None,
    result: Result | None = None,
    operator: Any = None,
    mask: Any = None,
    weights: Any = None,
    box: Any = None,
    solver: Solver | str | None = None,
) -> Extent:
    """Bound the codes that are as good as the optimum, along the coordinates or given directions.

    Two mixed-integer programs a direction: the reformulated program of `Exact`, with the residual as a
    row and ``d.z`` as the objective. Derived for this project.

    Parameters
    ----------
    net : Network
    x : array_like, shape (n,), or (m,) with an operator of m rows
    method : Exact, optional
        Its norm, encoding, tube and second norm are the set's. With ``tube``, no output of a code in the set
        misses by more than that; with ``then``, the set is that of the second norm, among the codes within
        `tol` of the optimum of the first. ``Exact()`` where not given.
    tol : float, optional
        How far above the residual r that was found a code may be, at least ``1e-6 max(1, max |x|)``, which solvers
        let pass in a row (p = 2: 1e-8, of squares): they do not tell apart what differs by less. Ten times what
        they let pass where not given: ``1e-5 max(1, max |x|, r)``; p = 2: ``1e-7 max(1, max |x|, r)^2`` in squares.
    directions : array_like, shape (m, k), optional
        The coordinates where not given.
    result : Result, optional
        What ``invert(net, x, method, ...)`` returned; the inversion is run where not given.
    operator, mask, weights, box, solver
        As in :func:`pyomo_relu.invert`. A time limit holds for all together: the inversion gets at most half of it,
        and each program its share of what is left.

    Returns
    -------
    Extent
        Outer bounds are trusted to the solver, or verified where those that made the program small are as
        sharp; what is attained is verified by forward passes. A limit or Ctrl-C leaves what was found till then.

    Raises
    ------
    InputError, ShapeError
        As :func:`pyomo_relu.invert`; a method that is not `Exact`, a `tol` that no solver resolves, directions of
        the wrong shape or of length zero, a result of another norm or observation.
    CapabilityError, SolverConfigError, SolverUnavailableError
        As :func:`pyomo_relu.invert`.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> found = pr.extent(net, [2.0], box=(-3, 3))
    >>> found.unique, found.lower.round(3).tolist(), found.attained_upper.round(3).tolist()
    (False, [-2.0], [2.0])
    >>> pr.extent(net, [2.0], box=(0, 3)).unique
    True
    """
    method = Exact() if method is None else method
    if not isinstance(method, Exact):
        raise InputError(f"method must be Exact(...): only it has an optimum to bound, got {method!r}")
    problem = Problem.of(net, x, operator=operator, mask=mask, weights=weights, box=box)
    rows, chosen = _as_directions(directions, problem.network.n_in), Solver.of(solver)
    check_extent(problem, method, tol, chosen)
    if result is not None:
        _check_result(result, problem, method.norm)
    deadline = Deadline.after(chosen.time_limit)
    with pinned(chosen.threads or 1):
        half = chosen.until(deadline.share(FOR_INVERSION))
        known = method.run(problem, half) if result is None else result
        started = time.perf_counter()
        search = Extremes.of(rows, problem, known)
        near = None
        if known.z is not None and (result is not None or known.status is not Status.INTERRUPTED):
            near = SublevelSet.around(rescaled(problem), known.z, method, tol, chosen)
            search.run(near, chosen, deadline)
    given = None if directions is None else rows
    return _extent(search, near, given, known, time.perf_counter() - started)


def _as_directions(directions: Any, k: int) -> FloatArray:
    if directions is None:
        return np.eye(k)
    rows = as_finite_array(directions, "directions", 2)
    if rows.shape[1] != k:
        raise ShapeError(f"directions have {rows.shape[1]} columns, the code {k} entries")
    zero = np.flatnonzero(~rows.any(axis=1))
    if zero.size:
        raise InputError(f"direction {int(zero[0])} is zero")
    return rows


def check_extent(problem: Problem, method: Exact, tol: float | None, solver: Solver) -> None:
    """Refuse a `tol`, or a solver, that :func:`extent` cannot take, before the inversion is run.

    Raises
    ------
    InputError
        If `tol` is not what a solver resolves.
    CapabilityError, SolverConfigError, SolverUnavailableError
        As :func:`pyomo_relu.invert`.
    """
    check_solver_calls(method, solver)
    if tol is None:
        return
    as_number(tol, "tol", positive=True)
    least = as_norm(method.norm if method.then is None else method.then).feasibility * problem.scale
    if tol < least:
        raise InputError(f"must be at least {least:.3g} here, what solvers let pass, got {tol:g}", parameter="tol")


def _check_result(result: Result, problem: Problem, norm: NormName) -> None:
    if result.z is None or result.residual is None:
        return
    if result.norm != norm:
        raise InputError(f"result is of norm {result.norm}, the method of norm {norm}")
    if result.z.shape != (problem.network.n_in,):
        raise ShapeError(f"result has a code of shape {result.z.shape}, expected ({problem.network.n_in},)")
    if not problem.box.contains(result.z):
        raise InputError("result has a code outside of the box")
    if not is_within(problem, result.z, problem.tube()):
        raise InputError("result has a code that does not meet the outputs of infinite weight")
    residual = enclose(problem, result.z, norm).value
    if abs(residual - result.residual) > 1e-9 * max(problem.scale, residual):
        raise InputError(f"result has residual {result.residual:.6g}, but here its code has {residual:.6g}")


def _extent(
    search: Extremes, near: SublevelSet | None, directions: FloatArray | None, known: Result, seconds: float
) -> Extent:
    """Put together what was found; without a set, nothing is known."""
    bounds, trusted = search.settle()
    found = Extent(
        directions=directions,
        lower=bounds[:, 0],
        upper=bounds[:, 1],
        attained_lower=search.attained[:, 0],
        attained_upper=search.attained[:, 1],
        codes=search.codes,
        statuses=tuple(search.statuses),
        result=known,
        norm=known.norm if near is None else near.norm.name,
        level=None if near is None else near.level,
        tol=None if near is None else near.tol,
        apart=APART * max(1.0, 0.0 if known.z is None else float(np.abs(known.z).max())),
        certificate=Certificate(),
        seconds=seconds,
        solver=search.solver,
    )
    return found if near is None else replace(found, certificate=_certificate(found, near.scope, trusted))


def _certificate(found: Extent, scope: str, trusted: NDArray[np.bool_]) -> Certificate:
    number, least = trusted.size, _least_apart(found)
    claims = [Claim(f"each attained value is that of a {scope}", Standing.VERIFIED, FORWARD_PASS)]
    if found.unique is False:
        text = f"two of them are at least {down(least, 6)} apart along one direction: the code is not unique"
        claims.append(Claim(text, Standing.VERIFIED, BY_COMPARISON, least))
    rest = int(number - trusted.sum())
    if rest:
        text = f"{rest} of {number} outer bounds hold for every {scope}"
        claims.append(Claim(text, Standing.VERIFIED, "bounds from the observation, and from the duals of LPs"))
    if rest < number:
        text = f"{number - rest} of {number} outer bounds hold for every {scope}"
        claims.append(Claim(text, Standing.TRUSTED, found.solver))
    if found.unique:
        most = math.nextafter(float(found.width.max()), math.inf)
        text = f"along the directions, any two of them are at most {up(most, 6)} apart"
        standing, by = (Standing.TRUSTED, found.solver) if trusted.any() else (Standing.VERIFIED, BY_COMPARISON)
        claims.append(Claim(text, standing, by, most))
    return Certificate(tuple(claims))


def _least_apart(found: Extent) -> float:
    """Return how far two codes that were found are apart along one direction, rounded down."""
    rows = np.eye(found.codes.shape[2]) if found.directions is None else found.directions
    one, other = found.codes[:, 0], found.codes[:, 1]
    apart = np.abs(np.einsum("ij,ij->i", rows, other - one))
    error = gamma(rows.shape[1] + 1) * np.einsum("ij,ij->i", np.abs(rows), np.abs(one) + np.abs(other))
    return max(0.0, float((apart - error).max()))
