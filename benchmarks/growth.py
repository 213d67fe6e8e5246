"""How the cost of exact inversion grows with the code, the width, the depth and the noise, and where it stops.

    python benchmarks/growth.py --seeds 3 --time-limit 60 --out results/

The instances are those of `exact.py`, each in a process of its own. What is written: a JSON line a run, as it is
done, so that a second call continues; a table of medians; and a picture, in which a hollow mark is a size at which less
than half of the seeds were proved.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from exact import in_process_of_its_own

SERIES = {
    "code k, network k-4k-30k": [((k, 4 * k, 30 * k), 0.01, k) for k in (5, 10, 20, 30, 40)],
    "outputs n, network 20-60-n": [((20, 60, n), 0.01, n) for n in (120, 200, 400, 784, 1600)],
    "depth, widths 5-20-40-80-160-320": [((5, 20, 40, 80, 160, 320)[: d + 1], 0.01, d) for d in (1, 2, 3, 4, 5)],
    "noise, network 20-60-784": [((20, 60, 784), noise, noise) for noise in (0.001, 0.003, 0.01, 0.03, 0.1)],
}
NORMS = ("inf", 1, 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=Path("results"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "growth.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    known = {(row["series"], row["at"], str(row["norm"]), row["seed"]) for row in rows}
    with path.open("a") as log:
        for seed in range(arguments.seeds):
            for series, points in SERIES.items():
                for sizes, noise, at in points:
                    for norm in NORMS:
                        if (series, at, str(norm), seed) in known:
                            continue
                        case = {
                            "method": "pyomo-relu",
                            "sizes": list(sizes),
                            "norm": norm,
                            "noise": noise,
                            "kind": "uniform",
                            "seed": seed,
                            "time_limit": arguments.time_limit,
                        }
                        rows.append({"series": series, "at": at, **in_process_of_its_own(case)})
                        print(json.dumps(rows[-1]), file=log, flush=True)
    medians = list(summary(rows))
    table = "\n".join(
        f"{s:36}{at:8g}  p={norm:4}proved {share:4.0%}  cpu {cpu:7.2f} s" for s, at, norm, share, cpu in medians
    )
    (arguments.out / "growth.txt").write_text(table + "\n")
    print(table)
    draw(medians, arguments.out / "growth.png")


def summary(rows):
    """Yield (series, point, norm, share proved, median CPU seconds)."""
    for series, points in SERIES.items():
        for norm in NORMS:
            for _, _, at in points:
                group = [r for r in rows if (r["series"], r["at"], str(r["norm"])) == (series, at, str(norm))]
                times = [row["cpu"] for row in group if row["cpu"] is not None]
                if times:
                    share = sum(row["status"] == "optimal" for row in group) / len(group)
                    yield series, at, str(norm), share, statistics.median(times)


def draw(medians, path):
    """Draw CPU seconds against each quantity, a line a norm."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6.5), layout="constrained")
    for axes, series in zip(figure.subplots(2, 2, sharey=True).flat, SERIES, strict=True):
        for norm, colour in zip(NORMS, ("#1b6ca8", "#c0562f", "#4a8f3c"), strict=True):
            line = [(at, share, cpu) for s, at, n, share, cpu in medians if (s, n) == (series, str(norm))]
            axes.plot([p[0] for p in line], [p[2] for p in line], color=colour, label=f"p = {norm}")
            for at, share, cpu in line:
                axes.plot(at, cpu, "o", color=colour, markerfacecolor=colour if share >= 0.5 else "white")
        name, _, network = series.partition(", ")
        axes.set(xlabel=name, title=network, yscale="log")
        if not name.startswith("depth"):
            axes.set_xscale("log")
        points = [at for _, _, at in SERIES[series]]
        axes.set_xticks(points, [f"{at:g}" for at in points])
        axes.minorticks_off()
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("CPU seconds")
    figure.axes[2].set_ylabel("CPU seconds")
    figure.axes[0].legend(frameon=False)
    FigureCanvasAgg(figure).print_png(str(path))


if __name__ == "__main__":
    main()
