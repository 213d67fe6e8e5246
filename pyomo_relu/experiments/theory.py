"""Theorems 2 to 4 and Corollary 1, checked on the active rows that occur."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.stats import binom

from pyomo_relu.accuracy import relative_error
from pyomo_relu.box import Box
from pyomo_relu.experiments.constants import expansion_l1, expansion_linf
from pyomo_relu.experiments.experiment import Finding, Row, Summary, Task
from pyomo_relu.experiments.instances import gaussian_network, noise
from pyomo_relu.experiments.statistics import distinct, quartiles, select, share, text, within_sampling
from pyomo_relu.experiments.style import COLORS, bare_axes
from pyomo_relu.formulations import LayerFormulation, LayerL1, LayerLinf, LinearSolve
from pyomo_relu.inversion import Layerwise
from pyomo_relu.network import Network
from pyomo_relu.problem import Problem
from pyomo_relu.rank import has_full_column_rank
from pyomo_relu.solvers import Solver

EXPANSIONS = (1.8, 2.0, 2.1, 2.2, 2.4, 2.7, 3.0)
CODE = 20
TRIALS = 50
"""Exact inversions a run of Theorem 2: they take milliseconds."""

LEVELS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
NETWORKS = {"theorem 3": (8, 40, 200), "theorem 4": (5, 25, 125)}
CODES = (4, 8, 16, 32)


@dataclass(frozen=True)
class Theory:
    """Failure probabilities, constants and error bounds against what is seen."""

    name: ClassVar[str] = "theory"
    title: ClassVar[str] = "Theorems 2 to 4 and Corollary 1"
    setting: ClassVar[str] = (
        f"Theorem 2: exact outputs of bias-free Gaussian networks {CODE}-c{CODE}-c^2{CODE}, {TRIALS} a run, by "
        "linear equations. Theorem 3: 8-40-200, weights N(0, 1), uniform noise, linf LP (exact schedule), codes of"
        " either sign. Theorem 4: 5-25-125, weights N(0, 1), Gaussian noise, l1 LP. The constants are those of the"
        " rows I that each layer's LP held from both sides and that are on at the truth too; c_inf by k LPs, c_1 "
        "bounded from below by one LP. Corollary 1: c_inf of the active rows of one layer k-5k, weights N(0, 1). "
        "Theorem 1 is proved by construction in the package `reductions`."
    )
    default_runs: ClassVar[int] = 32
    default_every: ClassVar[int] = 1
    size: ClassVar[tuple[float, float]] = (11.0, 8.0)

    def tasks(self, runs: int, every: int) -> list[Task]:
        """Return check, its parameter, and number of each run; nothing here is dear."""
        cells: list[tuple[str, float]] = [("theorem 2", c) for c in EXPANSIONS]
        cells += [(theorem, level) for theorem in NETWORKS for level in LEVELS]
        cells += [("corollary 1", k) for k in CODES]
        return [(*cell, run) for run in range(runs) for cell in cells]

    def perform(self, task: Task, seed: int) -> list[Row]:
        """Check one instance (of Theorem 2: a batch)."""
        check, at, run = task
        place = ("theorem 2", "theorem 3", "theorem 4", "corollary 1").index(check)
        rng = np.random.default_rng([seed, 5, place, round(1e6 * at), run])
        about = {"check": check, "at": at, "run": run}
        if check == "theorem 2":
            return [{**about, **_exact(at, rng)} for _ in range(TRIALS)]
        if check == "corollary 1":
            return [{**about, **_constant(int(at), rng)}]
        return [{**about, **_bound(check, at, rng)}]

    def summary(self, rows: Sequence[Row]) -> Summary:
        """Return a row a check and parameter."""
        table = []
        for check in distinct(rows, "check"):
            for at in distinct(select(rows, check=check), "at"):
                group = select(rows, check=check, at=at)
                table.append((check, f"{at:g}", str(len(group)), *_facts(check, at, group)))
        return Summary(("check", "at", "runs", "measured", "theory"), table)

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        """Compare with sections 3 and 4."""
        return [_of_theorem_2(rows), *(_of_bound(rows, name) for name in NETWORKS), _of_corollary(rows)]

    def draw(self, rows: Sequence[Row], figure: Any) -> None:
        """Draw failure rates, errors against bounds, and the constant against k."""
        (first, second), (third, fourth) = figure.subplots(2, 2)
        group = select(rows, check="theorem 2")
        expansions = distinct(group, "at")
        failures = [1.0 - share(select(group, at=c), 1e-6) for c in expansions]
        first.plot(expansions, failures, "o", color=COLORS[0], label="measured")
        grid = [c / CODE for c in range(int(1.6 * CODE), int(3.2 * CODE) + 1)]
        first.plot(grid, [failure(c) for c in grid], ":", color="#111111", label="sum of the layers' binomials")
        first.axvline(2.1, lw=0.8, color="#6b7280", label="Assumption 1: c >= 2.1")
        first.set(xlabel="expansion c of each layer", ylabel="failures", title=f"Theorem 2, k = {CODE}")
        for axes, name in ((second, "theorem 3"), (third, "theorem 4")):
            group = [row for row in select(rows, check=name) if row["bound"] is not None]
            for color, key in zip(COLORS, ("error", "bound", "stated"), strict=False):
                label = {"error": "error", "bound": "bound for the rows that occurred", "stated": "bound as stated"}[
                    key
                ]
                axes.plot([row["noise"] for row in group], [row[key] for row in group], ".", color=color, label=label)
            axes.set(
                xscale="log",
                yscale="log",
                xlabel="norm of the noise",
                ylabel="norm of the error",
                title=name.capitalize(),
            )
        group = select(rows, check="corollary 1")
        fourth.plot(
            [row["at"] for row in group],
            [row["constant"] for row in group],
            ".",
            color=COLORS[0],
            label="of the active rows",
        )
        fourth.set_xscale("log", base=2)
        fourth.set(xticks=CODES, xticklabels=CODES, xlabel="k", ylabel="c_inf", title="Corollary 1", ylim=(0.0, None))
        for axes in (first, second, third, fourth):
            axes.legend(fontsize=7, frameon=False)
            axes.title.set_fontsize(10)
            bare_axes(axes)


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


def _exact(expansion: float, rng: np.random.Generator) -> Row:
    net = gaussian_network(_sizes(expansion), rng)
    truth = rng.normal(size=CODE)
    hidden = net[0](truth)
    enough = True
    for layer, h in zip(net, (truth, hidden), strict=True):
        on = layer(h) > 0.0
        enough = enough and has_full_column_rank(layer.weight[on])
    result = Layerwise(LinearSolve()).run(Problem.of(net, net(truth)), Solver())
    return {"error": None if result.z is None else relative_error(result.z, truth), "enough": bool(enough)}


def _constant(k: int, rng: np.random.Generator) -> Row:
    weight, truth = rng.normal(size=(5 * k, k)), rng.normal(size=k)
    on = weight[weight @ truth > 0.0]
    return {"constant": expansion_linf(on), "active": len(on)}


def _bound(check: str, level: float, rng: np.random.Generator) -> Row:
    """Invert layer by layer, and carry along how far each estimate can be from the truth.

    With an observation within eps of the truth, and an estimate within d of the observation on the rows I that are
    on at the truth, ``||W_I (z - z*)|| <= d + eps``. The paper has 2 eps in place of d + eps.
    """
    sizes = NETWORKS[check]
    net = Network.from_arrays([rng.normal(size=(n, k)) for k, n in itertools.pairwise(sizes)])
    truth = rng.normal(size=sizes[0])
    hidden = [truth, net[0](truth), net(truth)]
    uniform = check == "theorem 3"
    order = np.inf if uniform else 1
    formulation: LayerFormulation = LayerLinf() if uniform else LayerL1()
    expansion = expansion_linf if uniform else expansion_l1
    target = hidden[-1] + noise("uniform" if uniform else "gaussian", level, sizes[-1], rng)
    size = float(np.linalg.norm(target - hidden[-1], order))
    bound, product, holds = size, 1.0, True
    for i in reversed(range(len(net))):
        answer = formulation.solve(net[i], target, Box.everything(sizes[i]), Solver())
        if answer.code is None:
            return {"noise": size, "error": None, "bound": None, "stated": None, "assumed": False}
        on = hidden[i + 1] > 0.0
        constant = expansion(net[i].weight[answer.active & on])
        if constant == 0.0:
            return {"noise": size, "error": None, "bound": None, "stated": None, "assumed": False}
        off = (net[i].pre_activation(answer.code) - target)[answer.active & on]
        deviation = float(np.linalg.norm(off, order))
        # The theorem asks for signals well above the noise; the rows that have them are the ones the constant is about.
        holds = holds and int((hidden[i + 1] > 2.0 * bound).sum()) > sizes[i]
        bound, product = (deviation + bound) / constant, product * constant
        target = answer.code
    error = float(np.linalg.norm(target - truth, order))
    return {"noise": size, "error": error, "bound": bound, "stated": 2.0 ** len(net) * size / product, "assumed": holds}


def _facts(check: str, at: float, group: Sequence[Row]) -> tuple[str, str]:
    if check == "theorem 2":
        return f"failures {1.0 - share(group, 1e-6):.2%}", f"at most {failure(at):.2%}"
    if check == "corollary 1":
        middle = quartiles(group, "constant")[1]
        return f"c_inf: median {middle:.3f}, least {min(row['constant'] for row in group):.3f}", "bounded away from 0"
    bounds = f"median bound {text(quartiles(group, 'bound')[1])}, as stated {text(quartiles(group, 'stated')[1])}"
    return f"median error {text(quartiles(group)[1])}", bounds


def _of_theorem_2(rows: Sequence[Row]) -> Finding:
    group = select(rows, check="theorem 2")
    above, strange = [], sum(row["enough"] != (row["error"] is not None and row["error"] <= 1e-6) for row in group)
    for c in distinct(group, "at"):
        cell = select(group, at=c)
        rate, law = 1.0 - share(cell, 1e-6), failure(c)
        if rate > law and not within_sampling(rate, law, len(cell)):
            above.append(c)
    cell = select(group, at=2.1)
    laws = ", ".join(f"k = {k}: {failure(2.1, k):.1%}" for k in (CODE, 4 * CODE, 16 * CODE))
    measured = (
        f"c = 2.1, k = {CODE}: {1.0 - share(cell, 1e-6):.1%} fail; law at most {laws}: small only for large k. "
        f"Above the law at {above or 'no c'}; {strange} of {len(group)} runs fail with enough rows, or succeed without"
    )
    said = "Theorem 2: recovery by linear equations fails with probability e^-Omega(k)"
    return Finding(said, measured, not above and not strange)


def _of_bound(rows: Sequence[Row], check: str) -> Finding:
    group = [row for row in select(rows, check=check) if row["bound"] is not None]
    broken = sum(row["error"] > row["bound"] * (1.0 + 1e-6) + 1e-9 for row in group)
    assumed = [row for row in group if row["assumed"]]
    over = sum(row["error"] > row["stated"] * (1.0 + 1e-6) + 1e-9 for row in assumed)
    looseness = quartiles([{"error": row["bound"] / row["error"]} for row in group])[1]
    measured = (
        f"error above the bound for the rows that occurred in {broken} of {len(group)} runs, above the bound as stated "
        f"in {over} of the {len(assumed)} whose signals are large enough; the bound is {looseness:.0f} times the error"
    )
    return Finding(f"{check.capitalize()} bounds the error", measured, broken == 0 and over == 0 if group else None)


def _of_corollary(rows: Sequence[Row]) -> Finding:
    group = select(rows, check="corollary 1")
    least = {k: min(row["constant"] for row in select(group, at=k)) for k in distinct(group, "at")}
    told = ", ".join(f"k = {k}: {value:.2f}" for k, value in least.items())
    sizes = list(least)
    agrees = least[sizes[-1]] >= 0.5 * least[sizes[0]]
    return Finding("Corollary 1: c_inf of Gaussian rows stays above a constant", f"least of all runs, {told}", agrees)
