"""A time limit is a time limit: every route, on networks that take long, with limits of 0.3, 1 and 5 s.

    python benchmarks/limits.py --out results/limits.jsonl

Right: the call is back within the limit, 10 % and a second, with a code and a valid bound where its kind gives them. On
a busy machine seconds of wall clock say little: CPU seconds are beside them, and count where `--cpu` is given. Each run
is a process of its own, warmed up by a small call of its kind, and killed after `--at-most` seconds. A command of the
command line is allowed what the same command takes on a tiny network. Exit code 1 where a limit was overshot, or a code
or a bound is missing.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

import numpy as np

import pyomo_relu as pr
from pyomo_relu.generator import mnist_generator, mnist_latents
from reductions import check_preimage_convexity, decide, random_cnf

LIMITS = (0.3, 1.0, 5.0)
LAST = "timed: "

# ---- networks that take long

Data = tuple[pr.Network, np.ndarray, float]


def dense(sizes: tuple[int, ...], noise: float, half: float = 1.0) -> Data:
    net, rng = pr.Network.random(sizes, seed=0), np.random.default_rng([len(sizes), 5])
    x = net(rng.uniform(-half, half, sizes[0])) + rng.uniform(-noise, noise, sizes[-1])
    return net, np.maximum(x, 0.0), half


def doubled(rng: np.random.Generator, n_in: int, n_out: int, size: int) -> np.ndarray:
    """Return a 4 x 4 transposed convolution of stride 2 and padding 1 as a matrix."""
    weight = rng.normal(size=(n_in, n_out, 4, 4)) / np.sqrt(4 * n_in)
    matrix = np.zeros((n_out, 2 * size, 2 * size, n_in, size, size))
    for i, j, a, b in np.ndindex(size, size, 4, 4):
        row, column = 2 * i + a - 1, 2 * j + b - 1
        if 0 <= row < 2 * size and 0 <= column < 2 * size:
            matrix[:, row, column, :, i, j] = weight[:, :, a, b].T
    return matrix.reshape(n_out * 4 * size**2, n_in * size**2)


def convolutional(n_in: int, n_out: int, size: int) -> Data:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(n_in * size**2, 8)) / 3]
    weights += [doubled(rng, n_in, n_out, size), doubled(rng, n_out, 1, 2 * size)]
    net = pr.Network.from_arrays(weights, [0.1 * rng.normal(size=len(w)) for w in weights], [0.0, 0.0, 1.0])
    return net, net(rng.normal(size=8)) + rng.uniform(-0.01, 0.01, net.n_out), 4.0


def digit(noise: str) -> Data:
    net, rng = mnist_generator(), np.random.default_rng(3)
    drawn = rng.normal(size=net.n_out) if noise == "gaussian" else rng.uniform(-1.0, 1.0, net.n_out)
    return net, net(mnist_latents()[3]) + 0.1 * drawn, 4.0


NETWORKS: dict[str, Callable[[], Data]] = {
    "1200-60-40": lambda: dense((1200, 60, 40), 0.05),
    "1600-400-800": lambda: dense((1600, 400, 800), 0.05),
    "200-400-800": lambda: dense((200, 400, 800), 0.1),
    "20-100-500": lambda: dense((20, 100, 500), 0.1),
    "conv 8-400-800-400": lambda: convolutional(16, 8, 5),
    "conv 8-392-784-784": lambda: convolutional(8, 4, 7),
    "digit": lambda: digit("gaussian"),
    "6-30-12": lambda: dense((6, 30, 12), 0.2, 3.0),
    "tiny": lambda: dense((2, 4, 6), 0.05),
}

# ---- routes

Answer = dict[str, Any]


def told(status: Any, code: bool | None, bound: bool | None) -> Answer:
    """Return how a call ended; None where its kind gives no code, or no bound."""
    return {"status": str(status), "code": code, "bound": bound}


def is_bound(result: pr.Result) -> bool:
    bound, residual = result.dual_bound, result.residual
    return bound is not None and math.isfinite(bound) and bound >= 0.0 and (residual is None or bound <= residual)


def inversion(method: Any, solver: str | None = None) -> Callable[[Data, float], Answer]:
    def run(data: Data, limit: float) -> Answer:
        net, x, half = data
        chosen = pr.Solver(solver, time_limit=limit)
        result = pr.invert(net, x, method, box=(-half, half), solver=chosen)
        bound = is_bound(result) if isinstance(method, pr.Exact) and method.tube is None else None
        return told(result.status, result.z is not None, bound)

    return run


def extent(data: Data, limit: float) -> Answer:
    net, x, half = data
    found = pr.extent(net, x, pr.Exact(1), box=(-half, half), solver=pr.Solver(time_limit=limit))
    return told(found.status, found.result.z is not None, is_bound(found.result))


def preimage(data: Data, limit: float) -> Answer:
    net, x, half = data
    found = pr.preimage(net, x, (-half, half), 0.3, seconds=limit)
    return told(found.status, None, None)


def preimage_asked(data: Data, limit: float) -> Answer:
    net, x, half = data
    found = pr.preimage(net, x, (-half, half), 0.3, seconds=limit)
    return told(f"{found.status}, {found.n_components} components, convex: {found.convex}", None, None)


def proof(data: Data, limit: float) -> Answer:
    net, x, half = data
    return told(pr.prove_bound(net, x, 0.5, (-half, half), 1, seconds=limit).status, None, None)


def convexity(data: Data, limit: float) -> Answer:
    net, x, half = data
    return told(check_preimage_convexity(net, x, (-half, half), seconds=limit).status, None, None)


def decision(data: Data, limit: float) -> Answer:
    size = 120 if data[0].n_in > 2 else 4
    found = decide(random_cnf(size, int(4.26 * size), seed=1), "three-sat", "highs", seconds=limit)
    return told(f"{found.verdict} {found.status}", None, None)


def many(data: Data, limit: float) -> Answer:
    net, x, half = data
    rows = np.array([x, x[::-1], 0.9 * x])
    solver = pr.Solver(time_limit=limit)
    batch = pr.invert_many(net, rows, pr.Exact(1), box=(-half, half), solver=solver, progress=False)
    return told({a.status.value for a in batch}, all(a.z is not None for a in batch), all(map(is_bound, batch)))


def command(*words: str) -> Callable[[Data, float], Answer]:
    def run(data: Data, limit: float) -> Answer:
        net, x, half = data
        with tempfile.TemporaryDirectory() as folder:
            net.save(f"{folder}/net.npz")
            np.save(f"{folder}/x.npy", x)
            np.save(f"{folder}/many.npy", np.array([x, 0.9 * x]))
            program = ["-m", "reductions"] if words[0] == "convexity" else ["-m", "pyomo_relu"]
            given = [words[0], "net.npz", "many.npy" if words[0] == "invert-many" else "x.npy", *words[1:]]
            flags = ["--box", str(-half), str(half), "--time-limit", str(limit), "--json"]
            root = str(Path(__file__).resolve().parents[1])
            ran = subprocess.run(
                [sys.executable, *program, *given, *flags],
                cwd=folder, env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, check=False,
            )  # fmt: skip
        try:
            said = json.loads(ran.stdout)
        except ValueError:
            return told(f"exit {ran.returncode}: {(ran.stderr.splitlines() or [''])[-1]}", False, None)
        status = said.get("status", said.get("statuses", said.get("verdict")))
        if words[0] != "invert":
            return told(f"exit {ran.returncode}: {status}", None, None)
        bound = said.get("dual_bound") is not None if "exact" in words else None
        return told(f"exit {ran.returncode}: {status}", said.get("z") is not None, bound)

    return run


@dataclass(frozen=True)
class Route:
    """A way to call, on a network; `times` is how many limits it may take, as one an observation."""

    name: str
    network: str
    call: Callable[[Data, float], Answer]
    times: int = 1
    is_command: bool = False


ROUTES = [
    *(
        Route(name, network, inversion(method, solver))
        for name, method, solver, networks in (
            ("Layerwise", pr.Layerwise(), None, ("conv 8-392-784-784", "1600-400-800")),
            ("Layerwise(LayerL1)", pr.Layerwise(pr.LayerL1()), None, ("200-400-800",)),
            ("Layerwise(LayerRelaxed)", pr.Layerwise(pr.LayerRelaxed(0.1)), None, ("1600-400-800",)),
            ("Descent", pr.Descent(), None, ("200-400-800", "1600-400-800")),
            ("GradientDescent", pr.GradientDescent(step=0.01, iterations=10**6), None, ("200-400-800",)),
            ("ProjectedGradient", pr.ProjectedGradient(iterations=1000), None, ("200-400-800",)),
            ("Hybrid", pr.Hybrid(), None, ("200-400-800", "1600-400-800", "conv 8-400-800-400")),
            ("Exact(inf)", pr.Exact("inf"), None, ("conv 8-400-800-400", "1600-400-800", "digit")),
            ("Exact(inf), scip", pr.Exact("inf"), "scip", ("digit",)),
            ("Exact(1)", pr.Exact(1), None, ("1200-60-40", "200-400-800", "20-100-500", "digit")),
            ("Exact(1), scip", pr.Exact(1), "scip", ("1200-60-40", "20-100-500")),
            ("Exact(2)", pr.Exact(2), None, ("1200-60-40", "20-100-500", "conv 8-400-800-400")),
            ("Exact(2), highs", pr.Exact(2), "highs", ("20-100-500",)),
            ("Exact(1, bounds=crown)", pr.Exact(1, bounds="crown"), None, ("20-100-500", "200-400-800")),
            ("Exact(1, sos1)", pr.Exact(1, "sos1"), None, ("20-100-500",)),
            ("Exact(2, indicator)", pr.Exact(2, "indicator"), None, ("20-100-500",)),
            ("Exact(1, tube)", pr.Exact(1, tube=0.12), None, ("20-100-500", "1200-60-40")),
            ("Exact(then=2)", pr.Exact(then=2), None, ("20-100-500", "digit")),
        )
        for network in networks
    ),
    Route("extent(Exact(1))", "20-100-500", extent),
    Route("extent(Exact(1))", "1200-60-40", extent),
    Route("preimage", "6-30-12", preimage),
    Route("preimage", "1200-60-40", preimage),
    Route("preimage, components and convexity: a limit each", "6-30-12", preimage_asked, times=4),
    Route("prove_bound", "20-100-500", proof),
    Route("prove_bound", "1200-60-40", proof),
    Route("check_preimage_convexity", "6-30-12", convexity),
    Route("check_preimage_convexity", "1200-60-40", convexity),
    Route("decide", "6-30-12", decision),
    Route("invert_many, three rows", "20-100-500", many, times=3),
    Route(
        "$ invert --method exact --norm 1",
        "20-100-500",
        command("invert", "--method", "exact", "--norm", "1"),
        is_command=True,
    ),
    Route(
        "$ invert --method exact --norm inf",
        "1600-400-800",
        command("invert", "--method", "exact", "--norm", "inf"),
        is_command=True,
    ),
    Route(
        "$ invert --method exact --extent",
        "20-100-500",
        command("invert", "--method", "exact", "--norm", "1", "--extent"),
        is_command=True,
    ),
    Route("$ invert --method layerwise", "conv 8-392-784-784", command("invert"), is_command=True),
    Route("$ invert --method hybrid", "1600-400-800", command("invert", "--method", "hybrid"), is_command=True),
    Route(
        "$ invert-many --method exact",
        "20-100-500",
        command("invert-many", "--method", "exact", "--norm", "1"),
        2,
        True,
    ),
    Route("$ preimage", "6-30-12", command("preimage", "--tol", "0.3"), times=3, is_command=True),
    Route("$ prove", "20-100-500", command("prove", "--norm", "1"), times=2, is_command=True),
    Route("$ convexity", "6-30-12", command("convexity"), is_command=True),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limits", type=float, nargs="+", default=list(LIMITS))
    parser.add_argument("--only", default="", help="routes whose name or network holds this")
    parser.add_argument("--cpu", action="store_true", help="judge CPU seconds: for a machine that is busy")
    parser.add_argument("--at-most", type=float, default=120.0, help="seconds after which a run is killed")
    parser.add_argument("--out", type=Path, default=None, help="a JSON line a run")
    parser.add_argument("--run", nargs=2, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run is not None:
        print(LAST + json.dumps(timed(ROUTES[int(arguments.run[0])], float(arguments.run[1]))))
        return
    chosen = [i for i, route in enumerate(ROUTES) if arguments.only in f"{route.name} on {route.network}"]
    bad = 0
    print(f"{'route':50s} {'network':20s} {'limit':>5s} {'wall':>7s} {'CPU':>7s} {'over':>6s}  ended")
    for i in chosen:
        for limit in arguments.limits:
            line = run(i, limit, arguments.at_most)
            route = ROUTES[i]
            over = line["cpu" if arguments.cpu else "wall"] - 1.1 * limit * route.times
            faults = ["over"] if over > 1.0 else []
            faults += [f"no {what}" for what in ("code", "bound") if line.get(what) is False]
            bad += bool(faults)
            print(
                f"{route.name:50s} {route.network:20s} {limit:5.1f} {line['wall']:7.2f} {line['cpu']:7.2f} {over:6.2f}"
                f"  {line['status']} {'FAIL: ' + ', '.join(faults) if faults else ''}",
                flush=True,
            )
            if arguments.out is not None:
                with arguments.out.open("a") as log:
                    entry = {"route": route.name, "network": route.network, "limit": limit, **line, "faults": faults}
                    print(json.dumps(entry), file=log)
    print(f"{len(chosen) * len(arguments.limits)} runs, {bad} with faults")
    sys.exit(bool(bad))


def run(number: int, limit: float, seconds: float) -> dict[str, Any]:
    """Time a route in a process of its own."""
    before = _seconds()[1]
    asked = [sys.executable, "-W", "ignore", __file__, "--run", str(number), str(limit)]
    try:
        ran = subprocess.run(asked, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return {"wall": seconds, "cpu": _seconds()[1] - before, "status": "killed, start-up included", "code": False}
    said = [line for line in ran.stdout.splitlines() if line.startswith(LAST)]
    if not said:
        last = (ran.stderr.splitlines() or ["nothing was printed"])[-1]
        return {"wall": 0.0, "cpu": 0.0, "status": f"failed: {last}", "code": False}
    found: dict[str, Any] = json.loads(said[-1].removeprefix(LAST))
    return found


def timed(route: Route, limit: float) -> dict[str, Any]:
    data = NETWORKS[route.network]()
    small = _seconds()
    route.call(NETWORKS["tiny"](), 60.0)
    small = [after - before for before, after in zip(small, _seconds(), strict=True)]
    begun = _seconds()
    try:
        answer = route.call(data, limit)
    except pr.PyomoReluError as error:
        answer = told(f"{type(error).__name__}: {error}", False, None)
    wall, cpu = (after - before for before, after in zip(begun, _seconds(), strict=True))
    spared = small if route.is_command else [0.0, 0.0]
    return {"wall": max(0.0, wall - spared[0]), "cpu": max(0.0, cpu - spared[1]), **answer}


def _seconds() -> list[float]:
    """Return seconds of wall clock, and of CPU, children included."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return [time.perf_counter(), sum(u.ru_utime + u.ru_stime for u in used)]


if __name__ == "__main__":
    main()
