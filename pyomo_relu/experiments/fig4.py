"""Figure 4: digits from linear measurements: masks, blur, Gaussian measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pyomo_relu.experiments.experiment import CHEAP, Finding, Row, Summary, Task, parts
from pyomo_relu.experiments.gallery import Band, band_of, draw_gallery
from pyomo_relu.experiments.instances import pictured, solved
from pyomo_relu.experiments.statistics import distinct, median, quartiles, select, share, text
from pyomo_relu.generator import mnist_generator, mnist_latents
from pyomo_relu.inversion import Descent, Exact, GradientDescent, Hybrid, Layerwise, Method, ProjectedGradient
from pyomo_relu.problem import Problem
from pyomo_relu.validation import FloatArray

SIDE = 28
OPERATORS = ("block", "half", "gaussian", "blur")
MEASUREMENTS = 100
BOX = (-4.0, 4.0)
LIMIT = 15.0
ROUNDS = 10
DIRECT_LP = "linf LP on the seen pixels"
PGD_LP, PGD_DESCENT, DESCENT, LBFGS, HYBRID, EXACT = (
    "PGD, linf LP", "PGD, L-BFGS", "gradient descent", "L-BFGS", "hybrid", "exact, p = inf",
)  # fmt: skip


@dataclass(frozen=True)
class Fig4:
    """Sensing: projected gradient descent against direct methods, for four operators."""

    name: ClassVar[str] = "fig4"
    title: ClassVar[str] = "Figure 4: digits from linear measurements"
    setting: ClassVar[str] = (
        "The shipped 20-60-784 decoder at its ten packaged codes; more runs draw codes from N(0, I). Exact "
        "measurements: all but a block of 10 x 10 pixels; the upper half; 100 Gaussian measurements, variance "
        "1/100; a 5 x 5 box blur. PGD, which is expensive: steps 1 / ||A||^2; projection by the linf LP "
        f"({ROUNDS} rounds) or by L-BFGS with ten starts (100 rounds). Gradient descent: one start, half the squared "
        f"error, step 1e-3, 10,000 steps. Exact: box [-4, 4], {LIMIT:g} s a solve."
    )
    default_runs: ClassVar[int] = 8
    default_every: ClassVar[int] = 4
    size: ClassVar[tuple[float, float]] = (9.6, 11.0)

    def tasks(self, runs: int, every: int) -> list[Task]:
        """Return operator, part and number of each digit."""
        return [(operator, *part) for part in parts(runs, every) for operator in OPERATORS]

    def perform(self, task: Task, seed: int) -> list[Row]:
        """Recover one digit from its measurements by the methods of a part."""
        operator, part, run = task
        net, truth, given, x = instance(operator, run, seed)
        clean = net(truth)
        rows: list[Row] = []
        for name, method in _methods(operator, part, run).items():
            problem = Problem.of(net, x, box=BOX if name == EXACT else None, **given)
            result, found = solved(problem, method, truth, LIMIT)
            about = {"operator": operator, "run": run, "seed": seed, "method": name}
            rows.append({**about, **found, "residual": result.residual, **pictured(net, result, clean)})
        return rows

    def summary(self, rows: Sequence[Row]) -> Summary:
        """Return medians, a row an operator and method."""
        table = []
        for operator in distinct(rows, "operator"):
            for method in distinct(select(rows, operator=operator), "method"):
                group = select(rows, operator=operator, method=method)
                low, middle, high = quartiles(group)
                errors = (text(low, ".2g"), text(middle, ".2g"), text(high, ".2g"))
                recovered = f"{share(group, 1e-3):.0%}"
                seconds = text(median(group, "seconds"), ".1f")
                table.append(
                    (operator, method, str(len(group)), *errors, recovered, text(median(group, "psnr"), ".1f"), seconds)
                )
        headings = ("operator", "method", "runs", "error, 25 %", "median", "75 %", "error <= 1e-3", "PSNR, dB", "s")
        return Summary(headings, table)

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        """Compare with section 5.2."""
        found = []
        for operator in [name for name in ("block", "half") if select(rows, operator=name)]:
            by_lp, by_descent, exact = (
                share(select(rows, operator=operator, method=name), 0.1) for name in (PGD_LP, DESCENT, EXACT)
            )
            said = "PGD with the linf LP always gives reliable results under a mask"
            measured = f"{operator}: error below 10 % in {by_lp:.0%} (exact, with A: {exact:.0%})"
            found.append(Finding(said, measured, by_lp == 1.0))
            measured = f"{operator}: error below 10 % in {by_descent:.0%}"
            found.append(Finding("gradient descent sometimes fails under a mask", measured, by_descent < 1.0))
        return found

    def draw(self, rows: Sequence[Row], figure: Any) -> None:
        """Draw the block and the half: what was seen, the truth, and every reconstruction."""
        columns = [(op, run) for op in ("block", "half") for run in distinct(select(rows, operator=op), "run")[:3]]
        seed = rows[0]["seed"]
        instances = [instance(op, run, seed) for op, run in columns]
        net = instances[0][0]
        seen = [np.where(given["mask"], x, np.nan) for _, _, given, x in instances]
        bands: list[Band] = [
            ("measured", seen, [op for op, _ in columns]),
            ("truth", [net(truth) for _, truth, _, _ in instances], [""] * len(columns)),
        ]
        cells = [select(rows, operator=op, run=run) for op, run in columns]
        methods = (DIRECT_LP, PGD_LP, PGD_DESCENT, DESCENT, LBFGS, HYBRID, EXACT)
        bands += [band_of(method, cells, [net] * len(columns)) for method in methods]
        draw_gallery(figure, bands)


def instance(operator: str, run: int, seed: int) -> tuple[Any, FloatArray, dict[str, Any], FloatArray]:
    """Return network, true code, the operator as `invert` takes it, and the measurements."""
    net, known = mnist_generator(), mnist_latents()
    rng = np.random.default_rng([seed, 4, OPERATORS.index(operator), run])
    truth = known[run] if run < len(known) else rng.normal(size=net.n_in)
    clean = net(truth)
    if operator in ("block", "half"):
        mask = np.ones((SIDE, SIDE), dtype=bool)
        top, left = rng.integers(6, 13, size=2)
        hidden = (
            (slice(top, top + 10), slice(left, left + 10))
            if operator == "block"
            else (slice(SIDE // 2, SIDE), slice(None))
        )
        mask[hidden] = False
        return net, truth, {"mask": mask.ravel()}, clean
    matrix = (
        rng.normal(0.0, MEASUREMENTS**-0.5, (MEASUREMENTS, clean.size)) if operator == "gaussian" else box_blur(SIDE, 2)
    )
    return net, truth, {"operator": matrix}, matrix @ clean


def box_blur(side: int, reach: int) -> FloatArray:
    """Return the matrix that averages each pixel with its neighbours up to `reach` away along each axis.

    Black beyond the rim. Shape (side^2, side^2).

    Examples
    --------
    >>> box_blur(3, 1)[4].round(3).tolist()
    [0.111, 0.111, 0.111, 0.111, 0.111, 0.111, 0.111, 0.111, 0.111]
    """
    index = np.arange(side)
    line = (np.abs(index[:, None] - index) <= reach) / (2.0 * reach + 1.0)
    return np.kron(line, line)


def _methods(operator: str, part: str, run: int) -> dict[str, Method]:
    if part != CHEAP:
        return {
            PGD_LP: ProjectedGradient(Layerwise(), iterations=ROUNDS),
            PGD_DESCENT: ProjectedGradient(Descent(seed=run)),
        }
    found: dict[str, Method] = {} if operator in ("gaussian", "blur") else {DIRECT_LP: Layerwise()}
    return found | {
        DESCENT: GradientDescent(1e-3, 10_000, seed=run),
        LBFGS: Descent(seed=run),
        HYBRID: Hybrid(seed=run),
        EXACT: Exact("inf", seed=run),
    }
