"""Check a certificate that no code in a box has a residual below a bound: exact arithmetic, no solver.

This file needs Python's standard library only, and runs alone: ``python checker.py < CERTIFICATE``.

What is proved. Let G be the network, ``phi(t) = max(t, slope t)`` each layer's activation, and suppose that some
code z in the box had ``||G(z) - x|| < bound``. Its pre-activations t and outputs h = phi(t) lie within bounds that
are updated as follows, and every leaf of a tree, whose splits are "t >= 0" and "t <= 0" for one neuron,
leads to a contradiction. Hence there is no such code.

Multipliers. For numbers ``a`` on the last outputs and ``nu`` on the pre-activations, whatever they are, ::

    a.(h_d - x)  =  -a.x + sum over layers [ a_i.phi(t_i) - nu_i.t_i + nu_i.b_i ] + a_0.z,    a_{i-1} = W_i' nu_i

and each term is least at an end of its range, or at a bend of phi: the sum of minima is a lower bound. But
``a.(h_d - x)`` is below ``bound ||a||*``, with the dual norm, unless a = 0. A target, +-t_ij or +-z_j, may be added
on both sides: that bounds it. No number in a certificate is trusted; a wrong one makes a bound weaker, never false.
Derived for this project; the bound is the Lagrangian dual of the linear relaxation of the network.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

FORMAT = "pyomo-relu certificate 1"

Interval = tuple[Fraction, Fraction]
Bounds = list[list[Interval]]  # of the code first, then of each layer's pre-activations


class RejectedError(Exception):
    """The certificate proves nothing; the message says why."""


class Empty(Exception):  # noqa: N818 - it is a proof, not an error
    """Bounds cross: nothing lies between them."""


@dataclass(frozen=True)
class Multipliers:
    """The numbers a_d and nu."""

    output: list[Fraction]
    rows: list[list[Fraction]]


@dataclass(frozen=True)
class Layer:
    """A dense layer, its nonzero weights row by row."""

    rows: list[list[tuple[int, Fraction]]]
    bias: list[Fraction]
    slope: Fraction
    n_in: int

    def activate(self, t: Fraction) -> Fraction:
        """Return phi(t)."""
        return t if t >= 0 else self.slope * t


@dataclass(frozen=True)
class Claim:
    """``||G(z) - x|| >= bound`` for every z in the box."""

    layers: list[Layer]
    x: list[Fraction]
    box: list[Interval]
    norm: str
    bound: Fraction

    def root(self) -> Bounds:
        """Return the bounds that the box and the observation give."""
        bounds, last = self.tightened([self.box]), self.layers[-1]
        for j, target in enumerate(self.x):
            place, below, above = (len(self.layers), j), target - self.bound, target + self.bound
            if below > 0 or last.slope:
                bounds = with_fact(bounds, place, 1, below if below > 0 else below / last.slope)
            if above < 0 and not last.slope:
                raise Empty
            bounds = with_fact(bounds, place, -1, -above if above >= 0 else -above / last.slope)
        return bounds

    def tightened(self, bounds: Bounds) -> Bounds:
        """Return the bounds met with what interval arithmetic makes of those before; missing layers are added."""
        found = [bounds[0]]
        ends = bounds[0]
        for number, layer in enumerate(self.layers, start=1):
            rows = [self._row(layer, j, ends) for j in range(len(layer.bias))]
            known = bounds[number] if number < len(bounds) else rows
            found.append([_ordered(max(a, c), min(b, d)) for (a, b), (c, d) in zip(rows, known, strict=True)])
            ends = [(layer.activate(low), layer.activate(high)) for low, high in found[-1]]
        return found

    @staticmethod
    def _row(layer: Layer, j: int, ends: list[Interval]) -> Interval:
        low = high = layer.bias[j]
        for i, weight in layer.rows[j]:
            one, two = ends[i] if weight > 0 else (ends[i][1], ends[i][0])
            low, high = low + weight * one, high + weight * two
        return low, high

    def least(self, bounds: Bounds, multipliers: Multipliers, target: tuple[int, int, int] | None = None) -> Fraction:
        """Bound ``target + a.(h_d - x) - bound ||a||*`` below; a target is a layer (0 the code), an index, a sign."""
        a = multipliers.output
        dual = max(map(abs, a)) if self.norm == "1" else sum(map(abs, a), Fraction(0))
        total = -dual * self.bound - sum((m * v for m, v in zip(a, self.x, strict=True)), Fraction(0))
        for number in range(len(self.layers), 0, -1):
            layer, nu = self.layers[number - 1], multipliers.rows[number - 1]
            before = [Fraction(0)] * layer.n_in
            for j, (low, high) in enumerate(bounds[number]):
                slope = nu[j] - (target[2] if target is not None and target[:2] == (number, j) else 0)
                ends = (low, high, Fraction(0)) if low < 0 < high else (low, high)
                if a[j] or slope:
                    total += min(a[j] * layer.activate(t) - slope * t for t in ends)
                if nu[j]:
                    total += nu[j] * layer.bias[j]
                    for i, weight in layer.rows[j]:
                        before[i] += nu[j] * weight
            a = before
        for j, (low, high) in enumerate(bounds[0]):
            factor = a[j] + (target[2] if target is not None and target[:2] == (0, j) else 0)
            total += min(factor * low, factor * high)
        return total

    def closes(self, bounds: Bounds, multipliers: Multipliers) -> bool:
        """Whether multipliers contradict ``||G(z) - x|| < bound`` within bounds."""
        value = self.least(bounds, multipliers)
        return value > 0 or (value == 0 and any(multipliers.output))

    def residual(self, code: list[Fraction]) -> Fraction:
        """Return ``||G(code) - x||``."""
        h = code
        for layer in self.layers:
            pairs = zip(layer.rows, layer.bias, strict=True)
            h = [layer.activate(sum((w * h[i] for i, w in row), bias)) for row, bias in pairs]
        misses = [abs(value - target) for value, target in zip(h, self.x, strict=True)]
        return sum(misses, Fraction(0)) if self.norm == "1" else max(misses)


def with_fact(bounds: Bounds, place: tuple[int, int], sign: int, value: Fraction) -> Bounds:
    """Return bounds in which ``sign * entry >= value``."""
    number, j = place
    low, high = bounds[number][j]
    end = _ordered(max(low, value), high) if sign > 0 else _ordered(low, min(high, -value))
    return [*bounds[:number], [*bounds[number][:j], end, *bounds[number][j + 1 :]], *bounds[number + 1 :]]


def _ordered(low: Fraction, high: Fraction) -> Interval:
    if low > high:
        raise Empty
    return low, high


@dataclass(frozen=True)
class Verdict:
    """What is proved; the residual is that of the certificate's code, None where it has none."""

    claim: Claim
    residual: Fraction | None
    leaves: int


