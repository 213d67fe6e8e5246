"""Is the pre-image of an observation convex? With a witness where it is not, and who is to be believed where it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.certificate import BY_FACTORISATION, SURE, Certificate, Claim, Standing, is_unique
from pyomo_relu.deadline import Deadline
from pyomo_relu.enclosure import EXACT_PASS
from pyomo_relu.errors import InputError
from pyomo_relu.inversion import Exact, wide_bounds
from pyomo_relu.io import require
from pyomo_relu.network import Network
from pyomo_relu.pinning import pinned
from pyomo_relu.problem import Problem
from pyomo_relu.rational import above, below, residual
from pyomo_relu.rounding import down, up
from pyomo_relu.scaling import rescaled
from pyomo_relu.solvers import MILP, Call, Solver, solve
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray, as_number
from reductions.convexity_program import Regions, build_convexity_program, read_pair, regions_of
from reductions.convexity_witness import Pair, find_pair, midpoint_of, widest_pair
from reductions.convexity_z3 import ask_z3

ANY_GAP = 1e9
"""The relative gap at which a solver stops at its first pair."""


class ConvexityVerdict(StrEnum):
    """Whether a pre-image is convex.

    Examples
    --------
    >>> ConvexityVerdict("nonconvex") is ConvexityVerdict.NONCONVEX, str(ConvexityVerdict.CONVEX)
    (True, 'convex')
    """

    CONVEX = "convex"
    NONCONVEX = "nonconvex"
    UNDECIDED = "undecided"


@dataclass(frozen=True, eq=False)
class Convexity:
    """Whether the pre-image of x is convex, and why that may be believed.

    Parameters
    ----------
    verdict : ConvexityVerdict
    box : Box
        The codes that were asked about.
    least : float
        Violations below this did not count, where floating point decided; 0 where nothing was rounded.
    certificate : Certificate
        Every claim, and by what it was verified or to whom it is trusted.
    status : Status
        SOLVED where it was decided; else what stopped it, and ``status.advice`` what to try.
    seconds : float
        Wall clock.
    message : str
        One line besides the verdict.
    empty : bool or None
        Whether no code meets x: the empty set is convex. None where that was not asked.
    z1, z2, midpoint : array, shape (k,), or None
        The witness of NONCONVEX, rounded to float64.
    violation : float or None
        ``||G(midpoint) - x||_inf``.
    exact : pair of tuples of Fraction, or None
        z1 and z2 before that rounding.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> found = check_preimage_convexity(net, [1.0], box=(-3, 3))
    >>> sorted([found.z1.tolist(), found.z2.tolist()]), found.midpoint.tolist(), sorted(found.exact)[1]
    ([[-1.0], [1.0]], [0.0], (Fraction(1, 1),))
    """

    verdict: ConvexityVerdict
    box: Box
    least: float
    certificate: Certificate
    status: Status
    seconds: float
    message: str = ""
    empty: bool | None = None
    z1: FloatArray | None = None
    z2: FloatArray | None = None
    midpoint: FloatArray | None = None
    violation: float | None = None
    exact: tuple[tuple[Fraction, ...], tuple[Fraction, ...]] | None = None

    @property
    def proved(self) -> bool:
        """Whether the verdict rests on no solver, no rounded x and no tolerance: `least` is 0, nobody is trusted."""
        decided = self.verdict is not ConvexityVerdict.UNDECIDED
        return decided and self.least == 0.0 and not self.certificate.trusted

    @property
    def trusted_to(self) -> str:
        """Who is trusted; empty where every claim was verified."""
        return self.certificate.trusted_to

    def __repr__(self) -> str:
        how = "proved" if self.proved else "not proved"
        shown = "" if self.violation is None else f", violation={self.violation:.6g}"
        return f"Convexity({self.verdict}, {how}{shown}{', empty' if self.empty else ''})"


def check_preimage_convexity(
    net: Network,
    x: Any,
    box: Any = None,
    solver: Solver | str | None = "scip",
    *,
    proof: str | None = None,
    tol: float = 1e-4,
    seconds: float | None = None,
) -> Convexity:
    """Decide whether ``{z in box : G(z) = x}`` is convex (M13).

    A closed set is convex iff it has the midpoint of any two of its points, and a pre-image is closed. So a pair with
    ``G(z1) = G(z2) = x`` whose midpoint misses x refutes convexity, and a proof that there is none proves it.
    In turn: what needs no search (one layer, an x that ReLU cannot reach); a search for a pair; and one MILP with
    three copies of the network.

    Parameters
    ----------
    net : Network
    x : array_like, shape (n,)
    box : Box or pair (lower, upper), optional
        Where the codes may lie. Needed where the observation does not bound them.
    solver : Solver, str or None
        Any that takes MILPs. Its ``rel_gap`` does not matter: the first pair ends the search.
    proof : "z3", optional
        Where the MILP solver finds no exact pair, ask Z3 too (an extra): exact, for networks of some ten neurons. The
        question is then the literal one, about codes that meet the float64 numbers in x without any rounding. A pair
        from Z3 is checked, and a proof; a CONVEX is trusted to Z3, with no tolerance. Where Z3 is not done in time
        the answer stays the MILP solver's.
    tol : float
        A midpoint that misses x by less than ``tol * max(1, max |x|)`` does not count against CONVEX, since
        solvers meet x up to 1e-6 only.
    seconds : float, optional
        Wall clock for all of it.

    Returns
    -------
    Convexity
        NONCONVEX is proved where both codes meet x exactly in rationals; else it is evidence: both meet x a thousand
        times better than their midpoint does. CONVEX is trusted to the MILP solver, up to `least`, or to Z3, unless
        `proved`. Where Ctrl-C ended a solve it is UNDECIDED, with the status ``INTERRUPTED``.

    Raises
    ------
    ShapeError, InputError
        If the sizes do not fit, a value is out of range, or nothing bounds the codes.
    CapabilityError, SolverUnavailableError, MissingDependencyError
        If the solver does not take MILPs or is not here; if Z3 is not installed.

    References
    ----------
    The check by midpoints, and its program, are derived for this project.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> found = check_preimage_convexity(net, [1.0], box=(-3, 3))
    >>> found.verdict.value, found.proved, found.violation
    ('nonconvex', True, 1.0)
    >>> check_preimage_convexity(net, [1.0], box=(0, 3)).verdict.value
    'convex'
    """
    problem = Problem.of(net, x, box=box)
    chosen = Solver.of(solver)
    Call(chosen, MILP).check()
    if proof not in (None, "z3"):
        raise InputError(f"proof must be None or 'z3', got {proof!r}")
    if proof is not None:
        require("z3", "a proof by Z3")
    for name, value in (("tol", tol), ("seconds", seconds)):
        if value is not None:
            as_number(value, name, positive=True)
    started, deadline = time.perf_counter(), Deadline.after(seconds)
    check = _Check(problem, rescaled(problem), chosen, tol * problem.scale, deadline)
    found = check.by_argument()
    if found is None:
        with pinned(chosen.threads or 1):
            found = check.by_z3() if proof == "z3" else check.by_program()
    return replace(found, seconds=time.perf_counter() - started)


@dataclass(frozen=True, eq=False)
class _Check:
    """One question, and the ways to answer it."""

    problem: Problem
    program: Problem
    solver: Solver
    least: float
    deadline: Deadline

    def by_argument(self) -> Convexity | None:
        """Answer without a search where the layers allow it."""
        network, x = self.problem.network, self.problem.x
        missed = network[-1].activation.sign_bound(x)
        if missed.any():
            text = f"no code meets x: entry {int(np.argmax(missed))} is negative"
            claim = Claim(text, Standing.VERIFIED, "sign of ReLU")
            return self._convex(claim, least=0.0, empty=True)
        if not any(layer.activation.bends.any() for layer in network.layers[:-1]):
            text = "the pre-image is a polyhedron: affine equations, and inequalities where a ReLU is off"
            return self._convex(Claim(text, Standing.VERIFIED, "one layer with an activation, the last"), least=0.0)
        return None

    def by_z3(self) -> Convexity:
        """Answer by an exact pair, or else by exact arithmetic."""
        found = self.by_program()
        if found.proved or found.status is Status.INTERRUPTED:
            return found
        regions = regions_of(self.problem, self.deadline)
        if regions is None:
            return self._no_code()
        answer = ask_z3(self.problem, regions, self.deadline)
        if answer.pair is not None and answer.pair.is_proof:
            return self._nonconvex(answer.pair)
        if not answer.convex:
            why = "not decided in the time given" if answer.pair is None else "its two codes do not refute convexity"
            return replace(found, message=f"{answer.by}: {why}")
        what = "no code meets x" if answer.empty else "every midpoint of two codes that meet x meets it"
        claim = Claim(what, Standing.TRUSTED, answer.by)
        return self._convex(claim, least=0.0, empty=answer.empty)

    def by_program(self) -> Convexity:
        """Answer by a search, then by the solver."""
        nearest = Exact("inf").run(self.problem, self.solver.until(self.deadline.share(0.5)))
        if nearest.status is Status.INTERRUPTED:
            return self._undecided(nearest.status, nearest.message)
        if nearest.realizable is False and nearest.dual_bound is not None:
            text = f"every code misses x by at least {down(nearest.dual_bound)}"
            sure = nearest.bound_by in SURE
            claim = Claim(text, Standing.VERIFIED if sure else Standing.TRUSTED, nearest.bound_by, nearest.dual_bound)
            return self._convex(claim, least=0.0 if sure else self.least, empty=True)
        if nearest.z is not None and nearest.realizable and is_unique(self.problem.network, nearest.z):
            return self._one_code(nearest.z)
        regions = regions_of(self.program, self.deadline)
        if regions is None:
            return self._no_code()
        known = nearest.z if nearest.realizable else None
        pair = find_pair(self.problem, known, self.least, self.deadline.share(0.5))
        if pair is not None and (pair.is_proof or pair.is_evidence(self.least)):
            return self._nonconvex(pair)
        return self._by_solver(regions, empty=False if nearest.realizable else None)

    def _one_code(self, z: FloatArray) -> Convexity:
        text = "the pre-image of G(z) is one code: in every layer the active rows have full column rank"
        claims = [Claim(text, Standing.VERIFIED, BY_FACTORISATION)]
        missed = residual(self.problem.network, z, self.problem.x)
        if missed:
            claims.append(Claim("x is what z gives, up to rounding", Standing.TRUSTED, "floating point", float(missed)))
        return self._convex(*claims, least=self.least if missed else 0.0, empty=False)

    def _no_code(self) -> Convexity:
        return self._convex(
            Claim("no code meets x", Standing.VERIFIED, "bounds, rounded outwards"), least=0.0, empty=True
        )

    def _by_solver(self, regions: Regions, *, empty: bool | None) -> Convexity:
        text = f"no midpoint of two codes that meet x misses it by {up(self.least, 3)}"
        wide = wide_bounds(regions.meeting) or wide_bounds(regions.middle)
        if wide:
            return self._undecided(Status.WIDE_BOUNDS, wide)
        model = build_convexity_program(self.program, regions, self.least)
        if model is None:
            claim = Claim(text, Standing.VERIFIED, "bounds, rounded outwards")
            return self._convex(claim, least=self.least, empty=empty)
        outcome = solve(model, replace(self.solver.until(self.deadline), rel_gap=ANY_GAP), MILP, lean=True)
        if outcome.has_solution:
            codes, patterns = read_pair(model, regions)
            pair = widest_pair(self.problem, codes, patterns, self.least)
            if pair.is_proof or pair.is_evidence(self.least):
                return self._nonconvex(pair)
            said = f"{outcome.solver} gives a pair that misses x by {float(pair.missed):.3g}, its midpoint by "
            return self._undecided(outcome.status, f"{said}{float(pair.violation):.3g}: try a larger tol")
        if outcome.status in (Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED):
            return self._convex(Claim(text, Standing.TRUSTED, outcome.solver), least=self.least, empty=empty)
        return self._undecided(outcome.status, outcome.message)

    def _convex(self, *claims: Claim, least: float, empty: bool | None = None) -> Convexity:
        return Convexity(
            ConvexityVerdict.CONVEX,
            self._box(),
            least,
            Certificate(claims),
            Status.SOLVED,
            0.0,
            "no code in the box meets x, and the empty set is convex" if empty else "",
            empty,
        )

    def _nonconvex(self, pair: Pair) -> Convexity:
        missed, least = above(pair.missed), below(pair.violation)
        met = "exactly" if pair.missed == 0 else f"up to {up(missed, 3)}"
        claims = [
            Claim(f"z1 and z2 lie in the box and meet x {met}", Standing.VERIFIED, EXACT_PASS, missed),
            Claim(f"(z1 + z2) / 2 misses x by at least {down(least)}", Standing.VERIFIED, EXACT_PASS, least),
        ]
        if not pair.is_proof:
            claims.append(Claim("x is what z1 and z2 give, up to rounding", Standing.TRUSTED, "floating point"))
        z1, z2, middle = (
            np.array([float(v) for v in z]) for z in (pair.z1, pair.z2, midpoint_of(list(pair.z1), list(pair.z2)))
        )
        return Convexity(
            ConvexityVerdict.NONCONVEX,
            self._box(),
            0.0 if pair.is_proof else self.least,
            Certificate(tuple(claims)),
            Status.SOLVED,
            0.0,
            "" if pair.is_proof else "evidence in floating point: no two codes were found that meet x exactly",
            False,
            z1,
            z2,
            middle,
            float(pair.violation),
            (pair.z1, pair.z2),
        )

    def _undecided(self, status: Status, message: str) -> Convexity:
        return Convexity(ConvexityVerdict.UNDECIDED, self._box(), self.least, Certificate(), status, 0.0, message)

    def _box(self) -> Box:
        return self.problem.box
