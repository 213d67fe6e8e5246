"""Exact inversion, side by side: pyomo-relu, its own plain big-M, OMLT, PySCIPOpt-ML and gurobi-ml.

    python benchmarks/exact.py --sizes 10-40-80 20-60-784 --seeds 5 --time-limit 60 --out results/

Each run is a process of its own, one thread, with the same seeded instance (Gaussian weights, zero bias,
box [-3, 3]) and the same time limit. What is written: a JSON line a run, a table of medians, and a picture of
the instances solved over time. The residual is that of a forward pass; time is the CPU seconds of the process,
with what it took to build the model, without imports. The peers: ``pip install '.[bench]'``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import itertools

import numpy as np

import pyomo_relu as pr

BOX = 3.0


def instance(sizes, noise, kind, seed):
    """Return (network, observation, true code)."""
    rng = np.random.default_rng(1000 * seed + 17)
    weights = [rng.normal(0.0, n_in**-0.5, (n_out, n_in)) for n_in, n_out in itertools.pairwise(sizes)]
    net = pr.Network.from_arrays(weights)
    truth = np.clip(rng.normal(size=sizes[0]), -BOX, BOX)
    draw = rng.uniform(-1.0, 1.0, sizes[-1]) if kind == "uniform" else rng.normal(size=sizes[-1])
    return net, net(truth) + noise * draw, truth


def ours(net, x, norm, limit, solver=None, bounds="observed"):
    result = pr.invert(
        net, x, pr.Exact(norm, bounds=bounds), box=(-BOX, BOX), solver=pr.Solver(solver, time_limit=limit, threads=1)
    )
    return result.status.value, result.z, result.dual_bound


def layerwise(net, x, norm, limit):
    result = pr.invert(net, x, pr.Layerwise(pr.LayerLinf() if norm == "inf" else pr.LayerL1()))
    return result.status.value, result.z, result.dual_bound


def omlt(net, x, norm, limit, solver, formulation):
    from omlt import OmltBlock
    from omlt.neuralnet import FullSpaceNNFormulation, ReluBigMFormulation, ReluPartitionFormulation
    from omlt.neuralnet.layer import DenseLayer, InputLayer
    from omlt.neuralnet.network_definition import NetworkDefinition
    from pyomo.environ import ConcreteModel

    definition = NetworkDefinition(scaled_input_bounds=dict.fromkeys(range(net.n_in), (-BOX, BOX)))
    previous = InputLayer([net.n_in])
    definition.add_layer(previous)
    for layer in net:
        dense = DenseLayer(
            [layer.n_in], [layer.n_out], activation="relu", weights=layer.weight.T.copy(), biases=layer.bias.copy()
        )
        definition.add_layer(dense)
        definition.add_edge(previous, dense)
        previous = dense
    model = ConcreteModel()
    model.nn = OmltBlock()
    writer = {"big-m": ReluBigMFormulation, "partition": ReluPartitionFormulation, "full": FullSpaceNNFormulation}
    model.nn.build_formulation(writer[formulation](definition))
    code, outputs = list(model.nn.inputs.values()), list(model.nn.outputs.values())
    return _finish_pyomo(model, code, outputs, x, norm, limit, solver)


def _finish_pyomo(model, code, outputs, x, norm, limit, solver):
    from pyomo.environ import Constraint, NonNegativeReals, Objective, Var, value

    from pyomo_relu.solvers import Capability, solve

    rows = range(len(x))
    model.e = Var(rows if norm == 1 else [0], domain=NonNegativeReals)
    own = (lambda j: model.e[j]) if norm == 1 else (lambda j: model.e[0])
    model.above = Constraint(rows, rule=lambda _, j: outputs[j] - float(x[j]) <= own(j))
    model.below = Constraint(rows, rule=lambda _, j: float(x[j]) - outputs[j] <= own(j))
    model.cost = Objective(expr=sum(model.e.values()))
    outcome = solve(model, pr.Solver(solver, time_limit=limit, threads=1), frozenset({Capability.MILP}))
    z = np.array([value(v) for v in code]) if outcome.has_solution else None
    return outcome.status.value, z, outcome.bound


def pyscipopt_ml(net, x, norm, limit):
    import pyscipopt
    from pyscipopt_ml.sklearn import add_mlp_regressor_constr

    model = pyscipopt.Model()
    model.hideOutput()
    model.setParam("limits/time", limit)
    model.setParam("timing/clocktype", 1)
    code = np.array([[model.addVar(lb=-BOX, ub=BOX) for _ in range(net.n_in)]])
    output = np.array([[model.addVar(lb=None, ub=None) for _ in range(net.n_out)]])
    add_mlp_regressor_constr(model, _as_sklearn(net), code, output, formulation="bigm")
    top = [model.addVar(lb=0.0) for _ in range(net.n_out if norm == 1 else 1)]
    for j in range(net.n_out):
        final = model.addVar(lb=0.0)
        _scip_relu(model, output[0, j], final)
        e = top[j if norm == 1 else 0]
        model.addCons(final - float(x[j]) <= e)
        model.addCons(float(x[j]) - final <= e)
    model.setObjective(pyscipopt.quicksum(top))
    model.optimize()
    z = np.array([model.getVal(v) for v in code[0]]) if model.getNSols() else None
    return model.getStatus(), z, model.getDualbound()


def _scip_relu(model, t, h):
    slack = model.addVar(lb=0.0)
    model.addCons(h - slack == t)
    model.addConsSOS1([h, slack])


def gurobi_ml(net, x, norm, limit):
    import gurobipy
    from gurobi_ml.sklearn import add_mlp_regressor_constr

    with gurobipy.Env(params={"OutputFlag": 0}) as env, gurobipy.Model(env=env) as model:
        model.Params.TimeLimit, model.Params.Threads = limit, 1
        code = model.addMVar((1, net.n_in), lb=-BOX, ub=BOX)
        output = model.addMVar((1, net.n_out), lb=-gurobipy.GRB.INFINITY)
        try:
            add_mlp_regressor_constr(model, _as_sklearn(net), code, output)
            final = model.addMVar((1, net.n_out), lb=0.0)
            for j in range(net.n_out):
                model.addGenConstrMax(final[0, j].item(), [output[0, j].item()], 0.0)
            top = model.addMVar(net.n_out if norm == 1 else 1, lb=0.0)
            model.addConstr(final[0] - x <= top)
            model.addConstr(x - final[0] <= top)
            model.setObjective(top.sum())
            model.optimize()
        except gurobipy.GurobiError as error:
            return f"refused: {error}".splitlines()[0], None, None
        z = code.X[0] if model.SolCount else None
        return ("optimal" if model.Status == 2 else f"status {model.Status}"), z, model.ObjBound


def _as_sklearn(net):
    from sklearn.neural_network import MLPRegressor

    hidden = [layer.n_out for layer in net.layers[:-1]]
    regressor = MLPRegressor(hidden_layer_sizes=hidden, activation="relu", max_iter=1)
    rng = np.random.default_rng(0)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        regressor.fit(rng.normal(size=(4, net.n_in)), rng.normal(size=(4, net.n_out)))
    regressor.coefs_ = [layer.weight.T.copy() for layer in net]
    regressor.intercepts_ = [layer.bias.copy() for layer in net]
    return regressor


METHODS = {
    "pyomo-relu": ours,
    "layer-wise LP": layerwise,
    "plain big-M, HiGHS": lambda *a: ours(*a, solver="highs", bounds="interval"),
    "plain big-M, SCIP": lambda *a: ours(*a, solver="scip", bounds="interval"),
    "OMLT big-M, HiGHS": lambda *a: omlt(*a, "highs", "big-m"),
    "OMLT big-M, SCIP": lambda *a: omlt(*a, "scip", "big-m"),
    "OMLT partition, HiGHS": lambda *a: omlt(*a, "highs", "partition"),
    "PySCIPOpt-ML": pyscipopt_ml,
    "gurobi-ml": gurobi_ml,
}


def cpu_seconds():
    """Return the CPU seconds of this process and its children."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def run_one(case):
    """Run one case in this process and print its JSON line."""
    METHODS[case["method"]](*instance((1, 2, 2), 0.1, "uniform", 0)[:2], case["norm"], 5.0)  # imports are not timed
    net, x, truth = instance(case["sizes"], case["noise"], case["kind"], case["seed"])
    before = cpu_seconds()
    status, z, bound = METHODS[case["method"]](net, x, case["norm"], case["time_limit"])
    used = cpu_seconds() - before
    p = np.inf if case["norm"] == "inf" else case["norm"]
    residual = None if z is None else float(np.linalg.norm(net(z) - x, p))
    bound = None if bound is None or not np.isfinite(bound) or abs(bound) > 1e19 else float(bound)
    return {
        **case,
        "status": status,
        "residual": residual,
        "bound": bound,
        "gap": None if residual is None or bound is None else max(0.0, (residual - bound) / max(residual, 1e-9)),
        "z_error": None if z is None else float(np.linalg.norm(z - truth) / np.linalg.norm(truth)),
        "cpu": used,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["10-40-80", "10-50-250", "20-60-784", "20-100-500"])
    parser.add_argument("--noise", nargs="+", type=float, default=[0.01, 0.1])
    parser.add_argument("--kind", choices=["uniform", "gaussian"], default="uniform")
    parser.add_argument("--norms", nargs="+", default=["inf"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(run_one(json.loads(arguments.case))))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = []
    with (arguments.out / "exact.jsonl").open("a") as log:
        for case in cases(arguments):
            rows.append(in_process_of_its_own(case))
            print(json.dumps(rows[-1]), file=log, flush=True)
            print(summary([rows[-1]])[0], flush=True)
    table = "\n".join(summary(rows))
    (arguments.out / "exact.txt").write_text(table + "\n")
    print("\n" + table)
    draw(rows, arguments.out / "exact.png")


def cases(arguments):
    for size in arguments.sizes:
        for norm in arguments.norms:
            for noise in arguments.noise:
                for seed in range(arguments.seeds):
                    for method in arguments.methods:
                        yield {
                            "method": method,
                            "sizes": [int(n) for n in size.split("-")],
                            "norm": norm if norm == "inf" else int(norm),
                            "noise": noise,
                            "kind": arguments.kind,
                            "seed": seed,
                            "time_limit": arguments.time_limit,
                        }


def in_process_of_its_own(case):
    command = [sys.executable, __file__, "--case", json.dumps(case)]
    limit = 3 * case["time_limit"] + 60
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {
            **case,
            "status": f"killed after {limit:g} s",
            "residual": None,
            "bound": None,
            "gap": None,
            "cpu": limit,
        }
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {**case, "status": f"failed: {last}", "residual": None, "bound": None, "gap": None, "cpu": None}
    return json.loads(done.stdout.splitlines()[-1])


def summary(rows):
    """One line for every (method, size, norm, noise): how many were proved, medians of time, residual and gap."""
    groups = {}
    for row in rows:
        key = (tuple(row["sizes"]), str(row["norm"]), row["noise"], row["method"])
        groups.setdefault(key, []).append(row)
    lines = []
    for (sizes, norm, noise, method), group in groups.items():
        proved = sum(row["status"] == "optimal" for row in group)
        middle = {
            name: statistics.median([row[name] for row in group if row.get(name) is not None] or [float("nan")])
            for name in ("cpu", "residual", "bound", "gap")
        }
        lines.append(
            f"{'-'.join(map(str, sizes)):14} p={norm:4}{noise:<6g} {method:22} proved {proved}/{len(group)}  "
            f"cpu {middle['cpu']:7.2f} s  residual {middle['residual']:.6g}  bound {middle['bound']:.6g}  "
            f"gap {middle['gap']:.2%}  {group[0]['status'] if proved < len(group) else ''}"
        )
    return lines


def draw(rows, path):
    """Draw how many instances each method has proved within a time."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for method in dict.fromkeys(row["method"] for row in rows):
        times = sorted(row["cpu"] for row in rows if row["method"] == method and row["status"] == "optimal")
        if times:
            axes.step(
                [*times, rows[0]["time_limit"]], [*range(1, len(times) + 1), len(times)], where="post", label=method
            )
    axes.set(xscale="log", xlabel="CPU seconds", ylabel="instances proved optimal")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure).print_png(str(path))


if __name__ == "__main__":
    main()