def check(certificate: Any) -> Verdict:
    """Check a certificate, as JSON gives it.

    Raises
    ------
    RejectedError
        If it does not prove its claim, or is damaged.

    Examples
    --------
    >>> proof = {"format": FORMAT, "network": [{"weight": [[1.0]], "bias": [0.0], "slope": 0.0}],
    ...          "observation": [-1.0], "box": [[-2.0], [2.0]], "norm": "inf", "bound": 1.0,
    ...          "code": [-1.0], "facts": [], "tree": {"output": [1.0], "rows": [[0.0]]}}
    >>> check(proof).claim.bound, check(proof).residual         # ReLU(z) >= 0
    (Fraction(1, 1), Fraction(1, 1))
    """
    try:
        return _check(certificate)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise RejectedError(f"damaged: {type(error).__name__}: {error}") from error


def _check(certificate: Any) -> Verdict:
    if certificate["format"] != FORMAT:
        raise RejectedError(f"its format is not {FORMAT!r}")
    claim = read_claim(certificate)
    code = None if certificate["code"] is None else _numbers(certificate["code"], len(claim.box))
    if code is not None and any(not low <= v <= high for v, (low, high) in zip(code, claim.box, strict=True)):
        raise RejectedError("its code is not in the box")
    residual = None if code is None else claim.residual(code)
    try:
        bounds = claim.root()
        for facts in certificate["facts"]:
            bounds = claim.tightened(bounds)
            for fact in facts:
                place = _place(claim, fact, code_too=True)
                sign = {"lower": 1, "upper": -1}[fact["side"]]
                value = claim.least(bounds, _multipliers(claim, fact), (*place, sign))
                bounds = with_fact(bounds, place, sign, value)
        bounds = claim.tightened(bounds)
    except Empty:
        return Verdict(claim, residual, 0)
    leaves = 0
    for leaves, (path, leaf) in enumerate(_leaves(claim, certificate["tree"]), start=1):
        try:
            within = bounds
            for place, sign in path:
                within = with_fact(within, place, sign, Fraction(0))
            closed = claim.closes(claim.tightened(within), _multipliers(claim, leaf))
        except Empty:
            closed = True
        if not closed:
            raise RejectedError(f"leaf {leaves}: its multipliers prove nothing")
    return Verdict(claim, residual, leaves)


