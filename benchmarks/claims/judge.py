"""Every claim of an answer as an assertion that is tested against what is true, once all methods have had their say."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

import pyomo_relu as pr

from .truth import Known, Truth, null_directions, power

EQUAL = Fraction(1, 10**9)
"""A residual is printed with nine digits: it holds up to this part of it, and 1e-12 of ``max(1, max |x|)``."""

PRINTED = Fraction(1, 10**8)
"""By which part a number of nine printed digits may be off."""

LAST_BITS = Fraction(1, 10**12)
"""What is false by no more than this part is told apart: it is rounding, not reasoning."""

NEAR = 1e-9, 1e-6
"""Parts of a pre-image are counted with both as slack; where the counts differ, it is open how many there are.

With the first, only those parts count that have a code that meets x but for rounding.
"""

FAR = 1e-5
"""A code that misses a row of every cell by more than this is in none."""

VERIFIED, TRUSTED = "verified", "trusted"


@dataclass(frozen=True, eq=False)
class Assertion:
    """What is claimed; `excess` tells by which part of the value it is false, 0 where it holds."""

    standing: str
    kind: str
    text: str
    excess: Callable[[], Fraction | float]


def of_result(truth: Truth, result: pr.Result, *, tube: float | None = None) -> Iterator[Assertion]:
    """Yield what a result claims: its fields, and the claims of its certificate."""
    known = None if result.z is None else truth.add(result.z.tolist())
    norm = str(result.norm)
    scope = _scope_of(truth, tube)
    for claim in result.certificate.claims:
        yield _of_claim(truth, known, norm, claim)
    if known is None:
        if result.status is pr.Status.INFEASIBLE and tube is not None:
            room = Fraction(1e-5 * truth.scale)
            yield Assertion(
                TRUSTED,
                "infeasible",
                f"no code in the tube of {tube}",
                lambda: _present(truth, "inf", Fraction(tube) - room, lambda k: k.in_box),
            )
        yield from _ends(result)
        return
    yield Assertion(VERIFIED, "in the box", f"z = {result.z.tolist()} lies in the box", lambda: int(not known.in_box))
    yield Assertion(
        VERIFIED,
        "residual, as a field",
        f"residual = {result.residual!r}",
        # Where x is met it may be all rounding: the field says as much, and the claim what bounds it.
        lambda: (
            0 if result.realizable and result.residual <= truth.met else _differs(truth, known, norm, result.residual)
        ),
    )
    if result.realizable:
        yield Assertion(VERIFIED, "met", "realizable", lambda: _above(known.inf, truth.met))
    if result.realizable is False:
        standing = VERIFIED if not result.certificate.trusted else TRUSTED
        yield Assertion(standing, "not met", "realizable is False", lambda: _present(truth, "inf", truth.met, scope))
    if result.status is pr.Status.OPTIMAL:
        yield Assertion(
            TRUSTED,
            "optimal",
            f"{result.residual!r} is optimal",
            lambda: _not_optimal(truth, norm, result.residual, scope),
        )
    if tube is not None:
        yield Assertion(
            VERIFIED,
            "in the tube",
            f"z is in the tube of {tube!r}",
            lambda: _above(known.inf, Fraction(tube) + Fraction(1e-9 * truth.scale)),
        )
    yield from _ends(result)


def _ends(result: pr.Result) -> Iterator[Assertion]:
    unbounded = result.status in (pr.Status.UNBOUNDED, pr.Status.INFEASIBLE_OR_UNBOUNDED)
    yield Assertion(TRUSTED, "status", f"status {result.status}", lambda: int(unbounded))


SAID = r"\|\|(?:w \(G\(z\) - x\)|G\(z\) - x)\|\|_(inf|1|2|huber:\S+)"
"""A residual in words, weighed or not."""

PATTERNS: tuple[tuple[str, str], ...] = (
    (SAID + " = ", "residual"),
    (SAID + " <= ", "residual at most"),
    (SAID + " >= ", "bound"),
    (r"z lies in the box", "in the box"),
    (r"x is met up to ", "met"),
    (r"x is not met by ", "not met"),
    (r"z is the only code", "only code"),
    (r"a bound of \S+ by .* is wrong", "wrong bound"),
    (r"among the codes within ", "second norm"),
)


def _of_claim(truth: Truth, known: Known | None, norm: str, claim: Any) -> Assertion:
    kind = next((kind for pattern, kind in PATTERNS if re.match(pattern, claim.text)), "unread")
    value = None if claim.value is None else Fraction(claim.value)
    standing = claim.standing.value
    named = re.match(SAID, claim.text)
    norm = named[1] if named else norm
    scope = _scope_of(truth, claim.text)
    tests: dict[str, Callable[[], Fraction | float]] = {
        "residual": lambda: _differs(truth, known, norm, value),
        "residual at most": lambda: _above(known.residual(norm), power(value, norm)),
        "bound": lambda: _below(truth, norm, value, scope, standing),
        "in the box": lambda: int(not known.in_box),
        "met": lambda: _above(known.inf, Fraction(float(claim.text.split()[5])) * Fraction(1005, 1000)),
        "not met": lambda: _present(truth, "inf", truth.met, scope),
        "only code": lambda: int(another_code(truth, known)),
        "wrong bound": lambda: _above(known.residual(norm), power(Fraction(float(claim.text.split()[3])), norm)),
        "second norm": lambda: _second(truth, known, claim),
        "unread": lambda: 1,
    }
    return Assertion(standing, kind, str(claim), tests[kind])


def _scope_of(truth: Truth, text: Any) -> Callable[[Known], bool]:
    """Return whether a claim is about a code; bounds of a last layer hold for whatever a code makes of its input."""
    if isinstance(text, float):
        return lambda known: known.in_box and known.inf <= Fraction(text)
    if text is None:
        return lambda known: known.in_box
    tube = re.search(r"the tube of (\S+)", text)
    if tube:
        most = Fraction(float(tube[1])) * (1 - Fraction(1, 10**5))
        return lambda known: known.in_box and known.inf <= most
    if "in the box" in text:
        return lambda known: known.in_box
    return lambda known: True


def _excess(larger: Fraction, smaller: Fraction) -> Fraction:
    """Return by which part `larger` is above `smaller`, 0 where it is not."""
    return (larger - smaller) / larger if larger > smaller else Fraction(0)


def _above(value: Fraction, most: Fraction) -> Fraction:
    return _excess(value, most)


def _differs(truth: Truth, known: Known, norm: str, value: float | Fraction) -> Fraction:
    exact, said = known.residual(norm), Fraction(value)
    room = Fraction(1, 10**12) * Fraction(truth.scale)
    low, high = max(Fraction(0), said * (1 - EQUAL) - room), said * (1 + EQUAL) + room
    return max(_excess(exact, power(high, norm)), _excess(power(low, norm), exact))


def _below(truth: Truth, norm: str, value: Fraction, scope: Callable[[Known], bool], standing: str) -> Fraction:
    """Return by how much a known code refutes a lower bound; a trusted one beyond what solvers are said to let pass."""
    best = truth.best(norm, scope)
    if best is None:
        return Fraction(0)
    if standing == TRUSTED:
        value = value * (1 - Fraction(1, 10**4)) - Fraction(1e-5 * truth.scale)
    return _excess(power(value, norm), best.residual(norm)) if value > 0 else Fraction(0)


def _present(truth: Truth, norm: str, level: Fraction, scope: Callable[[Known], bool]) -> int:
    best = truth.best(norm, scope)
    return int(best is not None and best.residual(norm) <= level)


def _not_optimal(truth: Truth, norm: str, residual: float, scope: Callable[[Known], bool]) -> Fraction:
    best = truth.best(norm, scope)
    room = 1e-5 * truth.scale
    if norm.startswith("huber"):
        delta = float(norm.partition(":")[2])
        room = (min(room, delta) * (2.0 * room - min(room, delta))) ** 0.5
    least = Fraction(residual) - max(Fraction(room), Fraction(residual) / 1000)
    if best is None or least <= 0:
        return Fraction(0)
    return _excess(power(least, norm), best.residual(norm))


def _second(truth: Truth, known: Known, claim: Any) -> Fraction:
    found = re.match(rf"among the codes within (\S+), {SAID} = (\S+?)(?:, at least (\S+))?$", claim.text)
    if not found:
        return Fraction(1)
    tube, norm, value, least = Fraction(float(found[1])), found[2], Fraction(claim.value), found[4]
    wrong = _differs(truth, known, norm, value)
    if least is not None:
        inner = tube * (1 - Fraction(1, 10**6))
        inside = _below(truth, norm, Fraction(float(least)), lambda k: k.in_box and k.inf <= inner, TRUSTED)
        wrong = max(wrong, inside)
    return wrong


def another_code(truth: Truth, known: Known) -> bool:
    """Whether another code is known that has exactly the same output, along what leaves the active rows alone, too."""
    if any(other.output == known.output and other.z != known.z for other in truth.known.values()):
        return True
    size = len(known.z)
    h = [([Fraction(int(i == j)) for j in range(size)], v) for i, v in enumerate(known.z)]
    for weight, bias, slopes in truth.layers:
        following = []
        for row, b, slope in zip(weight, bias, slopes, strict=True):
            gradient = [
                sum((w * g[i] for w, (g, _) in zip(row, h, strict=True)), Fraction(0)) for i in range(len(known.z))
            ]
            t = sum((w * v for w, (_, v) in zip(row, h, strict=True)), b)
            gain = Fraction(1) if t > 0 else slope
            following.append(([gain * v for v in gradient], gain * t))
        h = following
    for direction in null_directions([row for row, _ in truth.observed_rows(h)], size):
        for sign, bits in itertools.product((1, -1), (20, 60)):
            step = Fraction(sign, 2**bits)
            if tuple(truth.output([v + step * d for v, d in zip(known.z, direction, strict=True)])) == known.output:
                return True
    return False


def of_extent(truth: Truth, found: Any) -> Iterator[Assertion]:
    """Yield what an extent along the coordinates claims."""
    yield from of_result(truth, found.result)
    if found.level is None:
        return
    norm, level = str(found.norm), Fraction(found.level)
    texts = list(found.certificate.claims)
    scope = next((re.search(r"_inf <= (\S+) *$", claim.text) for claim in texts if " and ||" in claim.text), None)
    tube = None if scope is None else Fraction(float(scope[1])) * (1 + PRINTED)
    # The level is told with nine digits.
    room = Fraction(1, 10**12) * Fraction(truth.scale)
    truth.farthest(norm, found.level)

    def inside(known: Known, room: Fraction = Fraction(0)) -> bool:
        near = known.residual(norm) <= power(level * (1 - room), norm)
        return known.in_box and near and (tube is None or known.inf <= tube * (1 - room))

    def attained() -> Fraction:
        worst = Fraction(0)
        for i, side in np.ndindex(len(found.lower), 2):
            code = found.codes[i, side]
            if np.isnan(code).any():
                continue
            known = truth.add(code.tolist())
            value = (found.attained_lower, found.attained_upper)[side][i]
            worst = max(worst, Fraction(int(not known.in_box)), _above(known.residual(norm), power(level + room, norm)))
            worst = max(worst, Fraction(int(float(known.z[i]) != value)))
            worst = max(worst, Fraction(0) if tube is None else _above(known.inf, tube + room))
        return worst

    def beyond(room: Fraction) -> list[float]:
        """By how much the codes of the set go beyond each outer bound."""
        codes = [known.z for known in truth.known.values() if inside(known, room)]
        return [
            float(max((sign * (z[i] - Fraction(end[i])) for z in codes), default=0)) if np.isfinite(end[i]) else 0.0
            for sign, end in ((-1, found.lower), (1, found.upper))
            for i in range(len(end))
        ]

    rests = {claim.standing.value: int(claim.text.split()[0]) for claim in texts if "outer bounds" in claim.text}
    yield Assertion(VERIFIED, "extent: attained", f"{texts[0]}", attained)
    if VERIFIED in rests:
        # Which of them are verified is not told: no more may fail than are trusted.
        yield Assertion(
            VERIFIED,
            "extent: bounds",
            f"{rests[VERIFIED]} verified outer bounds",
            lambda: _too_many(beyond(Fraction(0)), rests.get(TRUSTED, 0)),
        )
    if TRUSTED in rests:
        yield Assertion(
            TRUSTED,
            "extent: bounds",
            f"{rests[TRUSTED]} trusted outer bounds {found.lower} {found.upper}",
            lambda: max([0.0, *(b for b in beyond(Fraction(1, 10**6)) if b > 1e-5 * _size(found))]),
        )
    if found.unique is True:
        standing = TRUSTED if TRUSTED in rests else VERIFIED
        yield Assertion(
            standing, "extent: unique", f"unique within {found.apart}", lambda: _spread(truth, inside, found.apart)
        )
    if found.unique is False:
        yield Assertion(
            VERIFIED, "extent: not unique", "two codes", lambda: int(not (found.attained_width > found.apart).any())
        )


def _too_many(beyond: list[float], allowed: int) -> float:
    """Return the most that a bound is beaten by, where more are than may be."""
    return max(beyond) if sum(value > 0.0 for value in beyond) > allowed else 0.0


def _size(found: Any) -> float:
    ends = np.abs(np.r_[found.lower, found.upper])
    return max(1.0, float(ends[np.isfinite(ends)].max(initial=0.0)))


def _spread(truth: Truth, inside: Any, apart: float) -> int:
    codes = np.array([[float(v) for v in k.z] for k in truth.known.values() if inside(k, Fraction(1, 10**6))])
    return int(len(codes) > 1 and float(np.ptp(codes, axis=0).max()) > apart * (1.0 + 1e-4))


MOST_PARTS = 40
"""Pre-images of more cells are not counted: every pair is an LP."""


def of_preimage(truth: Truth, found: Any) -> Iterator[Assertion]:
    """Yield what a pre-image claims: complete, its components, convexity, uniqueness, and its cells' own points."""
    tol = found.tol
    room = Fraction(tol) + Fraction(1e-5 * truth.scale)

    def misses() -> Fraction:
        # Without a box, a cell may lie beyond those where the truth looks for codes.
        box = truth.case.box
        inside = (c.interior if box is None else np.clip(c.interior, *box) for c in found.cells)
        return max((_above(truth.add(z.tolist()).inf, room) for z in inside), default=Fraction(0))

    yield Assertion(TRUSTED, "preimage: cells", f"{len(found.cells)} cells meet x", misses)
    cells, n, convex = f"complete, {len(found.cells)} cells", found.n_components, found.convex
    if found.complete:
        yield Assertion(TRUSTED, "preimage: complete", cells, lambda: _lost(truth, found, Fraction(tol)))
    if found.complete and truth.case.exact and truth.case.kind != "wild":
        slack = Fraction(tol) + Fraction(4e-15 * truth.scale)
        yield Assertion(TRUSTED, "preimage: complete up to rounding", cells, lambda: _lost(truth, found, slack))
    if found.complete and n is not None:
        yield Assertion(TRUSTED, "preimage: components", f"{n} components", lambda: _miscounted(truth, tol, n))
    if convex is not None:
        yield Assertion(TRUSTED, "preimage: convexity", f"convex = {convex}", lambda: misjudged(truth, tol, convex))
    if found.unique is not None:
        said = f"unique = {found.unique}"
        yield Assertion(TRUSTED, "preimage: uniqueness", said, lambda: _not_single(truth, tol, found))


