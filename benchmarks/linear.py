"""Theorem 2's linear solve beside the bare least squares of SciPy and NumPy.

    python benchmarks/linear.py --codes 100 500 1000 2000 --repeats 7 --out results/

One Gaussian layer of n = 2.5 k outputs, observed exactly. Every way picks the active rows and solves them; ours also
checks its input, and tells rank, recovery factor, residual and uniqueness. In turns within one run, medians of CPU
seconds, and as ratios to SciPy. A turn of a small size is many solves. What is written: a JSON line a size.
"""

from __future__ import annotations

import argparse
import json
import os
from functools import partial
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
import scipy.linalg
from models import alternating

import pyomo_relu as pr

EXPANSION = 2.5
TURN = 1e7
"""Entries of the layer that a turn goes through, at least."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, nargs="+", default=[100, 500, 1000, 2000])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path("results"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for run in WAYS.values():
        run(*instance(4))  # imports are not timed
    with (arguments.out / "linear.jsonl").open("a") as log:
        for k in arguments.codes:
            layer, x = instance(k)
            count = max(1, int(TURN / layer.weight.size))
            runs = {way: partial(many, run, layer, x, count) for way, run in WAYS.items()}
            seconds = {way: turn / count for way, turn in alternating(runs, arguments.repeats).items()}
            print(json.dumps({"n": layer.n_out, "k": k, "seconds": seconds}), file=log, flush=True)
            print(f"{layer.n_out}x{k}, {arguments.repeats} turns")
            for way, spent in seconds.items():
                print(f"  {way:12} {spent:10.5f} s {spent / seconds['SciPy']:6.2f}x", flush=True)


def instance(k, seed=0):
    """Return (layer, exact observation)."""
    rng = np.random.default_rng(seed)
    layer = pr.Layer(rng.normal(0.0, k**-0.5, (int(EXPANSION * k), k)))
    return layer, layer(rng.normal(size=k))


def many(run, layer, x, count):
    for _ in range(count):
        code = run(layer, x)
    return code


def scipy_alone(layer, x):
    on = x > 0.0
    return scipy.linalg.lstsq(layer.weight[on], x[on] - layer.bias[on])[0]


def numpy_alone(layer, x):
    on = x > 0.0
    return np.linalg.lstsq(layer.weight[on], x[on] - layer.bias[on], rcond=None)[0]


def ours(layer, x):
    result = pr.invert_layer(layer, x, pr.LinearSolve())
    assert result.layers[0].unique
    assert result.realizable
    return result.z


WAYS = {"SciPy": scipy_alone, "NumPy": numpy_alone, "pyomo-relu": ours}


if __name__ == "__main__":
    main()
