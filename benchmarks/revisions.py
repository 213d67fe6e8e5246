"""Two checkouts of the package, the same tasks in turn: CPU seconds, and whether they say the same.

    python benchmarks/revisions.py BEFORE AFTER --rounds 7

BEFORE and AFTER are folders of checkouts. Each has a process of its own, which does a task when it is told to, so that
both share one machine's noise; the figures are medians of CPU seconds, and of the ratios of the rounds. What a task
gives (codes, residuals, bounds, statuses, counts) is compared bit by bit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np


def tasks() -> dict[str, Callable[[], Any]]:
    """Return what is timed, by name; each gives what is compared."""
    import pyomo_relu as pr
    from reductions import CNF, ThreeSat, check_preimage_convexity, decide

    def network(*sizes: int, slope: float = 0.0) -> tuple[Any, Any]:
        net = pr.Network.random(sizes, slopes=slope, seed=sizes[-1])
        rng = np.random.default_rng(sizes[-1])
        return net, np.maximum(net(rng.normal(size=sizes[0])) + rng.uniform(-0.05, 0.05, sizes[-1]), 0.0)

    def inversion(method: Any, *sizes: int, slope: float = 0.0) -> Callable[[], Any]:
        net, x = network(*sizes, slope=slope)

        def run() -> Any:
            found = pr.invert(net, x, method, box=(-3.0, 3.0))
            z = None if found.z is None else [value.hex() for value in found.z.tolist()]
            return z, found.residual, found.dual_bound, found.status.value

        return run

    small, seen = network(2, 8, 4)

    def preimage() -> Any:
        found = pr.preimage(small, seen, (-2.0, 2.0), 0.1)
        return len(found.cells), found.n_components, found.complete, [cell.interior.tolist() for cell in found.cells]

    def prove() -> Any:
        found = pr.prove_bound(small, seen, 0.02, (-2.0, 2.0))
        return found.status.value, found.leaves

    rng = np.random.default_rng(5)
    clauses = [tuple(int(v) for v in rng.choice([-1, 1], 3) * (1 + rng.choice(12, 3, False))) for _ in range(50)]

    def decision() -> Any:
        return decide(CNF(12, clauses), ThreeSat(), "highs").status.value

    def convexity() -> Any:
        net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])
        return check_preimage_convexity(net, [1.0], (-3, 3)).status.value

    return {
        "layer-wise, linf, 20-100-500": inversion(pr.Layerwise(pr.LayerLinf()), 20, 100, 500),
        "layer-wise, l1, 10-40-200": inversion(pr.Layerwise(pr.LayerL1()), 10, 40, 200),
        "descent, 10-40-200": inversion(pr.Descent(), 10, 40, 200),
        "exact inf, 10-40-80": inversion(pr.Exact("inf"), 10, 40, 80),
        "exact 1, 4-16-32": inversion(pr.Exact(1), 4, 16, 32),
        "exact 2, 3-12-24": inversion(pr.Exact(2), 3, 12, 24),
        "exact 2, tube, 5-20-40": inversion(pr.Exact(2, tube=0.06), 5, 20, 40),
        "exact inf, then 2, 5-20-40": inversion(pr.Exact("inf", then=2), 5, 20, 40),
        "exact inf, leaky, 5-20-40": inversion(pr.Exact("inf"), 5, 20, 40, slope=0.1),
        "pre-image, 2-8-4": preimage,
        "prove, 2-8-4": prove,
        "decide, 12 variables": decision,
        "convexity": convexity,
    }


def serve() -> None:
    """Do the tasks that standard input names, and tell of each in a line."""
    known = tasks()
    print(json.dumps(list(known)), flush=True)
    for line in sys.stdin:
        cpu = time.process_time()
        found = known[line.strip()]()
        print(json.dumps({"seconds": time.process_time() - cpu, "found": found}, default=str), flush=True)


class Checkout:
    """A process that works with one checkout."""

    def __init__(self, folder: Path) -> None:
        environment = os.environ | {"PYTHONPATH": str(folder), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, __file__, "--serve"]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.names = json.loads(self._line())

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"its process ended with exit code {self.process.wait()}")
        return line

    def run(self, name: str) -> dict[str, Any]:
        """Do a task."""
        assert self.process.stdin is not None
        print(name, file=self.process.stdin, flush=True)
        return dict(json.loads(self._line()))


def compared(
    before: Checkout, after: Checkout, rounds: int, only: str
) -> Iterator[tuple[str, float, float, float, bool]]:
    """Yield each task's medians, its median ratio, and whether both said the same."""
    for name in before.names:
        if only not in name:
            continue
        pairs = [(before.run(name), after.run(name)) for _ in range(rounds + 1)][1:]
        one, other = ([pair[i]["seconds"] for pair in pairs] for i in (0, 1))
        ratio = median(b / a for a, b in zip(one, other, strict=True))
        yield name, median(one), median(other), ratio, all(a["found"] == b["found"] for a, b in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, nargs="?")
    parser.add_argument("after", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="tasks whose name holds this")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return
    before, after = Checkout(arguments.before.resolve()), Checkout(arguments.after.resolve())
    print("| task | before, CPU s | after, CPU s | ratio | the same |\n|---|---|---|---|---|")
    for name, one, other, ratio, same in compared(before, after, arguments.rounds, arguments.only):
        print(f"| {name} | {one:.3f} | {other:.3f} | {ratio:.2f} | {'yes' if same else 'no'} |", flush=True)


if __name__ == "__main__":
    main()
