"""Theorem 2: linear equations recover the code of a random network, unless too few rows are active."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from scipy.stats import binom

from pyomo_relu.accuracy import relative_error
from pyomo_relu.experiments.experiment import Finding, Row
from pyomo_relu.experiments.instances import gaussian_network
from pyomo_relu.experiments.statistics import distinct, select, share, within_sampling
from pyomo_relu.experiments.style import COLORS
from pyomo_relu.formulations import LinearSolve
from pyomo_relu.inversion import Layerwise
from pyomo_relu.problem import Problem
from pyomo_relu.rank import has_full_column_rank
from pyomo_relu.solvers import Solver

CODE = 20
TRIALS = 50
"""Exact inversions a run: they take milliseconds."""

RECOVERED = 1e-6


class Theorem2:
    """Failures against the expansion c of each layer, beside the bound."""

    name: ClassVar[str] = "theorem 2"
    setting: ClassVar[str] = (
        f"exact outputs of bias-free Gaussian networks {CODE}-c{CODE}-c^2{CODE}, {TRIALS} a run, by linear equations"
    )
    places: ClassVar[Sequence[float]] = (1.8, 2.0, 2.1, 2.2, 2.4, 2.7, 3.0)

    def perform(self, at: float, rng: np.random.Generator) -> list[Row]:
        """Invert exact outputs of networks of the expansion `at`."""
        return [_inverted(at, rng) for _ in range(TRIALS)]

    def facts(self, at: float, rows: Sequence[Row]) -> tuple[str, str]:
        """Return the rate of failures, and its bound."""
        return f"failures {_failed(rows):.2%}", f"at most {failure(at):.2%}"

    def finding(self, rows: Sequence[Row]) -> Finding:
        """Compare the rates with the bound, and each run with its number of active rows."""
        strange = sum(row["enough"] != (row["error"] is not None and row["error"] <= RECOVERED) for row in rows)
        above = []
        for c in distinct(rows, "at"):
            cell = select(rows, at=c)
            rate, law = _failed(cell), failure(c)
            if rate > law and not within_sampling(rate, law, len(cell)):
                above.append(c)
        laws = ", ".join(f"k = {k}: {failure(2.1, k):.1%}" for k in (CODE, 4 * CODE, 16 * CODE))
        measured = (
            f"c = 2.1, k = {CODE}: {_failed(select(rows, at=2.1)):.1%} fail; law at most {laws}: small only for large "
            f"k. Above the law at {above or 'no c'}; {strange} of {len(rows)} runs fail with enough rows, or succeed "
            "without"
        )
        said = "Theorem 2: recovery by linear equations fails with probability e^-Omega(k)"
        return Finding(said, measured, not above and not strange)

    def draw(self, rows: Sequence[Row], axes: Any) -> None:
        """Draw the rates over c, and the bound."""
        expansions = distinct(rows, "at")
        axes.plot(expansions, [_failed(select(rows, at=c)) for c in expansions], "o", color=COLORS[0], label="measured")
        grid = [c / CODE for c in range(int(1.6 * CODE), int(3.2 * CODE) + 1)]
        axes.plot(grid, [failure(c) for c in grid], ":", color="#111111", label="sum of the layers' binomials")
        axes.axvline(2.1, lw=0.8, color="#6b7280", label="Assumption 1: c >= 2.1")
        axes.set(xlabel="expansion c of each layer", ylabel="failures", title=f"Theorem 2, k = {CODE}")


def failure(expansion: float, code: int = CODE) -> float:
    """Return Theorem 2's bound: the chance that some layer has fewer active rows than unknowns, summed over layers.

    Examples
    --------
    >>> [round(failure(2.1, k), 3) for k in (20, 80, 320)]
    [0.584, 0.413, 0.135]
    """
    sizes = _sizes(expansion, code)
    layers = (binom.cdf(n_in - 1, n_out, 0.5) for n_in, n_out in itertools.pairwise(sizes))
    return min(1.0, float(sum(layers)))


def _sizes(expansion: float, code: int = CODE) -> tuple[int, int, int]:
    hidden = math.ceil(expansion * code)
    return code, hidden, math.ceil(expansion * hidden)


def _inverted(expansion: float, rng: np.random.Generator) -> Row:
    net = gaussian_network(_sizes(expansion), rng)
    truth = rng.normal(size=CODE)
    enough = True
    for layer, h in zip(net, (truth, net[0](truth)), strict=True):
        enough = enough and has_full_column_rank(layer.weight[layer(h) > 0.0])
    result = Layerwise(LinearSolve()).run(Problem.of(net, net(truth)), Solver())
    return {"error": None if result.z is None else relative_error(result.z, truth), "enough": bool(enough)}


def _failed(rows: Sequence[Row]) -> float:
    return 1.0 - share(rows, RECOVERED)
