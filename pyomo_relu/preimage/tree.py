"""A proof in exact arithmetic that no code has a residual below a bound: branch and bound on the neurons' phases.

HiGHS only suggests multipliers; what each proves is evaluated in fractions by :mod:`pyomo_relu.preimage.checker`, which
also checks the whole without this module. It is no way to find an optimum: the bound to prove is given.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pyomo_relu.atomic import atomic_write
from pyomo_relu.errors import InputError
from pyomo_relu.network import Network
from pyomo_relu.preimage import checker
from pyomo_relu.preimage.checker import Bounds, Claim, Empty, Multipliers
from pyomo_relu.preimage.linear import LinearProgram, LinearProgramError
from pyomo_relu.problem import Problem
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray, as_vector

PRICE = 1e3
"""Of missing a row ``t = W h + b`` by one: it keeps every LP feasible, and its multipliers finite."""

ROUNDS = 2
"""Of bounding the code and the open neurons, by LPs, before branching."""

WORTHWHILE = 0.999
"""A fact is kept where it leaves at most this share of an interval's width."""


@dataclass(frozen=True, eq=False)
class TreeProof:
    """What came of :func:`prove_bound`.

    Parameters
    ----------
    status : Status
        ``OPTIMAL`` where the bound is proved; ``TIME_LIMIT`` or ``LIMIT`` where a limit came first;
        ``SOLVED`` where a leaf without open neurons stays below the bound: then it is false, or too near
        to the optimum.
    certificate : dict or None
        Fit for JSON, and for ``pyomo-relu check``; None where nothing is proved.
    leaves : int
    seconds : float
    """

    status: Status
    certificate: dict[str, Any] | None
    leaves: int
    seconds: float

    def save(self, path: str | PathLike[str]) -> None:
        """Write the certificate as JSON, whole or not at all.

        Raises
        ------
        InputError
            If there is none, or the file cannot be written.
        """
        if self.certificate is None:
            raise InputError(f"there is no certificate to write: {self.status}")
        with atomic_write(Path(path)) as file:
            file.write(json.dumps(self.certificate, allow_nan=False).encode() + b"\n")


def prove_bound(
    net: Network,
    x: Any,
    bound: float,
    box: Any,
    norm: Literal["inf", 1] = "inf",
    *,
    code: Any = None,
    max_leaves: int = 10_000,
    seconds: float = 60.0,
) -> TreeProof:
    """Prove that every code in a box has ``||G(z) - x|| >= bound``, in exact arithmetic.

    Parameters
    ----------
    net : Network
    x : array_like, shape (n,)
    bound : float
        Positive; a little below the optimum, such as ``0.999999`` of it.
    box : Box or pair (lower, upper)
        Bounded: that is what makes every vector of multipliers a bound.
    norm : "inf" or 1
    code : array_like, shape (k,), optional
        Whose exact residual the certificate is to state.
    max_leaves, seconds : int and float
        Limits of the search.

    Returns
    -------
    TreeProof

    Raises
    ------
    ShapeError, InputError
        If an input does not fit, or the box is not bounded.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> proof = prove_bound(net, [-0.5], 0.5, (-3, 3), code=[0.0])
    >>> verdict = checker.check(proof.certificate)
    >>> proof.status.value, verdict.claim.bound, verdict.residual
    ('optimal', Fraction(1, 2), Fraction(1, 2))
    """
    started = time.perf_counter()
    claim, head = _claim(net, x, bound, box, norm, code)
    search = _Search(claim, net, started + seconds, max_leaves)
    facts: list[list[dict[str, Any]]] = []
    tree: Any = None
    try:
        bounds = claim.root()
        for _ in range(ROUNDS):
            bounds = claim.tightened(bounds)
            facts.append([])
            bounds = search.facts(bounds, facts[-1])
        tree = search.tree(claim.tightened(bounds))
    except Empty:
        tree = _leaf(_zeros(claim))
    except LinearProgramError:
        search.status = Status.SOLVER_ERROR
    proved = tree is not None
    certificate = {**head, "facts": facts, "tree": tree} if proved else None
    status = Status.OPTIMAL if proved else search.status
    return TreeProof(status, certificate, search.leaves, time.perf_counter() - started)