def _lost(truth: Truth, found: Any, level: Fraction) -> float:
    """Return by how much the code that is farthest from all cells misses them."""
    codes = [np.array([float(v) for v in k.z]) for k in truth.known.values() if k.in_box and k.inf <= level]
    worst = 0.0
    for z in codes:
        missed = min((_missed(cell, z) for cell in found.cells), default=np.inf)
        worst = max(worst, missed if missed > FAR * max(1.0, float(np.abs(z).max())) else 0.0)
    return worst


def _missed(cell: Any, z: np.ndarray) -> float:
    sides = (cell.sides @ z - cell.limits).max(initial=0.0)
    return float(max(sides, np.abs(cell.equations @ z - cell.targets).max(initial=0.0)))


def _parts(truth: Truth, tol: float, slack: float) -> list[Any]:
    """Return the parts of the pre-image; with the smaller slack those with a code that meets x but for rounding."""
    parts = truth.parts(tol, slack)
    if slack == NEAR[0]:
        room = Fraction(tol) + Fraction(4e-15 * truth.scale)
        parts = [part for part in parts if truth.point_of(part).inf <= room]
    return parts


def _counts(truth: Truth, tol: float) -> list[int] | None:
    counts = []
    for slack in NEAR:
        parts = _parts(truth, tol, slack)
        if len(parts) > MOST_PARTS:
            return None
        counts.append(truth.components(parts, slack))
    return counts


