"""Check a certificate that no code in a box has a residual below a bound: exact arithmetic, no solver.

It runs alone on the standard library: ``python checker.py < CERTIFICATE``. What is proved: let G be the network and
``phi(t) = max(t, slope t)`` each neuron's activation. If a code z of the box had ``||G(z) - x|| < bound``, its pre-
activations t would lie within bounds, updated as follows; but each leaf of a tree of splits by sign is a contradiction.

Multipliers. For numbers ``a`` on the deviations and ``nu`` on the pre-activations, whatever they are, ::

    a.|phi(t_d) - x|  =  sum of  a.|phi(t_d) - x| - nu_d.t_d + nu_d.b_d  over the outputs,  a_0.z,  and over hidden
                                 layers  a_i.phi(t_i) - nu_i.t_i + nu_i.b_i,  where  a_{i-1} = W_i' nu_i

and each term is least at an end of its range, or at a bend: the sum of minima is a lower bound. But the left side is
below ``bound ||a||*``, with the dual norm, unless a = 0. A target, +-t_ij or +-z_j, may be added on both sides: that
bounds it. No number in a proof is trusted; a wrong one makes a bound weaker, never false. Bounds are rounded outwards,
so that fractions stay short. Derived for this project; it is the Lagrangian dual of a relaxation of the network.
"""

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from operator import mul
from typing import Any

FORMAT = "pyomo-relu certificate 3"
READ = (FORMAT, "pyomo-relu certificate 2")  # which has one slope a layer
BITS = 64  # of a bound after rounding
MOST_BYTES = 2**28  # of a certificate; those that were measured have 2 MB

Interval = tuple[Fraction, Fraction]
Bounds = list[list[Interval]]  # of the code first, then of each layer's pre-activations
Place = tuple[int, int]  # a layer, 0 for the code, and an index
Multipliers = tuple[list[Fraction], list[list[Fraction]]]  # the numbers a, and nu layer by layer


class RejectedError(Exception):
    """The certificate proves nothing; the message says why."""


class Empty(Exception):  # noqa: N818 - it is a proof, not an error
    """Bounds cross: nothing lies between them."""


@dataclass(frozen=True)
class RationalLayer:
    """A dense layer; its weights are integers over `scale`."""

    rows: list[list[int]]
    scale: int
    bias: list[Fraction]
    slopes: list[Fraction]

    def activate(self, j: int, t: Fraction) -> Fraction:
        """Return phi(t) of neuron j."""
        return t if t >= 0 else self.slopes[j] * t

    def interval(self, ends: list[Interval]) -> list[Interval]:
        """Bound the pre-activations by bounds of the input."""
        low, high = ([end[side] for end in ends] for side in (0, 1))
        rows = [[max(w, 0) for w in row] + [min(w, 0) for w in row] for row in self.rows]
        least, most = (_products(rows, self.scale, values) for values in (low + high, high + low))
        return [(_floor(a + bias), -_floor(-b - bias)) for a, b, bias in zip(least, most, self.bias, strict=True)]