def _claim(
    net: Network, x: Any, bound: float, box: Any, norm: Literal["inf", 1], code: Any
) -> tuple[Claim, dict[str, Any]]:
    problem = Problem.of(net, x, box=box)
    if problem.box is None or not problem.box.is_bounded:
        raise InputError("a proof needs a bounded box of codes: give box=(lower, upper)")
    if norm not in ("inf", 1):
        raise InputError(f"norm must be 'inf' or 1 for a rational proof, got {norm!r}")
    if not 0.0 < bound < np.inf:
        raise InputError(f"bound must be a positive number, got {bound}")
    at = None if code is None else as_vector(code, net.n_in, "code")
    if at is not None and not problem.box.contains(at):
        raise InputError("code is not in the box")
    head = {
        "format": checker.FORMAT,
        "network": [
            {"weight": layer.weight.tolist(), "bias": layer.bias.tolist(), "slope": layer.slope} for layer in net
        ],
        "observation": problem.x.tolist(),
        "box": [problem.box.lower.tolist(), problem.box.upper.tolist()],
        "norm": str(norm),
        "bound": float(bound),
        "code": None if at is None else at.tolist(),
    }
    return checker.read_claim(head), head


class _Search:
    """Facts first, then a tree; every LP's multipliers are evaluated in fractions at once."""

    def __init__(self, claim: Claim, net: Network, stop: float, max_leaves: int) -> None:
        self.claim, self.net, self.stop, self.max_leaves = claim, net, stop, max_leaves
        self.leaves, self.status = 0, Status.TIME_LIMIT

    def facts(self, bounds: Bounds, found: list[dict[str, Any]]) -> Bounds:
        """Bound the code and the open neurons by LPs over the codes that would be better than the bound.

        `found` is filled on the way: where bounds cross, the facts so far are the proof.
        """
        program = _Dual(self.claim, self.net, bounds)
        places = [(0, j) for j in range(self.net.n_in)] + program.open_neurons
        for place in places:
            for sign, side in ((1, "lower"), (-1, "upper")):
                if time.perf_counter() > self.stop:
                    return bounds
                multipliers = program.bound_of(place, sign)
                value = self.claim.least(bounds, multipliers, (*place, sign))
                low, high = bounds[place[0]][place[1]]
                gained = value - (low if sign > 0 else -high)
                if gained > (1 - Fraction(WORTHWHILE)) * (high - low):
                    found.append({"layer": place[0], "neuron": place[1], "side": side, **_leaf(multipliers)})
                    bounds = checker.with_fact(bounds, place, sign, value)
        return bounds

    def tree(self, bounds: Bounds) -> dict[str, Any] | None:
        """Split until every leaf is closed; None where one cannot be, or a limit came first."""
        root: dict[str, Any] = {}
        waiting: list[tuple[dict[str, Any], Bounds]] = [(root, bounds)]
        while waiting:
            if time.perf_counter() > self.stop or self.leaves >= self.max_leaves:
                self.status = Status.LIMIT if self.leaves >= self.max_leaves else Status.TIME_LIMIT
                return None
            node, before = waiting.pop()
            program = _Dual(self.claim, self.net, before)
            multipliers, place = program.residual()
            if self.claim.closes(before, multipliers):
                node.update(_leaf(multipliers))
                self.leaves += 1
                continue
            if place is None:
                self.status = Status.SOLVED
                return None
            node.update({"layer": place[0], "neuron": place[1], "on": {}, "off": {}})
            for side, sign in (("on", 1), ("off", -1)):
                try:
                    within = self.claim.tightened(checker.with_fact(before, place, sign, Fraction(0)))
                except Empty:
                    node[side].update(_leaf(_zeros(self.claim)))
                    self.leaves += 1
                else:
                    waiting.append((node[side], within))
        return root


