"""What Pyomo costs: one layer's LP from arrays to solution, beside raw HiGHS and other ways to write it.

    python benchmarks/models.py --sizes 500x100 784x60 2000x500 --repeats 5 --out results/

The LP is Algorithm 1's at the noise level. Each way builds it from the arrays, hands it over and solves it, in
turns within one run; medians of CPU seconds, and as ratios to raw highspy with the same algorithm. Then the
loops: ten tolerances of one observation, and observations of one layer. Memory: the peak of a process of its own.
What was measured is appended to models.jsonl, and the picture is of all that is in it.
The peers: ``pip install '.[bench]'``; those that are not installed are left out, and said to be.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import highspy
import numpy as np

from pyomo_relu.formulations.layer_linf import LayerLinf
from pyomo_relu.formulations.layer_rows import LayerRows
from pyomo_relu.layer import Layer
from pyomo_relu.solvers import Capability, Session, Solver, solve
from pyomo_relu.solvers.highs_interface import LONG_ROWS

LP = frozenset({Capability.LP})
EPS = 0.02


def instance(n, k, seed=0):
    """Return (layer, observation): Gaussian weights, uniform noise of up to 0.01."""
    rng = np.random.default_rng(seed)
    layer = Layer(rng.normal(0.0, k**-0.5, (n, k)))
    return layer, observe(layer, rng)


def observe(layer, rng):
    return layer(rng.normal(size=layer.n_in)) + rng.uniform(-0.01, 0.01, layer.n_out)


def arrays(layer, x, eps):
    """Return (A, row lower, row upper, least d) of the LP ``min d`` over (z, d)."""
    on, one = x > eps, np.ones((layer.n_out, 1))
    matrix = np.vstack([np.hstack([layer.weight, -one]), np.hstack([layer.weight[on], one[on]])])
    lower = np.concatenate([np.full(layer.n_out, -np.inf), x[on]])
    upper = np.concatenate([x, np.full(on.sum(), np.inf)])
    return matrix, lower, upper, float(layer.activation.sign_bound(x).max())


def algorithm(layer):
    return "ipx" if layer.n_in >= LONG_ROWS else "simplex"


def raw(layer, x, eps=EPS):
    """highspy as its documentation uses it: a HighsLp, passModel, run."""
    matrix, lower, upper, least = arrays(layer, x, eps)
    (m, n), lp = matrix.shape, highspy.HighsLp()
    lp.num_row_, lp.num_col_ = m, n
    lp.col_cost_ = np.append(np.zeros(n - 1), 1.0)
    lp.col_lower_, lp.col_upper_ = np.append(np.full(n - 1, -np.inf), least), np.full(n, np.inf)
    lp.row_lower_, lp.row_upper_ = lower, upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = np.arange(0, m * n + 1, n), np.tile(np.arange(n), m)
    lp.a_matrix_.value_ = matrix.ravel()
    highs = highspy.Highs()
    highs.silent()
    highs.setOptionValue("solver", algorithm(layer))
    highs.setOptionValue("primal_feasibility_tolerance", 1e-9)
    highs.passModel(lp)
    highs.run()
    return highs.getInfo().objective_function_value


def ours(layer, x, eps=EPS):
    return solve(LayerLinf().model(layer, x, eps, capped=False), Solver("highs"), LP).objective


def pyomo(layer, x, eps=EPS):
    """Pyomo as it is usually well used: LinearExpression rows without garbage collection, its own ``highs``."""
    from pyomo.common.gc_manager import PauseGC
    from pyomo.contrib.solver.common.factory import SolverFactory
    from pyomo.core.expr import LinearExpression
    from pyomo.environ import ConcreteModel, Constraint, Objective, Var

    matrix, lower, upper, least = arrays(layer, x, eps)
    model = ConcreteModel()
    with PauseGC():
        model.z = Var(range(layer.n_in))
        model.d = Var(bounds=(least, None))
        variables = [*model.z.values(), model.d]
        rows = [LinearExpression(linear_coefs=row, linear_vars=variables) for row in matrix.tolist()]
        low = [None if v == -np.inf else v for v in lower.tolist()]
        high = [None if v == np.inf else v for v in upper.tolist()]
        model.rows = Constraint(range(len(rows)), rule=lambda _, i: (low[i], rows[i], high[i]))
        model.cost = Objective(expr=model.d)
        options = {"solver": algorithm(layer), "primal_feasibility_tolerance": 1e-9}
        return SolverFactory("highs").solve(model, solver_options=options).incumbent_objective


def scipy(layer, x, eps=EPS):
    from scipy.optimize import linprog

    matrix, lower, upper, least = arrays(layer, x, eps)
    above = np.isfinite(upper)
    rows, right = np.vstack([matrix[above], -matrix[~above]]), np.concatenate([upper[above], -lower[~above]])
    bounds = [(None, None)] * layer.n_in + [(least, None)]
    method = "highs-ipm" if algorithm(layer) == "ipx" else "highs-ds"
    return linprog(np.append(np.zeros(layer.n_in), 1.0), rows, right, bounds=bounds, method=method).fun


def cvxpy(layer, x, eps=EPS):
    import cvxpy as cp

    z, d, on = cp.Variable(layer.n_in), cp.Variable(), x > eps
    least = float(layer.activation.sign_bound(x).max())
    rows = [layer.weight @ z - d <= x, layer.weight[on] @ z + d >= x[on], d >= least]
    return cp.Problem(cp.Minimize(d), rows).solve(solver=cp.HIGHS, highs_options={"solver": algorithm(layer)})


def linopy(layer, x, eps=EPS):
    import linopy
    import xarray

    on = x > eps
    model = linopy.Model()
    z = model.add_variables(coords=[range(layer.n_in)], dims=["i"], name="z")
    d = model.add_variables(lower=float(layer.activation.sign_bound(x).max()), name="d")
    weight = xarray.DataArray(layer.weight, dims=["j", "i"])
    model.add_constraints((weight * z).sum("i") - d <= xarray.DataArray(x, dims=["j"]), name="upper")
    weight = xarray.DataArray(layer.weight[on], dims=["l", "i"])
    model.add_constraints((weight * z).sum("i") + d >= xarray.DataArray(x[on], dims=["l"]), name="lower")
    model.add_objective(1 * d)
    model.solve("highs", io_api="direct", solver=algorithm(layer), output_flag=False, log_to_console=False)
    return model.objective.value


WAYS = {"highspy": raw, "pyomo-relu": ours, "Pyomo highs": pyomo, "SciPy": scipy, "CVXPY": cvxpy, "linopy": linopy}
NEEDS = {"CVXPY": "cvxpy", "linopy": "linopy"}


def ten_steps(layer, x):
    """Ten tolerances of one observation: by a session, and each rebuilt with Pyomo's ``highs``."""
    grid = np.geomspace(0.01, 0.05, 10).tolist()
    rows = LayerRows(layer, np.ones((layer.n_out, 1)))

    def session():
        model = LayerLinf().model(layer, x, 0.0, capped=False)
        program, found = Session(model, "highs", LP), []
        for eps in grid:
            rows.replace_in(model, x, eps)
            found.append(program.solve().objective)
        return found

    return session, lambda: [pyomo(layer, x, eps) for eps in grid]


