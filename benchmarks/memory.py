"""Does memory stay flat over many inversions in one process? Kilobytes a call, after a warm-up.

    python benchmarks/memory.py --calls 2000

Tiny networks, layer-wise and exact, with each solver that runs here. The slope is that of a line through the resident
memory in the second half of the calls. It is read after every twentieth, when the garbage collector has run: what waits
for it (Pyomo's models refer to themselves) comes and goes. Exit code 1 where a slope is above 1 kB.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from pathlib import Path

import numpy as np

import pyomo_relu as pr

PAGE = os.sysconf("SC_PAGE_SIZE") / 1024.0
MOST, EVERY = 1.0, 20


def resident() -> float:
    """Return the resident memory of this process in kilobytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def slope(method: pr.Layerwise | pr.Exact, solver: str, calls: int) -> tuple[float, float]:
    """Invert `calls` observations; return kilobytes a call in the second half, and milliseconds a call."""
    net, random = pr.Network.random((2, 3, 5), seed=0), np.random.default_rng(1)
    read: list[int] = []
    sizes: list[float] = []
    started = time.process_time()
    for call in range(calls):
        x = net(random.normal(size=2)) + 0.1 * random.uniform(size=5)
        result = pr.invert(net, x, method, box=(-4, 4), solver=solver)
        if result.z is None:
            raise RuntimeError(f"{solver}: {result.status}: {result.message}")
        if call >= calls // 2 and call % EVERY == 0:
            gc.collect()
            read.append(call)
            sizes.append(resident())
    return float(np.polyfit(read, sizes, 1)[0]), 1e3 * (time.process_time() - started) / calls


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--solver", action="append", help="only this one; may be repeated")
    given = parser.parse_args()
    worst = 0.0
    for solver in given.solver or pr.available_solvers():
        for method in (pr.Layerwise(pr.LayerLinf()), pr.Exact(1)):
            kilobytes, milliseconds = slope(method, solver, given.calls)
            worst = max(worst, kilobytes)
            print(
                f"{solver:7} {type(method).__name__:10} {kilobytes:7.3f} kB a call, {milliseconds:6.1f} ms of CPU,"
                f" {resident() / 1024:6.1f} MB at the end",
                flush=True,
            )
    return int(worst > MOST)


if __name__ == "__main__":
    sys.exit(main())
