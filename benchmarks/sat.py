"""SAT by inversion: what the detour through a network costs, beside the direct 0-1 program and a SAT solver.

    python benchmarks/sat.py --folder satlib --out results/

The folder holds DIMACS files (SATLIB's uf20, uf50 and uuf50, say); without ``--folder`` it is satlib in the folder
that PYOMO_RELU_DATA names. For every file and solver, in one process and one thread: ``decide``, and the 0-1 program
with a row a clause, written in Pyomo for the same solver; and PySAT once. Times are CPU seconds, with what it takes to
build the models, the least of the repeats. What is written: a JSON line a run, and a table of medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from pyomo.environ import Binary, ConcreteModel, Constraint, Objective, Var

import pyomo_relu as pr
from pyomo_relu.solvers import Capability, solve
from reductions import CNF, decide, random_cnf
from reductions import solve as ask_pysat

NEEDS = frozenset({Capability.MILP})


def direct(cnf, solver):
    """Return what the solver says of the formula as a 0-1 program."""
    model = ConcreteModel()
    model.x = Var(range(1, cnf.n_variables + 1), domain=Binary)

    def holds(m, j):
        return sum(m.x[i] if i > 0 else 1 - m.x[-i] for i in cnf.clauses[j]) >= 1

    model.clause = Constraint(range(len(cnf.clauses)), rule=holds)
    model.objective = Objective(expr=0.0)
    outcome = solve(model, solver, NEEDS)
    return {"optimal": "sat", "infeasible": "unsat"}.get(outcome.status.value, outcome.status.value)


def timed(call, *arguments, repeats=1):
    """Return an answer and the least CPU seconds that it took."""
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        answer = call(*arguments)
        seconds.append(time.process_time() - started)
    return answer, min(seconds)


def runs(files, solvers, reduction, repeats, limit):
    """Yield a record a file and solver."""
    for file in files:
        cnf = CNF.from_dimacs(file)
        model, pysat = timed(ask_pysat, cnf)
        for name in solvers:
            solver = pr.Solver(name, threads=1, time_limit=limit)
            found, ours = timed(lambda c, s: decide(c, reduction, s), cnf, solver, repeats=repeats)
            said, plain = timed(direct, cnf, solver, repeats=repeats)
            yield {
                "file": file.name, "solver": name, "reduction": reduction,
                "truth": "unsat" if model is None else "sat", "verdict": found.verdict.value, "direct_verdict": said,
                "seconds": ours, "direct_seconds": plain, "pysat_seconds": pysat, "ratio": ours / plain,
            }  # fmt: skip


def table(records):
    """Return the medians as lines of Markdown."""
    lines = ["| family | solver | right | decide, s | direct, s | ratio | PySAT, s |", "|---|---|---|---|---|---|---|"]
    families = sorted({record["file"].split("-")[0] for record in records})
    for family in [*families, "all"]:
        for solver in dict.fromkeys(record["solver"] for record in records):
            own = [r for r in records if r["solver"] == solver and family in ("all", r["file"].split("-")[0])]
            right = sum(r["verdict"] == r["truth"] for r in own)
            middle = {
                key: statistics.median(r[key] for r in own)
                for key in ("seconds", "direct_seconds", "ratio", "pysat_seconds")
            }
            lines.append(
                f"| {family} | {solver} | {right}/{len(own)} | {middle['seconds']:.3f} | "
                f"{middle['direct_seconds']:.3f} | {middle['ratio']:.2f} | {middle['pysat_seconds']:.4f} |"
            )
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path(os.environ.get("PYOMO_RELU_DATA", ".")) / "satlib")
    parser.add_argument("--solvers", nargs="+", default=["scip", "highs"])
    parser.add_argument("--reduction", default="three-sat")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--time-limit", type=float, default=300.0)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    files = sorted(chosen.folder.glob("*.cnf"))
    if not files:
        parser.error(f"no .cnf files in {chosen.folder}: give --folder")
    # The first call of everything loads what it needs.
    warm = random_cnf(10, 42)
    for name in chosen.solvers:
        direct(warm, pr.Solver(name)), decide(warm, chosen.reduction, name), ask_pysat(warm)
    records = []
    for record in runs(files, chosen.solvers, chosen.reduction, chosen.repeats, chosen.time_limit):
        print(json.dumps(record), flush=True)
        records.append(record)
    lines = table(records)
    print("\n".join(lines))
    if chosen.out is not None:
        chosen.out.mkdir(parents=True, exist_ok=True)
        (chosen.out / "sat.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        (chosen.out / "sat.md").write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
