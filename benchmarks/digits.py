"""Which inversion to take for a noisy digit: every method on the shipped generator, against the truth.

    python benchmarks/digits.py --digits 20 --time-limit 60 --out results/

Ten codes are the encoder's means of held-out images, the others are drawn from N(0, I), the generator's prior;
box [-4, 4]. The tube is the level of the uniform noise. Each run has one thread. What is written: a JSON line a run, as
it is done, so that a second call continues; and a table of medians: relative error of the code, PSNR of the image
against the clean one, share proved optimal, gap, CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np

import pyomo_relu as pr
from pyomo_relu.accuracy import psnr, relative_error
from pyomo_relu.generator import mnist_generator, mnist_latents

BOX = 4.0
NOISES = {"uniform 0.01": ("uniform", 0.01), "uniform 0.1": ("uniform", 0.1), "gaussian 0.1": ("gaussian", 0.1)}


def methods(kind, level):
    """Return the methods that make sense for a noise."""
    found = {
        "layer-wise LP": pr.Layerwise(pr.LayerLinf()),
        "descent": pr.Descent(),
        "hybrid": pr.Hybrid(),
        "exact inf": pr.Exact("inf"),
        "exact inf, then 2": pr.Exact("inf", then=2),
        "exact 2": pr.Exact(2),
        "exact 1": pr.Exact(1),
    }
    if kind == "uniform":
        found |= {"exact 2, tube": pr.Exact(2, tube=level), "exact 1, tube": pr.Exact(1, tube=level)}
    return found


def codes(count):
    """Return the true codes, shape (count, 20)."""
    known = mnist_latents()
    drawn = np.random.default_rng(0).normal(size=(max(0, count - len(known)), known.shape[1]))
    return np.vstack([known, np.clip(drawn, -BOX, BOX)])[:count]


def run(net, truth, digit, noise, method, limit):
    kind, level = NOISES[noise]
    rng = np.random.default_rng([digit, 7])
    draw = rng.uniform(-1.0, 1.0, net.n_out) if kind == "uniform" else rng.normal(size=net.n_out)
    clean = net(truth)
    started = time.process_time()
    result = pr.invert(
        net,
        clean + level * draw,
        methods(kind, level)[method],
        box=(-BOX, BOX),
        solver=pr.Solver(None, time_limit=limit, threads=1),
    )
    used = time.process_time() - started
    row = {"noise": noise, "digit": digit, "method": method, "status": result.status.value, "cpu": used}
    if result.z is not None:
        row |= {
            "residual": result.residual,
            "bound": result.dual_bound,
            "gap": result.gap,
            "z_error": relative_error(result.z, truth),
            "psnr": psnr(net(result.z), clean, peak=float(clean.max())),
        }
    return row


def table(rows):
    lines = [f"{'noise':14}{'method':20}{'runs':>5}{'proved':>8}{'z-error':>9}{'PSNR':>7}{'gap':>8}{'CPU s':>8}"]
    for noise in NOISES:
        for method in dict.fromkeys(row["method"] for row in rows):
            group = [row for row in rows if (row["noise"], row["method"]) == (noise, method)]
            if group:
                middle = {
                    key: statistics.median([row[key] for row in group if row.get(key) is not None] or [float("nan")])
                    for key in ("z_error", "psnr", "gap", "cpu")
                }
                proved = sum(row["status"] == "optimal" for row in group)
                lines.append(
                    f"{noise:14}{method:20}{len(group):5}{proved:5}/{len(group):<2}{middle['z_error']:9.4f}"
                    f"{middle['psnr']:7.1f}{middle['gap']:8.2%}{middle['cpu']:8.1f}"
                )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", type=int, default=20)
    parser.add_argument("--noises", nargs="+", default=list(NOISES), choices=list(NOISES))
    parser.add_argument("--methods", nargs="+")
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=Path("results"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "digits.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    known = {(row["noise"], row["method"], row["digit"]) for row in rows}
    net, truths = mnist_generator(), codes(arguments.digits)
    with path.open("a") as log:
        for noise in arguments.noises:
            for digit, truth in enumerate(truths):
                for method in methods(*NOISES[noise]):
                    wanted = arguments.methods is None or method in arguments.methods
                    if wanted and (noise, method, digit) not in known:
                        rows.append(run(net, truth, digit, noise, method, arguments.time_limit))
                        print(json.dumps(rows[-1]), file=log, flush=True)
    (arguments.out / "digits.txt").write_text(table(rows) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