def read_claim(certificate: Any) -> Claim:
    """Read what is claimed."""
    layers: list[Layer] = []
    (lower, upper), size = certificate["box"], len(certificate["box"][0])
    box = list(zip(_numbers(lower, size), _numbers(upper, size), strict=True))
    for entry in certificate["network"]:
        rows = [_numbers(row, size) for row in entry["weight"]]
        slope, bias = _number(entry["slope"]), _numbers(entry["bias"], len(rows))
        if not 0 <= slope <= 1:
            raise RejectedError("a slope is not in [0, 1]")
        layers.append(Layer([[(i, w) for i, w in enumerate(row) if w] for row in rows], bias, slope, size))
        size = len(rows)
    if certificate["norm"] not in ("inf", "1") or any(low > high for low, high in box):
        raise RejectedError("its norm is neither 'inf' nor '1', or its box is empty")
    x = _numbers(certificate["observation"], len(layers[-1].bias))
    return Claim(layers, x, box, certificate["norm"], _number(certificate["bound"]))


def _leaves(claim: Claim, tree: Any) -> Iterator[tuple[list[tuple[tuple[int, int], int]], Any]]:
    """Yield every leaf, with the splits that lead to it."""
    waiting: list[tuple[list[tuple[tuple[int, int], int]], Any]] = [([], tree)]
    while waiting:
        path, node = waiting.pop()
        if "on" in node or "off" in node:
            place = _place(claim, node, code_too=False)
            waiting.append(([*path, (place, -1)], node["off"]))
            waiting.append(([*path, (place, 1)], node["on"]))
        else:
            yield path, node


def _place(claim: Claim, node: Any, *, code_too: bool) -> tuple[int, int]:
    number, j = node["layer"], node["neuron"]
    if type(number) is not int or type(j) is not int or not (0 if code_too else 1) <= number <= len(claim.layers):
        raise RejectedError("a layer is not one of the network")
    if not 0 <= j < (len(claim.layers[number - 1].bias) if number else len(claim.box)):
        raise RejectedError("a neuron is not one of its layer")
    return number, j


def _multipliers(claim: Claim, node: Any) -> Multipliers:
    rows = [_numbers(row, len(layer.bias)) for row, layer in zip(node["rows"], claim.layers, strict=True)]
    return Multipliers(_numbers(node["output"], len(claim.x)), rows)


def _numbers(values: Any, size: int) -> list[Fraction]:
    if not isinstance(values, list) or len(values) != size or not size:
        raise RejectedError(f"a list has not {size} entries")
    return [_number(value) for value in values]


def _number(value: Any) -> Fraction:
    if type(value) not in (int, float):
        raise RejectedError(f"not a number: {value!r}")
    return Fraction(value)


def load(text: str) -> Any:
    """Read a certificate's JSON; what is too deep or not JSON is rejected."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RejectedError(f"not JSON: {error}") from error


def report(verdict: Verdict) -> str:
    """Say in a few lines what is proved."""
    claim = verdict.claim
    text = f"proved: ||G(z) - x||_{claim.norm} >= {float(claim.bound)!r} for every code in the box\n"
    if verdict.residual is not None:
        text += f"proved: a code in the box has residual {float(verdict.residual)!r}\n"
    return f"{text}{len(claim.layers)} layers, {verdict.leaves} leaves, exact arithmetic"


if __name__ == "__main__":
    try:
        print(report(check(load(sys.stdin.read()))))
    except RejectedError as why:
        sys.exit(f"rejected: {why}")