@dataclass(frozen=True)
class BoundClaim:
    """``||G(z) - x|| >= bound`` for every z in the box."""

    layers: list[RationalLayer]
    x: list[Fraction]
    box: list[Interval]
    norm: str
    bound: Fraction

    def dual(self, a: list[Fraction]) -> Fraction:
        """Return the dual norm."""
        return max(map(abs, a)) if self.norm == "1" else sum(map(abs, a), Fraction(0))

    def root(self) -> Bounds:
        """Return the bounds that the box and the observation give."""
        bounds, last = self.tightened([self.box]), self.layers[-1]
        for j, target in enumerate(self.x):
            place, below, above = (len(self.layers), j), target - self.bound, target + self.bound
            slope = last.slopes[j]
            if below > 0 or slope:
                bounds = with_fact(bounds, place, 1, below if below > 0 else below / slope)
            if above < 0 and not slope:
                raise Empty
            bounds = with_fact(bounds, place, -1, -above if above >= 0 else -above / slope)
        return bounds

    def tightened(self, bounds: Bounds) -> Bounds:
        """Return the bounds met with what interval arithmetic makes of those before; missing layers are added."""
        found, ends = [bounds[0]], bounds[0]
        for number, layer in enumerate(self.layers, start=1):
            rows = layer.interval(ends)
            known = bounds[number] if number < len(bounds) else rows
            found.append([(max(a, c), min(b, d)) for (a, b), (c, d) in zip(rows, known, strict=True)])
            if any(low > high for low, high in found[-1]):
                raise Empty
            ends = [(layer.activate(j, low), layer.activate(j, high)) for j, (low, high) in enumerate(found[-1])]
        return found

    def least(self, bounds: Bounds, multipliers: Multipliers, target: tuple[Place, int] | None = None) -> Fraction:
        """Bound ``target + a.|phi(t_d) - x| - bound ||a||*`` below; a target is a place and a sign."""
        a, rows = multipliers
        total = -self.bound * self.dual(a)
        for number in range(len(self.layers), 0, -1):
            layer, nu = self.layers[number - 1], rows[number - 1]
            for j, ends in enumerate(bounds[number]):
                slope = nu[j] - (target[1] if target is not None and target[0] == (number, j) else 0)
                if a[j] or slope:
                    total += min(a[j] * cost - slope * t for t, cost in self._corners(number, j, ends))
            total += sum(map(mul, nu, layer.bias), Fraction(0))
            a = _products(list(zip(*layer.rows, strict=True)), layer.scale, nu)
        for j, (low, high) in enumerate(bounds[0]):
            factor = a[j] + (target[1] if target is not None and target[0] == (0, j) else 0)
            total += min(factor * low, factor * high)
        return total

    def _corners(self, number: int, j: int, ends: Interval) -> Iterator[tuple[Fraction, Fraction]]:
        """Yield the ends of a range and the bends inside, each with phi, or |phi - x| over the outputs."""
        layer, last = self.layers[number - 1], number == len(self.layers)
        bends = [Fraction(0), self.x[j], self.x[j] / (layer.slopes[j] or 1)] if last else [Fraction(0)]
        for t in (*ends, *(bend for bend in bends if ends[0] < bend < ends[1])):
            yield t, abs(layer.activate(j, t) - self.x[j]) if last else layer.activate(j, t)

    def closes(self, bounds: Bounds, multipliers: Multipliers) -> bool:
        """Whether multipliers contradict ``||G(z) - x|| < bound`` within bounds."""
        value = self.least(bounds, multipliers)
        return value > 0 or (value == 0 and any(multipliers[0]))

    def residual(self, code: list[Fraction]) -> Fraction:
        """Return ``||G(code) - x||``."""
        h = code
        for layer in self.layers:
            sums = zip(_products(layer.rows, layer.scale, h), layer.bias, strict=True)
            h = [layer.activate(j, t + b) for j, (t, b) in enumerate(sums)]
        misses = [abs(value - target) for value, target in zip(h, self.x, strict=True)]
        return sum(misses, Fraction(0)) if self.norm == "1" else max(misses)


def with_fact(bounds: Bounds, place: Place, sign: int, value: Fraction) -> Bounds:
    """Return bounds in which ``sign * entry >= value``."""
    (number, j), (low, high) = place, bounds[place[0]][place[1]]
    low, high = (max(low, _floor(value)), high) if sign > 0 else (low, min(high, -_floor(value)))
    if low > high:
        raise Empty
    return [*bounds[:number], [*bounds[number][:j], (low, high), *bounds[number][j + 1 :]], *bounds[number + 1 :]]


