"""Same work, same answer, whatever the load: a set of calls on an idle machine, and again beside busy processes.

    python benchmarks/load.py --busy 6

No call has a time limit. Each runs in a process of its own, first with nothing beside it, then with `--busy` processes
that compute without end; codes, bounds, statuses, claims, cells and trees must be equal bit for bit, everything but
seconds. A line a call with CPU and wall-clock seconds of both; what differs is named. Exit code 1 where anything does.
An idle machine is one where nothing else runs: on a busy one both runs are loaded, and only unlike loads can differ.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

import numpy as np

import pyomo_relu as pr
from pyomo_relu.certified import checker
from pyomo_relu.generator import mnist_generator, mnist_latents
from reductions import check_preimage_convexity, decide, random_cnf

LAST = "answer: "
BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(i * i for i in range(10**5))"
"""Until whoever has started it is gone."""


def noisy(sizes: tuple[int, ...], seed: int, noise: float) -> tuple[pr.Network, np.ndarray]:
    """Return a random network and a noisy output of it; none is negative, which would bound the residual by itself."""
    net, rng = pr.Network.random(sizes, seed=seed), np.random.default_rng([seed, 3])
    x = net(rng.uniform(-1.0, 1.0, sizes[0])) + rng.uniform(-noise, noise, sizes[-1])
    return net, np.maximum(x, 0.0)


def inverted(sizes: tuple[int, ...], seed: int, noise: float, method: Any, solver: str | None = None) -> Any:
    net, x = noisy(sizes, seed, noise)
    return plain(pr.invert(net, x, method, box=(-3, 3), solver=solver).to_dict())


def digit(number: int, method: Any) -> Any:
    net, rng = mnist_generator(), np.random.default_rng([number, 7])
    x = net(mnist_latents()[number]) + 0.1 * rng.uniform(-1.0, 1.0, net.n_out)
    return plain(pr.invert(net, x, method, box=(-4, 4)).to_dict())


def extents(norm: Any) -> Any:
    net, x = noisy((3, 12, 20), 5, 0.05)
    found = pr.extent(net, x, pr.Exact(norm), box=(-3, 3))
    return plain({**found.to_dict(), "result": found.result.to_dict()})


def preimages(tol: float) -> Any:
    net = pr.Network.random((3, 10, 4), seed=2)
    return plain(pr.preimage(net, net(np.array([0.4, -0.7, 1.1])), (-3, 3), tol).to_dict())


def proofs(noise: float) -> Any:
    net, x = noisy((5, 20, 40), 2, noise)
    best = pr.invert(net, x, pr.Exact(1), box=(-3, 3))
    proof = pr.prove_bound(net, x, best.residual * (1 - 1e-6), (-3, 3), 1, code=best.z, seconds=600.0)
    return plain({"status": proof.status.value, "leaves": proof.leaves, "proof": proof.certificate,
                  "checked": None if proof.certificate is None else str(checker.check(proof.certificate))})  # fmt: skip


def decided(reduction: str, solver: str) -> Any:
    return [plain(decide(random_cnf(12, 50, seed=seed), reduction, solver).to_dict()) for seed in range(4)]


def convex() -> Any:
    net = pr.Network.random((3, 8, 3), seed=4)
    found = check_preimage_convexity(net, net(np.array([0.5, -0.2, 0.3])), (-2, 2))
    pair = None if found.exact is None else [[str(v) for v in z] for z in found.exact]
    return [str(found.verdict), pair, str(found.certificate), found.status.value, found.least]


def many() -> Any:
    net, rng = pr.Network.random((4, 20, 60), seed=4), np.random.default_rng(0)
    X = net(rng.normal(size=(12, 4))) + rng.uniform(-0.05, 0.05, (12, 60))
    batch = pr.invert_many(net, X, pr.Exact(1), pr.Processes(2), box=(-3, 3), chunk=1, progress=False)
    return [plain(answer.to_dict()) for answer in batch]


CALLS: dict[str, Callable[[], Any]] = {
    "layerwise linf": lambda: inverted((10, 60, 200), 0, 0.1, pr.Layerwise()),
    "layerwise l1": lambda: inverted((10, 60, 200), 0, 0.1, pr.Layerwise(pr.LayerL1())),
    "descent": lambda: inverted((10, 60, 200), 0, 0.1, pr.Descent()),
    "hybrid 2": lambda: inverted((10, 60, 200), 0, 0.1, pr.Hybrid()),
    **{
        f"exact {norm} {sizes} noise {noise} {solver}": lambda sizes=sizes, norm=norm, noise=noise, solver=solver: (
            inverted(sizes, 2, noise, pr.Exact(norm), solver)
        )
        for norm, sizes, noise, solver in (
            ("inf", (10, 40, 80), 0.3, None),
            ("inf", (10, 40, 80), 0.3, "scip"),
            (1, (5, 20, 40), 0.1, None),
            (1, (5, 20, 40), 0.1, "scip"),
            (1, (10, 40, 80), 0.01, None),
            (2, (5, 20, 40), 0.1, None),
            (2, (5, 15, 25), 0.1, "highs"),
            (2, (10, 40, 80), 0.01, None),
        )
    },
    "tube 1": lambda: inverted((5, 20, 40), 1, 0.1, pr.Exact(1, tube=0.12)),
    "then 2": lambda: inverted((5, 20, 40), 1, 0.1, pr.Exact(then=2)),
    "sos1": lambda: inverted((5, 20, 40), 1, 0.1, pr.Exact(1, encoding="sos1")),
    "crown": lambda: inverted((5, 15, 25), 1, 0.1, pr.Exact("inf", bounds="crown")),
    "digit 3, inf": lambda: digit(3, pr.Exact("inf")),
    "digit 8, inf": lambda: digit(8, pr.Exact("inf")),
    "extent inf": lambda: extents("inf"),
    "extent 1": lambda: extents(1),
    "preimage": lambda: preimages(0.0),
    "preimage, tol 0.1": lambda: preimages(0.1),
    "prove 1, noise 0.03": lambda: proofs(0.03),
    "decide three-sat, scip": lambda: decided("three-sat", "scip"),
    "decide depth-two, highs": lambda: decided("depth-two", "highs"),
    "convexity": convex,
    "invert_many, Exact(1), two workers": many,
}


def plain(value: Any) -> Any:
    """Return plain JSON types, numbers as they are bit for bit, without seconds."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items() if "seconds" not in key}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value.hex() if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busy", type=int, default=3 * (os.cpu_count() or 2), help="processes beside the second run")
    parser.add_argument("--repeats", type=int, default=1, help="runs under load")
    parser.add_argument("--only", default="", help="calls whose name holds this")
    parser.add_argument("--at-most", type=float, default=900.0, help="seconds of wall clock a call")
    parser.add_argument("--json", type=Path, default=None, help="where to write a line a call")
    parser.add_argument("--answer", default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.answer is not None:
        print(LAST + json.dumps(answered(arguments.answer)))
        return
    names = [name for name in CALLS if arguments.only in name]
    idle = {name: run(name, arguments.at_most) for name in names}
    differ, rows = [], []
    for repeat in range(arguments.repeats):
        with beside(arguments.busy):
            for name in names:
                first, second = idle[name], run(name, arguments.at_most)
                where = list(differences(first["answer"], second["answer"]))
                differ += [name] if where else []
                rows.append(
                    {
                        "call": name,
                        "repeat": repeat,
                        "differs": where[:10],
                        "idle": _times(first),
                        "busy": _times(second),
                    }
                )
                told = f"DIFFERS in {len(where)} places, such as {where[:3]}" if where else "same"
                print(f"{name:44s} idle {_times(first)} busy {_times(second)} {told}", flush=True)
    if arguments.json is not None:
        arguments.json.write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(f"{len(names)} calls, {arguments.repeats} times beside {arguments.busy} busy processes: {len(differ)} differ")
    sys.exit(bool(differ))


def answered(name: str) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    answer = CALLS[name]()
    return {"answer": answer, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def run(name: str, seconds: float) -> dict[str, Any]:
    """Run a call in a process of its own."""
    command = [sys.executable, "-W", "ignore", __file__, "--answer", name]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return {"answer": "not done in time", "wall": seconds, "cpu": None}
    said = [line for line in ran.stdout.splitlines() if line.startswith(LAST)]
    if not said:
        last = (ran.stderr.splitlines() or ["nothing was printed"])[-1]
        return {"answer": f"failed: {last}", "wall": None, "cpu": None}
    found: dict[str, Any] = json.loads(said[-1].removeprefix(LAST))
    return found


def _times(found: dict[str, Any]) -> list[float | None]:
    return [None if found[key] is None else round(found[key], 2) for key in ("cpu", "wall")]


@contextmanager
def beside(count: int) -> Iterator[None]:
    """Keep processes busy for the time of the block."""
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Yield the places in which two answers differ."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from differences(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from differences(a, b, f"{path}[{i}]")
    elif one != other:
        yield f"{path}: {_short(one)} != {_short(other)}"


def _short(value: Any) -> str:
    try:
        return repr(float.fromhex(value))
    except (TypeError, ValueError):
        return repr(value)[:80]


if __name__ == "__main__":
    main()
