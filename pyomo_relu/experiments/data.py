"""Other data, other generators: exact, noisy and struck images of small generators, and real digits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from pyomo_relu.experiments.experiment import CHEAP, Finding, Row, Summary, Task, parts
from pyomo_relu.experiments.gallery import Band, band_of, draw_gallery
from pyomo_relu.experiments.images import mnist_digits, small_digits
from pyomo_relu.experiments.instances import noise, pictured, solved, struck
from pyomo_relu.experiments.statistics import distinct, median, select, share, text
from pyomo_relu.formulations import Geometric, LayerL1, LayerLinf
from pyomo_relu.generator import Small, mnist_generator, small_generator
from pyomo_relu.inversion import Descent, Exact, GradientDescent, Hybrid, Layerwise, Method
from pyomo_relu.network import Network
from pyomo_relu.norms import NormName
from pyomo_relu.problem import Problem
from pyomo_relu.validation import FloatArray

SMALL: dict[str, Small] = {"small": "relu", "deep": "deep", "leaky": "leaky"}
EXACT_OUTPUT, NOISY, STRUCK, REAL = "exact output", "sd 0.1", "outliers 5 %", "real digit"
CELLS = [("MNIST", REAL), *((name, kind) for name in SMALL for kind in (EXACT_OUTPUT, NOISY, STRUCK, REAL))]
"""Real images first: a package that is missing is missed before anything is done."""

LEVEL, STRUCK_SHARE = 0.1, 0.05
GUESS = 1e-6
BOX = (-4.0, 4.0)
LIMIT = 10.0
SHOWN = 2
"""Digits of each generator in the picture."""

LP, L1, NONNEGATIVE, DESCENT, LBFGS, HYBRID, EXACT = (
    "linf LP", "l1 LP", "l1 LP, z >= 0", "gradient descent", "L-BFGS", "hybrid", "exact",
)  # fmt: skip


@dataclass(frozen=True)
class Data:
    """The methods on what the paper did not try."""

    name: ClassVar[str] = "data"
    title: ClassVar[str] = "Other data and other generators"
    setting: ClassVar[str] = (
        "Generators of scikit-learn's 8 x 8 digits: small, ReLU 8-24-64; deep, ReLU 6-12-24-64; leaky, "
        "LeakyReLU(0.125) 12-24-64; all with biases. Codes from N(0, I): exact outputs, Gaussian noise of sd 0.1, 5 % "
        "of the pixels replaced by U(0, 1). Real digits, held out of the training, which no generator draws: 8 x 8 "
        "ones, and MNIST's for the shipped 20-60-784 decoder. The paper's LPs start at eps = 0.1 under noise, else "
        "1e-6, alpha = 1.2, codes of either sign. Gradient descent: one start, half the squared error, step 1e-3, "
        "10,000 steps. Hybrid and exact: p = 2, under outliers p = 1; exact, which is expensive: box [-4, 4], "
        f"{LIMIT:g} s a solve. PSNR against the clean or real digit, peak 1."
    )
    default_runs: ClassVar[int] = 6
    default_every: ClassVar[int] = 3
    size: ClassVar[tuple[float, float]] = (9.6, 11.0)

    def tasks(self, runs: int, every: int) -> list[Task]:
        """Return generator, kind of observation, part and number of each run."""
        return [(*cell, *part) for part in parts(runs, every) for cell in CELLS]

    def perform(self, task: Task, seed: int) -> list[Row]:
        """Invert one observation by the methods of a part."""
        generator, kind, part, run = task
        net, truth, target, x = instance(generator, kind, run, seed)
        about = {"generator": generator, "kind": kind, "run": run, "seed": seed}
        rows: list[Row] = []
        for name, method in _methods(kind, part, run).items():
            problem = Problem.of(net, x, box=BOX if name == EXACT else None)
            result, found = solved(problem, method, truth, LIMIT)
            known = {"residual": result.residual, "bound": result.dual_bound}
            rows.append({**about, "method": name, **found, **known, **pictured(net, result, target)})
        return rows

    def summary(self, rows: Sequence[Row]) -> Summary:
        """Return medians, a row a generator, kind of observation and method."""
        table = []
        for generator, kind in CELLS:
            for method in distinct(select(rows, generator=generator, kind=kind), "method"):
                group = select(rows, generator=generator, kind=kind, method=method)
                known = kind != REAL
                error = text(median(group), ".2g") if known else "-"
                recovered = f"{share(group, 1e-3):.0%}" if known else "-"
                seconds = text(median(group, "seconds"), ".2f")
                cells = (error, recovered, text(median(group, "psnr"), ".1f"), seconds)
                table.append((generator, kind, method, str(len(group)), *cells))
        headings = ("generator", "observation", "method", "runs", "error of z", "error <= 1e-3", "PSNR, dB", "s")
        return Summary(headings, table)

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        """Compare with what the paper says of its own data."""
        found = [_leaky(rows), *(_recovered(rows, name) for name in ("small", "deep"))]
        found += [_noisy(rows, name) for name in SMALL]
        found += [_struck(rows, name) for name in SMALL]
        return found + [_real(rows, name) for name in distinct(rows, "generator")]

    def draw(self, rows: Sequence[Row], figure: Any) -> None:
        """Draw real digits, and what every method makes of them."""
        real = select(rows, kind=REAL)
        columns = [
            (name, run)
            for name in distinct(real, "generator")
            for run in distinct(select(real, generator=name), "run")[:SHOWN]
        ]
        instances = [instance(name, REAL, run, rows[0]["seed"]) for name, run in columns]
        cells = [select(real, generator=name, run=run) for name, run in columns]
        bands: list[Band] = [(REAL, [x for _, _, _, x in instances], [name for name, _ in columns])]
        bands += [band_of(method, cells, [net for net, *_ in instances]) for method in distinct(real, "method")]
        draw_gallery(figure, bands)


def instance(
    generator: str, kind: str, run: int, seed: int
) -> tuple[Network, FloatArray | None, FloatArray, FloatArray]:
    """Return network, true code (None for a real digit), clean or real image, and what is observed of it."""
    net = mnist_generator() if generator == "MNIST" else small_generator(SMALL[generator])
    rng = np.random.default_rng([seed, 6, CELLS.index((generator, kind)), run])
    if kind == REAL:
        images = _held_out(generator)
        # A permutation, so that no digit comes twice before all have come.
        order = np.random.default_rng([seed, 6]).permutation(len(images))
        image = images[order[run % len(order)]]
        return net, None, image, image
    truth = rng.normal(size=net.n_in)
    clean = net(truth)
    if kind == NOISY:
        return net, truth, clean, clean + noise("gaussian", LEVEL, net.n_out, rng)
    return net, truth, clean, struck(clean, STRUCK_SHARE, rng) if kind == STRUCK else clean


@cache
def _held_out(generator: str) -> FloatArray:
    digits = mnist_digits() if generator == "MNIST" else small_digits()
    return digits.test.astype(np.float64)


def _methods(kind: str, part: str, run: int) -> dict[str, Method]:
    norm: NormName = 1 if kind == STRUCK else 2
    if part != CHEAP:
        return {EXACT: Exact(norm, seed=run)}
    eps = LEVEL if kind == NOISY else GUESS
    return {
        LP: Layerwise(LayerLinf(eps, Geometric(1.2)), nonnegative=False),
        L1: Layerwise(LayerL1(eps, Geometric(1.2)), nonnegative=False),
        NONNEGATIVE: Layerwise(LayerL1()),
        DESCENT: GradientDescent(1e-3, 10_000, seed=run),
        LBFGS: Descent(seed=run),
        HYBRID: Hybrid(norm=norm, seed=run),
    }


def _medians(group: Sequence[Row]) -> str:
    parts = []
    for name in distinct(group, "method"):
        cell = select(group, method=name)
        parts.append(f"{name} {median(cell, 'psnr'):.1f} dB ({text(median(cell), '.2g')})")
    return "median PSNR (error of z): " + ", ".join(parts)


def _leaky(rows: Sequence[Row]) -> Finding:
    group = select(rows, generator="leaky", kind=EXACT_OUTPUT, method=LP)
    rate = share(group, 1e-3)
    said = "LeakyReLU networks are much easier to invert: their layers are bijective"
    return Finding(said, f"leaky, exact outputs: linf LP recovers {rate:.0%} of {len(group)}", rate == 1.0)


def _recovered(rows: Sequence[Row], generator: str) -> Finding:
    cells = {name: select(rows, generator=generator, kind=EXACT_OUTPUT, method=name) for name in (LP, DESCENT, HYBRID)}
    rates = ", ".join(f"{name} {share(cell, 1e-3):.0%}" for name, cell in cells.items())
    said = "on a trained generator the LPs recover the truth most of the time, gradient descent gets stuck"
    agrees = share(cells[LP], 1e-3) > 0.5 > share(cells[DESCENT], 1e-3)
    return Finding(said, f"{generator}, exact outputs, recovered: {rates}", agrees)


def _noisy(rows: Sequence[Row], generator: str) -> Finding:
    group = select(rows, generator=generator, kind=NOISY)
    agrees = median(select(group, method=L1), "psnr") > median(select(group, method=LP), "psnr")
    said = "under Gaussian noise the l1 LP is more robust than the linf LP"
    return Finding(said, f"{generator}, sd 0.1, {_medians(group)}", agrees)


def _struck(rows: Sequence[Row], generator: str) -> Finding:
    group = select(rows, generator=generator, kind=STRUCK)
    return Finding("(not in the paper) sparse outliers", f"{generator}, 5 %, {_medians(group)}", None)


def _real(rows: Sequence[Row], generator: str) -> Finding:
    group = select(rows, generator=generator, kind=REAL)
    told = ", ".join(f"{name} {median(select(group, method=name), 'psnr'):.1f}" for name in distinct(group, "method"))
    bounds = [row["bound"] for row in select(group, method=EXACT) if row["bound"] is not None]
    pixels = 784 if generator == "MNIST" else 64
    limits = [-20.0 * math.log10(bound / math.sqrt(pixels)) for bound in bounds if bound > 0.0]
    bounded = (
        f"; trusted to exact's solver: no code in the box reaches more than {np.median(limits):.1f} (median of "
        f"{len(limits)})"
        if limits
        else ""
    )
    said = "(not in the paper) real digits, which are outside the generator's range"
    return Finding(said, f"{generator}, median PSNR in dB: {told}{bounded}", None)