class _Dual:
    """The relaxation within bounds, as an LP whose multipliers are a certificate's.

    Variables: the code z, then t and h of each layer, then the deviations and by how much rows are missed.
    """

    def __init__(self, claim: Claim, net: Network, bounds: Bounds) -> None:
        self._net, self._claim = net, claim
        k, neurons = net.n_in, sum(net.sizes[1:])
        self._n_dev = 1 if claim.norm == "inf" else net.n_out
        self._t, self._h, self._e, self._miss = k, k + neurons, k + 2 * neurons, k + 2 * neurons + self._n_dev
        n = self._miss + 2 * neurons
        self._first = np.cumsum([0, *net.sizes[1:]])
        self._lower, self._upper = np.zeros(n), np.full(n, np.inf)
        self._rows: list[FloatArray] = []
        self._limits: list[tuple[float, float]] = []
        self.open_neurons: list[tuple[int, int]] = []
        for j, (low, high) in enumerate(bounds[0]):
            self._lower[j], self._upper[j] = float(low), float(high)
        self._equations(neurons)
        for number, layer in enumerate(net, start=1):
            for j, (low, high) in enumerate(bounds[number]):
                self._neuron(number, j, layer.slope, float(low), float(high))
        self._deviations()
        limits = np.array(self._limits)
        self._program = LinearProgram(np.array(self._rows), limits[:, 0], limits[:, 1], self._lower, self._upper)

    def residual(self) -> tuple[Multipliers, tuple[int, int] | None]:
        """Return the multipliers of the least residual, and the open neuron that is furthest from its activation."""
        cost = self._cost()
        cost[self._e : self._miss] = 1.0
        _, point = self._program.maximum(-cost)
        multipliers = self._multipliers()
        if point is None or not self.open_neurons:
            return multipliers, None
        gaps = []
        for number, j in self.open_neurons:
            t = point[self._t + self._first[number - 1] + j]
            gaps.append(point[self._h + self._first[number - 1] + j] - max(t, self._net[number - 1].slope * t))
        # The last layer's relaxation may be tight at zero gap; any open neuron will do then.
        return multipliers, self.open_neurons[int(np.argmax(np.abs(gaps)))]

    def bound_of(self, place: tuple[int, int], sign: int) -> Multipliers:
        """Return the multipliers that bound ``sign * entry`` from below, over residuals up to the claim's bound."""
        cost = self._cost()
        number, j = place
        cost[j if number == 0 else self._t + self._first[number - 1] + j] = sign
        self._program.bound_row(len(self._rows) - 1, -np.inf, float(self._claim.bound))
        self._program.maximum(-cost)
        self._program.bound_row(len(self._rows) - 1, -np.inf, np.inf)
        return self._multipliers()

    def _cost(self) -> FloatArray:
        cost = np.zeros(len(self._lower))
        cost[self._miss :] = PRICE
        return cost

    def _equations(self, neurons: int) -> None:
        for number, layer in enumerate(self._net, start=1):
            first = self._first[number - 1]
            before = 0 if number == 1 else self._h + self._first[number - 2]
            for j in range(layer.n_out):
                row = np.zeros(len(self._lower))
                row[self._t + first + j] = 1.0
                row[before : before + layer.n_in] = -layer.weight[j]
                row[self._miss + first + j], row[self._miss + neurons + first + j] = 1.0, -1.0
                self._add(row, layer.bias[j], layer.bias[j])

    def _neuron(self, number: int, j: int, slope: float, low: float, high: float) -> None:
        """Add the convex hull of ``h = phi(t)`` over ``[low, high]``."""
        t, h = self._t + self._first[number - 1] + j, self._h + self._first[number - 1] + j
        self._lower[t], self._upper[t] = low, high
        self._lower[h], self._upper[h] = -np.inf, np.inf
        if low >= 0.0 or high <= 0.0 or slope == 1.0:
            self._add_pair(h, t, 1.0 if low >= 0.0 else slope, 0.0, 0.0)
            return
        self.open_neurons.append((number, j))
        chord = (high - slope * low) / (high - low)
        self._add_pair(h, t, 1.0, 0.0, np.inf)
        self._add_pair(h, t, slope, 0.0, np.inf)
        self._add_pair(h, t, chord, -np.inf, (1.0 - chord) * high)

    def _deviations(self) -> None:
        """Add ``-e <= h - x <= e`` for the outputs, and last of all the sum of the deviations."""
        outputs = self._h + self._first[-2]
        for j, target in enumerate(self._claim.x):
            e = self._e + (0 if self._n_dev == 1 else j)
            self._add_pair(outputs + j, e, 1.0, -np.inf, float(target))
            self._add_pair(outputs + j, e, -1.0, float(target), np.inf)
        total = np.zeros(len(self._lower))
        total[self._e : self._miss] = 1.0
        self._add(total, -np.inf, np.inf)

    def _add_pair(self, h: int, t: int, slope: float, low: float, high: float) -> None:
        """Add ``low <= v[h] - slope v[t] <= high``."""
        row = np.zeros(len(self._lower))
        row[h], row[t] = 1.0, -slope
        self._add(row, low, high)

    def _add(self, row: FloatArray, low: float, high: float) -> None:
        self._rows.append(row)
        self._limits.append((low, high))

    def _multipliers(self) -> Multipliers:
        duals = self._program.row_duals
        if duals.size != len(self._rows) or not np.isfinite(duals).all():
            return _zeros(self._claim)
        last = duals[-1 - 2 * self._net.n_out : -1].reshape(-1, 2).sum(axis=1)
        rows = [duals[a:b] for a, b in zip(self._first[:-1], self._first[1:], strict=True)]
        return Multipliers([Fraction(-float(v)) for v in last], [[Fraction(float(v)) for v in row] for row in rows])


def _zeros(claim: Claim) -> Multipliers:
    zero = Fraction(0)
    return Multipliers([zero] * len(claim.x), [[zero] * len(layer.bias) for layer in claim.layers])


def _leaf(multipliers: Multipliers) -> dict[str, Any]:
    # They come from float64, so that no digit is lost.
    rows = [[float(v) for v in row] for row in multipliers.rows]
    return {"output": [float(v) for v in multipliers.output], "rows": rows}
