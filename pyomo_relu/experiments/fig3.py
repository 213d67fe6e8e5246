"""Figure 3: digits under heavy noise, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pyomo_relu.accuracy import psnr
from pyomo_relu.experiments.experiment import CHEAP, Finding, Row, Summary, Task, parts
from pyomo_relu.experiments.gallery import Band, band_of, draw_gallery
from pyomo_relu.experiments.instances import pictured, solved, struck
from pyomo_relu.experiments.statistics import distinct, median, select, text
from pyomo_relu.formulations import LayerL1, LayerLinf
from pyomo_relu.generator import mnist_generator, mnist_latents
from pyomo_relu.inversion import Descent, Exact, GradientDescent, Hybrid, Layerwise, Method
from pyomo_relu.problem import Problem
from pyomo_relu.validation import FloatArray

NOISES = {"variance 0.3": 0.3**0.5, "sd 0.3": 0.3, "outliers 5 %": 0.05}
BOX = (-4.0, 4.0)
LIMIT = 15.0
OBSERVED, LP, DESCENT, EXACT = "observation", "linf LP", "gradient descent", "exact"
SHOWN = "sd 0.3"


@dataclass(frozen=True)
class Fig3:
    """Denoising of digits: the paper's LP and descent, and what else there is."""

    name: ClassVar[str] = "fig3"
    title: ClassVar[str] = "Figure 3: digits under noise"
    setting: ClassVar[str] = (
        "The shipped 20-60-784 decoder at its ten packaged codes; more runs draw codes from N(0, I). Gaussian "
        "noise, once of variance 0.3 as the paper says (sd 0.548), once of sd 0.3; and 5 % of the pixels replaced "
        "by U(0, 1). linf LP: eps from the noise's sd (outliers: 1e-6), alpha = 1.2, codes of either sign. "
        "Gradient descent: one start, half the squared error, step 1e-3, 10,000 steps. Exact, p = 2 (outliers: p ="
        f" 1), which is expensive: box [-4, 4], {LIMIT:g} s a solve: the best code found by then. PSNR against "
        "the clean digit, peak 1."
    )
    default_runs: ClassVar[int] = 8
    default_every: ClassVar[int] = 3
    size: ClassVar[tuple[float, float]] = (9.6, 12.0)

    def tasks(self, runs: int, every: int) -> list[Task]:
        """Return kind of noise, part and number of each digit."""
        return [(kind, *part) for part in parts(runs, every) for kind in NOISES]

    def perform(self, task: Task, seed: int) -> list[Row]:
        """Invert one noisy digit by the methods of a part."""
        kind, part, run = task
        net, truth, x = instance(kind, run, seed)
        clean = net(truth)
        about = {"kind": kind, "run": run, "seed": seed}
        rows: list[Row] = []
        if part == CHEAP:
            rows += [{**about, "method": OBSERVED, "psnr": psnr(x, clean), "error": None, "seconds": None, "z": None}]
        for name, method in _methods(kind, part, run).items():
            result, found = solved(
                Problem.of(net, x, box=BOX if isinstance(method, Exact) else None), method, truth, LIMIT
            )
            rows.append({**about, "method": name, **found, "gap": result.gap, **pictured(net, result, clean)})
        return rows

    def summary(self, rows: Sequence[Row]) -> Summary:
        """Return median PSNR and error, a row a noise and method."""
        table = []
        for kind in distinct(rows, "kind"):
            for method in distinct(rows, "method"):
                group = select(rows, kind=kind, method=method)
                error = "-" if method == OBSERVED else text(median(group))
                seconds = "-" if method == OBSERVED else text(median(group, "seconds"), ".1f")
                table.append((kind, method, str(len(group)), text(median(group, "psnr"), ".1f"), error, seconds))
        return Summary(("noise", "method", "runs", "PSNR, dB", "error of z", "s"), table)

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        """Compare with section 5.2."""
        found = []
        for kind in [kind for kind in distinct(rows, "kind") if kind != "outliers 5 %"]:
            lp, descent, seen = (
                median(select(rows, kind=kind, method=name), "psnr") for name in (LP, DESCENT, OBSERVED)
            )
            measured = f"{kind}: median PSNR {lp:.1f} dB, of the observation {seen:.1f} dB"
            found.append(Finding("the linf LP can almost perfectly denoise the digits", measured, lp >= 25.0))
            measured = f"{kind}: linf LP {lp:.1f} dB, gradient descent {descent:.1f} dB"
            found.append(
                Finding("the linf LP is clearly closer to the truth than gradient descent", measured, lp > descent)
            )
        return found

    def draw(self, rows: Sequence[Row], figure: Any) -> None:
        """Draw observation, truth and every reconstruction of the first digits under noise of sd 0.3."""
        chosen = select(rows, kind=SHOWN)
        runs = distinct(chosen, "run")[:6]
        seed = chosen[0]["seed"]
        instances = [instance(SHOWN, run, seed) for run in runs]
        net = instances[0][0]
        cells = [select(chosen, run=run) for run in runs]
        qualities = [f"{select(cell, method=OBSERVED)[0]['psnr']:.1f} dB" for cell in cells]
        bands: list[Band] = [
            (OBSERVED, [x for _, _, x in instances], qualities),
            ("truth", [net(z) for _, z, _ in instances], [""] * len(runs)),
        ]
        bands += [band_of(method, cells, [net] * len(runs)) for method in distinct(chosen, "method")[1:]]
        draw_gallery(figure, bands)


def instance(kind: str, run: int, seed: int) -> tuple[Any, FloatArray, FloatArray]:
    """Return network, true code and noisy digit."""
    net, known = mnist_generator(), mnist_latents()
    rng = np.random.default_rng([seed, 3, list(NOISES).index(kind), run])
    truth = known[run] if run < len(known) else rng.normal(size=net.n_in)
    clean = net(truth)
    if kind == "outliers 5 %":
        return net, truth, struck(clean, NOISES[kind], rng)
    return net, truth, clean + rng.normal(0.0, NOISES[kind], clean.size)


def _methods(kind: str, part: str, run: int) -> dict[str, Method]:
    outliers = kind == "outliers 5 %"
    if part != CHEAP:
        return {EXACT: Exact(1 if outliers else 2, seed=run)}
    eps = 1e-6 if outliers else NOISES[kind]
    return {
        LP: Layerwise(LayerLinf(eps), nonnegative=False),
        "l1 LP": Layerwise(LayerL1(eps), nonnegative=False),
        "l1 LP, z >= 0": Layerwise(LayerL1()),
        DESCENT: GradientDescent(1e-3, 10_000, seed=run),
        "L-BFGS": Descent(seed=run),
        "hybrid": Hybrid(norm=1 if outliers else 2, seed=run),
    }
