"""Many observations: throughput against workers.

    python benchmarks/batch.py --sizes 20-60-784 --observations 1000 --workers 1 2 --repeats 3 --out results/

One run, the numbers of workers in turn, medians. Observations of one seeded network (Gaussian weights, zero bias)
under uniform noise; workers are processes with one thread each, started before the clock is, by inverting one
observation each. ``--dask`` measures a local Dask cluster beside them; worker 0 is this process. The answers of every
run are compared with those of the first, bit for bit. What is written: a JSON line a run, and a table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np

import pyomo_relu as pr

METHODS = {
    "linf": pr.Layerwise(),
    "l1": pr.Layerwise(pr.LayerL1()),
    "linear": pr.Layerwise(pr.LinearSolve()),
    "descent": pr.Descent(),
    "exact": pr.Exact(norm="inf"),
}


def main() -> None:
    arguments = parse()
    net, X = instance(arguments.sizes, arguments.observations, arguments.noise)
    cases = [("processes", n) for n in arguments.workers] + [("dask", n) for n in arguments.workers if arguments.dask]
    rows, first = [], None
    for repeat in range(arguments.repeats):
        for kind, workers in cases:
            codes, seconds, failures = measure(net, X, METHODS[arguments.method], kind, workers, arguments.chunk)
            first = codes if first is None else first
            rows.append(
                {
                    "sizes": arguments.sizes,
                    "method": arguments.method,
                    "executor": kind if workers else "this process",
                    "workers": workers,
                    "repeat": repeat,
                    "observations": len(X),
                    "seconds": seconds,
                    "per_second": len(X) / seconds,
                    "failures": failures,
                    "same_bits": bool((codes == first).all()),
                }
            )
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print("\n".join(table(rows)))
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "batch.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (arguments.out / "batch.md").write_text("\n".join(table(rows)) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="20-60-784")
    parser.add_argument("--observations", type=int, default=1000)
    parser.add_argument("--noise", type=float, default=0.01)
    parser.add_argument("--method", choices=METHODS, default="linf")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--chunk", type=int)
    parser.add_argument("--dask", action="store_true")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def instance(sizes, count, noise):
    """Return (network, observations)."""
    net = pr.Network.random(tuple(int(n) for n in sizes.split("-")), seed=0)
    rng = np.random.default_rng(1)
    outputs = net(rng.normal(size=(count, net.n_in)))
    return net, outputs + rng.uniform(-noise, noise, outputs.shape)


def measure(net, X, method, kind, workers, chunk):
    """Return the codes, the seconds without those of the start, and the number of failures."""
    with executor(kind, workers) as pool:
        if pool is not None:
            pr.invert_many(net, X[: 2 * workers], method, pool, chunk=1, progress=False)
        started = time.perf_counter()
        batch = pr.invert_many(net, X, method, pool, chunk=chunk, progress=False)
        return batch.codes, time.perf_counter() - started, len(batch.failures)


@contextmanager
def executor(kind, workers):
    if workers == 0:
        with nullcontext() as none:
            yield none
    elif kind == "processes":
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            yield pool
    else:
        from distributed import Client, LocalCluster

        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            yield client.get_executor()


def table(rows):
    """One line for every executor and number of workers: medians, and the throughput against that of the first."""
    groups = {}
    for row in rows:
        groups.setdefault((row["executor"], row["workers"]), []).append(row)
    lines = [
        "| executor | workers | observations/s | against the first | failures | same bits |",
        "|---|---|---|---|---|---|",
    ]
    base = None
    for (kind, workers), group in groups.items():
        rate = statistics.median(row["per_second"] for row in group)
        base = rate if base is None else base
        failures, same = (
            max(row["failures"] for row in group),
            "yes" if all(row["same_bits"] for row in group) else "no",
        )
        lines.append(
            f"| {kind} | {workers} | {rate:.2f} | {rate / base:.2f} | {failures} | {'yes' if same else 'no'} |"
        )
    return lines


if __name__ == "__main__":
    main()