def _miscounted(truth: Truth, tol: float, claimed: int) -> int:
    if not claimed and not _present(truth, "inf", Fraction(tol), lambda known: known.in_box):
        # Codes that miss x by a rounding: that there are none is told by the claim that it is complete.
        return 0
    if claimed == 0 and tol == 0.0 and truth.beyond_sign:
        return 0  # exactly so, by however little
    counts = _counts(truth, tol)
    return int(counts is not None and counts[0] == counts[1] != claimed)


def misjudged(truth: Truth, tol: float, convex: bool) -> int:
    if convex and tol == 0.0 and truth.beyond_sign:
        return 0  # exactly, there are none
    parts = _parts(truth, tol, NEAR[0])[:MOST_PARTS]
    if not convex:
        # One part, or none: convex, whatever the slack.
        return int(len(parts) <= 1 and len(truth.parts(tol, NEAR[1])) <= 1)
    room = Fraction(tol) + Fraction(1e-4 * truth.scale)
    points = [truth.point_of(part).z for part in parts]
    middles = ([(a + b) / 2 for a, b in zip(p, q, strict=True)] for p, q in itertools.combinations(points, 2))
    return int(any(truth.add(middle).inf > room for middle in middles))


def _not_single(truth: Truth, tol: float, found: Any) -> int:
    """Whether `unique` is wrong: two codes are known that are apart, or all there are lie within 1e-8 of one."""
    if found.unique:
        codes = [k.z for k in truth.known.values() if k.in_box and k.inf <= Fraction(tol)]
        pairs = itertools.combinations(codes, 2)
        apart = max((abs(a - b) for p, q in pairs for a, b in zip(p, q, strict=True)), default=Fraction(0))
        return int(apart > FAR * max(1.0, max((float(abs(v)) for z in codes for v in z), default=0.0)))
    if not _parts(truth, tol, NEAR[0]):
        return 0
    return int(truth.spread(truth.parts(tol, NEAR[0])) <= 1e-8)


def of_proof(truth: Truth, claim: Any, residual: Fraction | None, code: Any) -> Iterator[Assertion]:
    """Yield what an accepted certificate proves: strictly."""
    yield Assertion(
        VERIFIED,
        "proof",
        f"||G(z) - x||_{claim.norm} >= {float(claim.bound)!r}",
        lambda: _below(truth, claim.norm, claim.bound, lambda k: k.in_box, VERIFIED),
    )
    if residual is not None:
        yield Assertion(
            VERIFIED,
            "proof: residual of its code",
            f"{float(residual)!r}",
            lambda: int(truth.add(np.asarray(code).tolist()).residual(claim.norm) != residual),
        )
