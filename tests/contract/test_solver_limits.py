"""Every solver of the registry, where a limit, a gap, a tolerance or Ctrl-C ends the solve."""

import os
import signal
import subprocess
import sys
import time
from functools import cache

import numpy as np
import pytest
from pyomo.environ import Binary, ConcreteModel, Constraint, Objective, Var, maximize, minimize
from solver_here import need
from solver_programs import (
    LP,
    MILP,
    assert_bound,
    assert_holds,
    assert_untouched,
    impossible_lp,
    knapsack,
    market_split,
)

from pyomo_relu.solvers import ABS_GAP, REL_GAP, Solver, solve
from pyomo_relu.status import Status


@pytest.mark.parametrize("sense", [minimize, maximize])
def test_time_limit_with_an_incumbent(backend, sense):
    model = knapsack(100, 15, sense)
    started = time.perf_counter()
    outcome = solve(model, Solver(backend.name, time_limit=0.7), MILP)
    assert outcome.status is Status.TIME_LIMIT
    assert_holds(model, outcome)
    assert abs(outcome.objective) > 20_000.0
    assert_bound(outcome, sense)
    assert outcome.bound is None or abs(outcome.bound) < 60_000.0
    assert time.perf_counter() - started < 10.0


def test_time_limit_is_of_the_clock_on_the_wall(backend):
    solver = Solver(backend.name, time_limit=1.0, threads=2 if "threads" in backend.settings else None)
    outcome = solve(knapsack(100, 15), solver, MILP)
    assert outcome.status is Status.TIME_LIMIT
    assert 0.9 < outcome.seconds < 10.0


def test_time_limit_without_an_incumbent(backend):
    model = market_split(45, 5)
    outcome = solve(model, Solver(backend.name, time_limit=0.3), MILP)
    assert outcome.status is Status.TIME_LIMIT
    assert_untouched(model, outcome)
    assert outcome.bound is None or 28.0 < outcome.bound < 90.0  # the relaxation's optimum is 28.2; all ones cost 90


ONE_NODE = {
    "highs": {"mip_max_nodes": 1},
    "scip": {"limits/nodes": 1},
    "cbc": {"maxNodes": 1},
    "gurobi": {"NodeLimit": 1},
    "cplex": {"mip_limits_nodes": 1},
    "xpress": {"maxnode": 1},
}


def test_an_option_of_the_solvers_own_reaches_it(backend):
    if backend.name not in ONE_NODE:
        pytest.skip(f"no known option of {backend.title} stops a search early")
    model = knapsack(100, 15)
    outcome = solve(model, Solver(backend.name, options=ONE_NODE[backend.name]), MILP)
    assert outcome.status is Status.LIMIT
    assert_holds(model, outcome)
    assert_bound(outcome, maximize)


def test_glpk_without_presolve_tells_infeasible_from_unbounded():
    need("glpk")
    outcome = solve(impossible_lp(False), Solver("glpk", options={"nopresol": ""}), LP)
    assert outcome.status is Status.INFEASIBLE


KEEPS_THE_INCUMBENT = ("highs", "scip", "cbc", "gurobi", "cplex")
INTERRUPTED = """
import sys
from pyomo.environ import maximize
from solver_programs import MILP, assert_bound, assert_holds, assert_untouched, knapsack, milp
from pyomo_relu.solvers import Solver, solve
from pyomo_relu.status import Status
name, keeps = sys.argv[1], sys.argv[2] == "keeps"
model = knapsack(100, 15)
print("ready", flush=True)
outcome = solve(model, Solver(name, time_limit=60), MILP)
assert outcome.status is Status.INTERRUPTED, outcome
if keeps:
    assert_holds(model, outcome)
    assert_bound(outcome, maximize)
else:
    assert_untouched(model, outcome)
again = solve(milp(), Solver(name), MILP)
assert again.status is Status.OPTIMAL, again
print("done")
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_is_a_status(backend):
    if backend.name == "xpress":
        pytest.skip("Xpress ends the process on Ctrl-C")
    keeps = "keeps" if backend.name in KEEPS_THE_INCUMBENT else "loses"
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, backend.name, keeps],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    ) as process:
        assert process.stdout.readline() == "ready\n", process.stdout.read()
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=30)[0]
    assert rest == "done\n"
    assert process.returncode == 0


# ---- gaps and tolerances


@cache
def best_knapsack():
    return solve(knapsack(30, 4), Solver("highs", rel_gap=0.0), MILP).objective


def test_a_wide_gap_is_an_optimum_with_an_honest_bound(backend):
    outcome = solve(knapsack(30, 4), Solver(backend.name, rel_gap=0.2), MILP)
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective >= 0.8 * best_knapsack()
    assert_bound(outcome, maximize, best_knapsack())
    assert outcome.bound is None or outcome.bound <= 1.26 * outcome.objective


def test_the_gap_is_narrow_where_none_is_given(backend):
    outcome = solve(knapsack(30, 4), Solver(backend.name), MILP)
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == pytest.approx(best_knapsack(), rel=1.1 * REL_GAP)
    assert_bound(outcome, maximize, best_knapsack())
    assert outcome.bound is None or outcome.bound <= outcome.objective * (1.0 + 1.1 * REL_GAP) + ABS_GAP


@pytest.mark.parametrize("seed", [0, 2])
def test_points_that_differ_by_little_are_told_apart(backend, seed):
    """Some solvers take points that differ by 1e-5 for equals where they are not told otherwise."""
    random = np.random.default_rng(seed)
    rank, weight = random.permutation(50).tolist(), random.integers(1, 50, 50).tolist()
    model = ConcreteModel()
    model.x = Var(range(50), domain=Binary)
    model.y = Var(range(50), bounds=(0, 1))
    model.link = Constraint(range(50), rule=lambda m, i: m.y[i] >= m.x[i])
    model.row = Constraint(expr=sum(weight[i] * model.x[i] for i in range(50)) >= 51)
    model.objective = Objective(expr=sum((1.0 + 1e-6 * rank[i]) * model.y[i] for i in range(50)))
    pairs = [rank[i] + rank[j] for i in range(50) for j in range(i) if weight[i] + weight[j] >= 51]
    outcome = solve(model, Solver(backend.name, rel_gap=0.0), MILP)
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == pytest.approx(2.0 + 1e-6 * min(pairs), abs=2e-6)
    assert_bound(outcome, minimize, 2.0 + 1e-6 * min(pairs))
    assert outcome.bound is None or outcome.objective - outcome.bound <= 2e-6


def test_rows_of_lps_are_held_to_1e_9(backend):
    if "feasibility_tol" not in backend.settings:
        pytest.skip(f"{backend.title} has no tolerance to set")
    if "devel" in backend.version():
        pytest.skip("this build of CBC does not keep the tolerance it is given")
    model = ConcreteModel()
    model.x = Var(range(3), bounds=(-10, 10))
    model.pairs = Constraint(range(3), rule=lambda m, i: m.x[i] + m.x[(i + 1) % 3] >= 1)
    model.sum = Constraint(expr=model.x[0] + model.x[1] + model.x[2] <= 1.5 - 1e-8)
    model.objective = Objective(expr=model.x[0] - model.x[1])
    outcome = solve(model, Solver(backend.name), LP)
    assert outcome.status is Status.INFEASIBLE
