"""A proof in exact arithmetic that no code has a residual below a bound: branch and bound on the neurons' phases.

HiGHS only suggests multipliers; what each proves is evaluated in fractions by :mod:`pyomo_relu.certified.checker`,
which also checks the whole without this module. It is no way to find an optimum: the bound to prove is given.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from pyomo_relu.atomic import atomic_write
from pyomo_relu.certified import checker
from pyomo_relu.certified.bound_claim import claim_of
from pyomo_relu.certified.checker import BoundClaim, Bounds, Empty, Multipliers, Place
from pyomo_relu.certified.multipliers import DualProgram, zeros
from pyomo_relu.deadline import Deadline
from pyomo_relu.errors import InputError
from pyomo_relu.linear_program import LinearProgramError
from pyomo_relu.network import Network
from pyomo_relu.pinning import pinned
from pyomo_relu.status import Status
from pyomo_relu.tolerance import FACT_LEAVES, RATIONAL_ROUND_LEAVES
from pyomo_relu.validation import as_count, as_number

MOST_ROUNDS = 10
"""Of bounding the code and the open neurons, by LPs, before branching."""


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

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> from pyomo_relu.certified import prove_bound
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> proof = prove_bound(net, [-2.0], 1.5, box=(-1, 3))
    >>> proof.status.value, proof.certificate["bound"]
    ('optimal', 1.5)
    """

    status: Status
    certificate: dict[str, Any] | None
    leaves: int
    seconds: float

    def save(self, path: str | PathLike[str]) -> None:
        """Write the certificate as JSON, whole or not at all.

        Parameters
        ----------
        path : path

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
    max_leaves = as_count(max_leaves, "max_leaves", 1)
    as_number(seconds, "seconds", positive=True, most=math.inf)
    claim, head = claim_of(net, x, bound, box, norm, code)
    search = _TreeSearch(claim, net, Deadline.after(seconds), max_leaves)
    facts: list[list[dict[str, Any]]] = []
    tree: Any = None
    try:
        with pinned(1):
            tree = search.tree(search.facts(facts))
    except Empty:
        tree = _leaf(zeros(claim))
    except LinearProgramError:
        search.status = Status.SOLVER_ERROR
    proved = tree is not None
    certificate = {**head, "facts": facts, "tree": tree} if proved else None
    status = Status.OPTIMAL if proved else search.status
    return TreeProof(status, certificate, search.leaves, time.perf_counter() - started)


class _TreeSearch:
    """Facts first, then a tree; every LP's multipliers are evaluated in fractions at once."""

    def __init__(self, claim: BoundClaim, net: Network, deadline: Deadline, max_leaves: int) -> None:
        self.claim, self.net, self.deadline, self.max_leaves = claim, net, deadline, max_leaves
        self.leaves, self.status = 0, Status.TIME_LIMIT

    def facts(self, found: list[list[dict[str, Any]]]) -> Bounds:
        """Bound the code and the open neurons by LPs over the codes that would be better than the bound.

        `found` is filled on the way: where bounds cross, the facts so far are the proof.
        """
        bounds = self.claim.root()
        for _ in range(MOST_ROUNDS):
            before = _width(bounds)
            # Outputs after hidden neurons: their envelopes are sharper then.
            for part in ("hidden", "outputs"):
                bounds = self.claim.tightened(bounds)
                program = DualProgram(self.claim, self.net, bounds)
                found.append([])
                places = program.code + program.hidden if part == "hidden" else program.outputs
                bounds = self._bound(bounds, program, places, found[-1])
            if not program.hidden + program.outputs or _width(bounds) > RATIONAL_ROUND_LEAVES * before:
                break
        return self.claim.tightened(bounds)

    def _bound(self, bounds: Bounds, program: DualProgram, places: list[Place], found: list[dict[str, Any]]) -> Bounds:
        for place in places:
            for sign, side in ((1, "lower"), (-1, "upper")):
                if self.deadline.expired:
                    return bounds
                multipliers = program.bound_of(place, sign)
                value = self.claim.least(bounds, multipliers, (place, sign))
                low, high = bounds[place[0]][place[1]]
                gained = value - (low if sign > 0 else -high)
                if gained > (1 - Fraction(FACT_LEAVES)) * (high - low):
                    found.append({"layer": place[0], "neuron": place[1], "side": side, **_leaf(multipliers)})
                    bounds = checker.with_fact(bounds, place, sign, value)
        return bounds

    def tree(self, bounds: Bounds) -> dict[str, Any] | None:
        """Split until every leaf is closed; None where one cannot be, or a limit came first."""
        root: dict[str, Any] = {}
        waiting: list[tuple[dict[str, Any], Bounds]] = [(root, bounds)]
        while waiting:
            if self.deadline.expired or self.leaves >= self.max_leaves:
                self.status = Status.LIMIT if self.leaves >= self.max_leaves else Status.TIME_LIMIT
                return None
            node, before = waiting.pop()
            multipliers, place = DualProgram(self.claim, self.net, before).residual()
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
                    node[side].update(_leaf(zeros(self.claim)))
                    self.leaves += 1
                else:
                    waiting.append((node[side], within))
        return root


def _width(bounds: Bounds) -> Fraction:
    return sum((high - low for ends in bounds for low, high in ends), Fraction(0))


def _leaf(multipliers: Multipliers) -> dict[str, Any]:
    # They come from float64, so that no digit is lost.
    output, rows = multipliers
    return {"output": [float(v) for v in output], "rows": [[float(v) for v in row] for row in rows]}
