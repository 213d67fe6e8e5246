"""Many observations: throughput against workers.

    python benchmarks/batch.py --observations 1000 --workers 1 2 --repeats 3 --kill --out results/

One run, the numbers of workers in turn, medians. Observations of the shipped generator under uniform noise, or of a
seeded random network (``--sizes 20-60-784``); a store is written. Workers are processes with one thread each, and
their start counts; worker 0 is this process. ``--dask`` measures a local Dask cluster beside them, started before the
clock is. ``--kill`` adds runs of the most workers in which one is killed half-way. Of every run it is told whether the
answers are those of the first, bit for bit, and whether the store holds each observation once. What is written: a JSON
line a run, and a table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from contextlib import contextmanager
from multiprocessing import active_children
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np

import pyomo_relu as pr
from pyomo_relu.generator import mnist_generator

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
    if arguments.kill:
        cases.append(("processes, one killed", max(arguments.workers)))
    rows, first = [], None
    for repeat in range(arguments.repeats):
        for kind, workers in cases:
            batch, seconds, once = measure(net, X, METHODS[arguments.method], kind, workers, arguments.chunk)
            first = batch.codes if first is None else first
            rows.append(
                {
                    "network": arguments.sizes or "the shipped generator",
                    "method": arguments.method,
                    "executor": kind if workers else "this process",
                    "workers": workers,
                    "repeat": repeat,
                    "observations": len(X),
                    "seconds": seconds,
                    "per_second": len(X) / seconds,
                    "failures": len(batch.failures),
                    "each_once": once,
                    "same_bits": bool((batch.codes == first).all()),
                }
            )
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print("\n".join(table(rows)))
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "batch.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (arguments.out / "batch.md").write_text("\n".join(table(rows)) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", help="of a random network, such as 20-60-784")
    parser.add_argument("--observations", type=int, default=1000)
    parser.add_argument("--noise", type=float, default=0.01)
    parser.add_argument("--method", choices=METHODS, default="linf")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--chunk", type=int)
    parser.add_argument("--dask", action="store_true")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def instance(sizes, count, noise):
    """Return (network, observations)."""
    net = mnist_generator() if sizes is None else pr.Network.random(tuple(int(n) for n in sizes.split("-")), seed=0)
    rng = np.random.default_rng(1)
    outputs = net(rng.normal(size=(count, net.n_in)))
    return net, outputs + rng.uniform(-noise, noise, outputs.shape)


def measure(net, X, method, kind, workers, chunk):
    """Return the batch, its seconds, and whether the store holds every observation once."""
    with TemporaryDirectory() as folder, executor(kind, workers, net, X, method) as pool:
        results = Path(folder) / "results.jsonl"
        with killer(results, len(X) // 2, armed="killed" in kind):
            started = time.perf_counter()
            batch = pr.invert_many(net, X, method, pool, chunk=chunk, progress=False, store=folder)
            seconds = time.perf_counter() - started
        indices = sorted(json.loads(line)["index"] for line in results.read_text().splitlines())
    return batch, seconds, indices == list(range(len(X)))


@contextmanager
def executor(kind, workers, net, X, method):
    if workers == 0:
        yield None
    elif kind != "dask":
        yield pr.Processes(workers)
    else:
        from distributed import Client, LocalCluster

        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            pool = client.get_executor()
            pr.invert_many(net, X[: 2 * workers], method, pool, chunk=1, progress=False)
            yield pool


@contextmanager
def killer(results, lines, *, armed):
    """Kill a worker process once there are so many results."""
    over = Event()

    def watch():
        while not over.wait(0.05):
            if results.exists() and results.read_bytes().count(b"\n") >= lines:
                active_children()[0].kill()
                return

    watching = Thread(target=watch)
    if armed:
        watching.start()
    try:
        yield
    finally:
        over.set()
        if armed:
            watching.join()


def table(rows):
    """One line for every executor and number of workers: medians, and the throughput against that of the first."""
    groups = {}
    for row in rows:
        groups.setdefault((row["executor"], row["workers"]), []).append(row)
    lines = [
        "| executor | workers | observations/s | against the first | failures | each once | same bits |",
        "|---|---|---|---|---|---|---|",
    ]
    base = None
    for (kind, workers), group in groups.items():
        rate = statistics.median(row["per_second"] for row in group)
        base = rate if base is None else base
        failures = max(row["failures"] for row in group)
        once, same = ("yes" if all(row[name] for row in group) else "no" for name in ("each_once", "same_bits"))
        lines.append(f"| {kind} | {workers} | {rate:.2f} | {rate / base:.2f} | {failures} | {once} | {same} |")
    return lines


if __name__ == "__main__":
    main()