def observations(layer, count):
    """Observations of one layer, all outputs on: by a session that changes sides, and each rebuilt with highspy."""
    rng = np.random.default_rng(1)
    many = [observe(layer, rng) for _ in range(count)]
    rows = LayerRows(layer, np.ones((layer.n_out, 1)))

    def session():
        model = LayerLinf().model(layer, np.ones(layer.n_out), 0.0, capped=False)
        program, found = Session(model, "highs", LP), []
        for x in many:
            rows.replace_in(model, x, EPS)
            model.deviation.setlb(float(layer.activation.sign_bound(x).max()))
            found.append(program.solve().objective)
        return found

    return session, lambda: [raw(layer, x) for x in many]


def clock(run):
    started = time.process_time()
    answer = run()
    return time.process_time() - started, answer


def alternating(runs, repeats):
    """Return the median seconds of each run; they take turns, and their answers must agree."""
    spent = {name: [] for name in runs}
    for _ in range(repeats):
        answers = {}
        for name, run in runs.items():
            seconds, answers[name] = clock(run)
            spent[name].append(seconds)
        first = next(iter(answers.values()))
        for name, answer in answers.items():
            if not np.allclose(answer, first, rtol=1e-5, atol=1e-7):
                raise SystemExit(f"{name} found {answer}, not {first}")
    return {name: statistics.median(times) for name, times in spent.items()}