def _products(rows: Any, scale: int, values: list[Fraction]) -> list[Fraction]:
    """Return ``rows . values / scale``, by one multiplication of integers a weight."""
    below = math.lcm(*(v.denominator for v in values))
    integers = [v.numerator * (below // v.denominator) for v in values]
    return [Fraction(sum(map(mul, row, integers)), scale * below) for row in rows]


def _floor(value: Fraction) -> Fraction:
    """Return the value where it is short, else a short one below it."""
    if value.denominator.bit_length() <= BITS:
        return value
    shift = max(0, BITS + value.denominator.bit_length() - value.numerator.bit_length())
    return Fraction((value.numerator << shift) // value.denominator, 1 << shift)


@dataclass(frozen=True)
class CheckedProof:
    """What is proved; the residual is that of the certificate's code, None where it has none."""

    claim: BoundClaim
    residual: Fraction | None
    leaves: int

    def __str__(self) -> str:
        claim, code = self.claim, self.residual
        said = "" if code is None else f"\na code in the box has residual {float(code)!r} (rounded)"
        ends = [f"[{_text(low)}, {_text(high)}]" for low, high in claim.box]
        box = f"{ends[0]}^{len(ends)}" if len(set(ends)) == 1 else " x ".join(ends)
        text = f"proved: ||G(z) - x||_{claim.norm} >= {_text(claim.bound)} for every code in the box {box}"
        return f"{text}{said}\nleaves: {self.leaves}; exact arithmetic"


def _text(value: Fraction) -> str:
    return repr(float(value)) if float(value) == value else str(value)


def check(certificate: Any) -> CheckedProof:
    """Check a certificate, as JSON gives it; a RejectedError says why it does not prove its claim.

    Examples
    --------
    >>> proof = {"format": FORMAT, "network": [{"weight": [[1.0]], "bias": [0.0], "slopes": [0.0]}],
    ...          "observation": [-1.0], "box": [[-2.0], [2.0]], "norm": "inf", "bound": 1.0,
    ...          "code": [-1.0], "facts": [], "tree": {"output": [1.0], "rows": [[0.0]]}}
    >>> check(proof).claim.bound, check(proof).residual         # ReLU(z) >= 0
    (Fraction(1, 1), Fraction(1, 1))
    """
    try:
        return _check(certificate)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise RejectedError(f"damaged: {type(error).__name__}: {error}") from error


def _check(certificate: Any) -> CheckedProof:
    if certificate["format"] not in READ:
        raise RejectedError(f"its format is not {FORMAT!r}")
    claim = read_claim(certificate)
    code = None if certificate["code"] is None else _numbers(certificate["code"], len(claim.box))
    if code is not None and any(not low <= v <= high for v, (low, high) in zip(code, claim.box, strict=True)):
        raise RejectedError("its code is not in the box")
    residual = None if code is None else claim.residual(code)
    if residual is not None and residual > sys.float_info.max:
        raise RejectedError("the residual of its code is too large")
    try:
        bounds = claim.root()
        for facts in certificate["facts"]:
            if type(facts) is not list:
                raise RejectedError("a round of facts is no list")
            # A round without facts changes no bounds, so that to tighten them again would change none either.
            bounds = claim.tightened(bounds) if facts else bounds
            for fact in facts:
                place, sign = _place(claim, fact, first=0), {"lower": 1, "upper": -1}[fact["side"]]
                value = claim.least(bounds, _multipliers(claim, fact), (place, sign))
                bounds = with_fact(bounds, place, sign, value)
        bounds, leaves = claim.tightened(bounds), 0
    except Empty:
        return CheckedProof(claim, residual, 0)
    for leaves, (within, leaf) in enumerate(_leaves(claim, bounds, certificate["tree"]), start=1):
        try:
            closed = within is None or claim.closes(claim.tightened(within), _multipliers(claim, leaf))
        except Empty:
            closed = True
        if not closed:
            raise RejectedError(f"leaf {leaves}: its multipliers prove nothing")
    return CheckedProof(claim, residual, leaves)


def read_claim(certificate: Any) -> BoundClaim:
    """Read what is claimed."""
    layers: list[RationalLayer] = []
    (lower, upper), size = certificate["box"], len(certificate["box"][0])
    box = list(zip(_numbers(lower, size), _numbers(upper, size), strict=True))
    for entry in certificate["network"]:
        rows = [_numbers(row, size) for row in entry["weight"]]
        bias = _numbers(entry["bias"], len(rows))
        given = entry["slopes"] if certificate["format"] == FORMAT else [entry["slope"]] * len(rows)
        slopes = _numbers(given, len(rows))
        if not all(0 <= slope <= 1 for slope in slopes):
            raise RejectedError("a slope is not in [0, 1]")
        scale = math.lcm(*(w.denominator for row in rows for w in row))
        layers.append(RationalLayer([[int(w * scale) for w in row] for row in rows], scale, bias, slopes))
        size = len(rows)
    if certificate["norm"] not in ("inf", "1") or any(low > high for low, high in box):
        raise RejectedError("its norm is neither 'inf' nor '1', or its box is empty")
    x = _numbers(certificate["observation"], len(layers[-1].bias))
    return BoundClaim(layers, x, box, certificate["norm"], *_numbers([certificate["bound"]], 1))


def _leaves(claim: BoundClaim, bounds: Bounds, tree: Any) -> Iterator[tuple[Bounds | None, Any]]:
    """Yield every leaf, with bounds that meet the splits on the way to it, or None where they cross."""
    waiting: list[tuple[Bounds | None, Any]] = [(bounds, tree)]
    while waiting:
        within, node = waiting.pop()
        if "on" in node or "off" in node:
            place = _place(claim, node, first=1)
            waiting += [(_split(within, place, sign), node[side]) for sign, side in ((-1, "off"), (1, "on"))]
        else:
            yield within, node


def _split(bounds: Bounds | None, place: Place, sign: int) -> Bounds | None:
    try:
        return None if bounds is None else with_fact(bounds, place, sign, Fraction(0))
    except Empty:
        return None


def _place(claim: BoundClaim, node: Any, first: int) -> Place:
    number, j = node["layer"], node["neuron"]
    sizes = [len(claim.box), *(len(layer.bias) for layer in claim.layers)]
    if type(number) is not int or type(j) is not int or not first <= number < len(sizes) or not 0 <= j < sizes[number]:
        raise RejectedError("a fact or a split is about no neuron of the network")
    return number, j


def _multipliers(claim: BoundClaim, node: Any) -> Multipliers:
    rows = [_numbers(row, len(layer.bias)) for row, layer in zip(node["rows"], claim.layers, strict=True)]
    return _numbers(node["output"], len(claim.x)), rows


def _numbers(values: Any, size: int) -> list[Fraction]:
    if not isinstance(values, list) or len(values) != size or not size:
        raise RejectedError(f"a list has not {size} entries")
    if not all(type(value) in (int, float) and abs(value) <= sys.float_info.max for value in values):
        raise RejectedError("an entry is not a finite number")
    return [Fraction(value) for value in values]


def load(text: str | bytes) -> Any:
    """Read a certificate's JSON; what is too long, too deep or not JSON is rejected."""
    if len(text) > MOST_BYTES:
        raise RejectedError(f"it has more than {MOST_BYTES} bytes")
    try:
        # An object that says a thing twice stays a list of pairs, which is damage wherever it stands.
        return json.loads(text, object_pairs_hook=lambda p: dict(p) if len(dict(p)) == len(p) else p)
    except (ValueError, RecursionError) as error:
        raise RejectedError(f"not JSON: {error}") from error


if __name__ == "__main__":
    try:
        print(check(load(sys.stdin.buffer.read(MOST_BYTES + 1))))
    except RejectedError as why:
        sys.exit(f"rejected: {why}")