def peak(way, n, k):
    """Return the peak memory in MB of a process of its own, less that of one with a tiny LP."""
    sizes = []
    for shape in ((8, 2), (n, k)):
        command = [sys.executable, __file__, "--peak", way, *map(str, shape)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        sizes.append(int(done.stdout.split()[-1]) / 1024)
    return sizes[1] - sizes[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["500x100", "784x60", "2000x500", "4096x1024"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--observations", type=int, default=100)
    parser.add_argument("--loops", nargs="*", default=["500x100"])
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--peak", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        way, n, k = arguments.peak
        WAYS[way](*instance(int(n), int(k)))
        # Not ru_maxrss: that of a child starts at what its parent has.
        lines = Path("/proc/self/status").read_text().splitlines()
        print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
        return
    missing = [way for way in arguments.ways if way in NEEDS and importlib.util.find_spec(NEEDS[way]) is None]
    ways = {way: WAYS[way] for way in arguments.ways if way not in missing}
    for way in missing:
        print(f"{way} is left out: pip install {NEEDS[way]}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for run in ways.values():
        run(*instance(8, 2))  # imports are not timed
    with (arguments.out / "models.jsonl").open("a") as log:
        for n, k in map(shape_of, arguments.sizes):
            layer, x = instance(n, k)
            seconds = alternating({way: partial(run, layer, x) for way, run in ways.items()}, arguments.repeats)
            memory = {way: peak(way, n, k) for way in ways}
            tell({"n": n, "k": k, "seconds": seconds, "megabytes": memory}, log)
        for n, k in map(shape_of, arguments.loops):
            layer, x = instance(n, k)
            for title, runs in (
                ("ten tolerances", ten_steps(layer, x)),
                (f"{arguments.observations} observations", observations(layer, arguments.observations)),
            ):
                names = ("pyomo-relu", "Pyomo highs" if title.startswith("ten") else "highspy")
                seconds = alternating(dict(zip(names, runs, strict=True)), min(arguments.repeats, 3))
                tell({"loop": title, "n": n, "k": k, "seconds": seconds}, log)
    rows = [json.loads(line) for line in (arguments.out / "models.jsonl").read_text().splitlines()]
    draw([row for row in rows if "loop" not in row], arguments.out / "models.png")


def shape_of(text):
    n, k = text.split("x")
    return int(n), int(k)


def tell(row, log):
    print(json.dumps(row), file=log, flush=True)
    base = row["seconds"].get("highspy")
    print(f"{row.get('loop', 'one LP')}, {row['n']}x{row['k']}")
    for way, seconds in row["seconds"].items():
        ratio = "" if base is None else f"{seconds / base:7.2f}x"
        memory = f"{row['megabytes'][way]:9.0f} MB" if "megabytes" in row else ""
        print(f"  {way:12} {seconds:9.3f} s {ratio}{memory}", flush=True)


def draw(rows, path):
    """Draw the seconds of each way against n k."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    ordered = sorted(rows, key=lambda row: row["n"] * row["k"])
    for way in ordered[0]["seconds"]:
        done = [row for row in ordered if way in row["seconds"]]
        sizes = [row["n"] * row["k"] for row in done]
        bold = 2.5 if way == "pyomo-relu" else 1.2
        axes.plot(sizes, [row["seconds"][way] for row in done], marker="o", linewidth=bold, label=way)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="n k (entries of the layer's matrix)",
        ylabel="CPU seconds: build, hand over, solve",
    )
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure).print_png(str(path))


if __name__ == "__main__":
    main()
