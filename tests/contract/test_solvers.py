"""Every solver of the registry, on every way in which a solve can end."""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from pyomo.environ import (
    Binary,
    ConcreteModel,
    Constraint,
    ConstraintList,
    Integers,
    Objective,
    SOSConstraint,
    Var,
    maximize,
    minimize,
    value,
)
from solver_here import need, probed

from pyomo_relu.errors import CapabilityError, SolverConfigError
from pyomo_relu.solvers import ABS_GAP, BACKENDS, REL_GAP, Capability, Solver, solve
from pyomo_relu.status import Status

LP = frozenset({Capability.LP})
MILP = frozenset({Capability.MILP})
SOS1 = frozenset({Capability.MILP, Capability.SOS1})
MIQP = frozenset({Capability.MILP, Capability.MIQP})
BILINEAR = frozenset({Capability.BILINEAR})


@pytest.fixture(params=BACKENDS)
def backend(request):
    need(request.param)
    return BACKENDS[request.param]


def violation(model):
    """How far the variables' values are from meeting the constraints, the bounds and integrality."""
    worst = 0.0
    for row in model.component_data_objects(Constraint, active=True):
        body = value(row.body)
        scale = max(1.0, abs(value(row.lower or 0.0)), abs(value(row.upper or 0.0)))
        worst = max(
            worst,
            0.0 if row.lower is None else (value(row.lower) - body) / scale,
            0.0 if row.upper is None else (body - value(row.upper)) / scale,
        )
    for variable in model.component_data_objects(Var):
        if variable.value is not None:
            worst = max(worst, -math.inf if variable.lb is None else variable.lb - variable.value)
            worst = max(worst, -math.inf if variable.ub is None else variable.value - variable.ub)
            worst = max(worst, abs(variable.value - round(variable.value)) if variable.is_integer() else 0.0)
    return worst


def assert_holds(model, outcome):
    """The model holds the solution that the outcome tells of."""
    assert outcome.has_solution
    assert outcome.objective == pytest.approx(value(model.objective), rel=1e-7, abs=1e-7)
    assert violation(model) <= 2e-6


def assert_untouched(model, outcome):
    """There is no solution, and the model was given none."""
    assert not outcome.has_solution
    assert outcome.objective is None
    assert all(v.value is None for v in model.component_data_objects(Var) if not v.fixed)


def assert_bound(outcome, sense, optimum=None):
    """The bound is on the right side of the optimum (default: of the incumbent)."""
    if "CBC devel" in outcome.solver:
        assert outcome.bound is None  # it does not keep its own tolerances
        return
    optimum = outcome.objective if optimum is None else optimum
    sign = 1.0 if sense == minimize else -1.0
    assert sign * outcome.bound <= sign * optimum + 1e-6 * max(1.0, abs(optimum))


# ---- small models, their needs and their optima


def lp(sense=minimize):
    m = ConcreteModel()
    m.x = Var(bounds=(0, 4))
    m.y = Var(bounds=(0, None))
    m.first = Constraint(expr=m.x + 2 * m.y <= 6)
    m.second = Constraint(expr=m.x - m.y >= -1)
    sign = -1 if sense == minimize else 1
    m.objective = Objective(expr=sign * (m.x + m.y) + 10, sense=sense)
    return m


def milp(sense=minimize):
    m = ConcreteModel()
    m.x = Var(range(4), domain=Binary)
    weight, worth = (5, 7, 4, 3), (8, 11, 6, 4)
    m.row = Constraint(expr=sum(weight[i] * m.x[i] for i in range(4)) <= 14)
    sign = -1 if sense == minimize else 1
    m.objective = Objective(expr=sign * sum(worth[i] * m.x[i] for i in range(4)) + 1, sense=sense)
    return m


def constant_objective(build):
    m = build()
    m.objective.set_value(7.0)
    return m


def no_constraints():
    m = ConcreteModel()
    m.x, m.y = Var(bounds=(-2, 3)), Var(bounds=(1, 2))
    m.objective = Objective(expr=m.x - m.y)
    return m


def nothing_to_decide():
    m = ConcreteModel()
    m.x = Var(bounds=(-2, 3))
    m.objective = Objective(expr=3.0)
    return m


def fixed(x=2.0, y=None):
    m = lp()
    m.x.fix(x)
    if y is not None:
        m.y.fix(y)
    return m


def in_no_row(in_objective):
    m = lp()
    m.z = Var(bounds=(1, 2))
    if in_objective:
        m.objective.set_value(m.objective.expr + m.z)
    return m


def ranges():
    m = ConcreteModel()
    m.x, m.y = Var(bounds=(-5, 5)), Var(bounds=(-5, 5))
    m.range = Constraint(expr=(1, m.x + m.y, 2))
    m.equality = Constraint(expr=m.x - m.y == 0.5)
    m.objective = Objective(expr=m.x, sense=maximize)
    return m


def sos1():
    m = ConcreteModel()
    m.x = Var(range(3), bounds=(0, 1))
    m.row = Constraint(expr=m.x[0] + m.x[1] + m.x[2] <= 2.5)
    m.one = SOSConstraint(var=m.x, sos=1)
    m.objective = Objective(expr=2 * m.x[0] + 3 * m.x[1] + m.x[2], sense=maximize)
    return m


def miqp(quadratic_row):
    m = ConcreteModel()
    m.x, m.y, m.t = Var(domain=Integers, bounds=(-5, 5)), Var(bounds=(-5, 5)), Var(bounds=(0, 100))
    square = (m.x - 0.6) ** 2 + (m.y - 0.3) ** 2
    m.row = Constraint(expr=m.x + m.y >= 1.2)
    m.quadratic = Constraint(expr=square <= m.t) if quadratic_row else Constraint(expr=m.t >= 0)
    m.objective = Objective(expr=m.t if quadratic_row else square + m.t)
    return m


def bilinear():
    m = ConcreteModel()
    m.x, m.y = Var(bounds=(0, 2)), Var(bounds=(0, 2))
    m.product = Constraint(expr=m.x * m.y >= 1)
    m.objective = Objective(expr=2 * m.x + m.y)
    return m


OPTIMA = {
    "LP, min": (lp, LP, 5.0),
    "LP, max": (lambda: lp(maximize), LP, 15.0),
    "MILP, min": (milp, MILP, -20.0),
    "MILP, max": (lambda: milp(maximize), MILP, 22.0),
    "LP, constant objective": (lambda: constant_objective(lp), LP, 7.0),
    "MILP, constant objective": (lambda: constant_objective(milp), MILP, 7.0),
    "no constraints": (no_constraints, LP, -4.0),
    "no variables": (nothing_to_decide, LP, 3.0),
    "fixed variable": (fixed, LP, 6.0),
    "all variables fixed": (lambda: fixed(2.0, 1.0), LP, 7.0),
    "a variable nowhere": (lambda: in_no_row(False), LP, 5.0),
    "a variable in the objective only": (lambda: in_no_row(True), LP, 6.0),
    "range and equality": (ranges, LP, 1.25),
    "SOS1": (sos1, SOS1, 3.0),
    "MIQP": (lambda: miqp(False), MIQP, 0.16),
    "MIQP, quadratic row": (lambda: miqp(True), MIQP, 0.16),
    "bilinear": (bilinear, BILINEAR, math.sqrt(8.0)),
}


@pytest.mark.parametrize("case", OPTIMA)
def test_optimum(backend, case):
    build, needs, optimum = OPTIMA[case]
    model = build()
    if not needs <= backend.supports:
        with pytest.raises(CapabilityError, match=r"does not take .* models here; these do: .*scip"):
            solve(model, Solver(backend.name), needs)
        return
    outcome = solve(model, Solver(backend.name), needs)
    assert outcome.status is Status.OPTIMAL
    assert_holds(model, outcome)
    assert outcome.objective == pytest.approx(optimum, abs=1e-6)
    assert_bound(outcome, model.objective.sense, optimum)
    assert outcome.message == ""
    assert outcome.solver.startswith(backend.title)
    assert outcome.seconds > 0.0


def impossible_lp(presolve_sees_it):
    m = ConcreteModel()
    m.x = Var(range(3), bounds=(0, 1))
    for i in range(3):
        m.add_component(f"pair_{i}", Constraint(expr=m.x[i] + m.x[(i + 1) % 3] >= 1.5))
    m.sum = Constraint(expr=m.x[0] + m.x[1] + m.x[2] <= (1.0 if presolve_sees_it else 2.2))
    m.objective = Objective(expr=m.x[0])
    return m


def impossible_milp():
    m = ConcreteModel()
    m.x = Var(range(2), domain=Integers, bounds=(0, 10))
    m.parity = Constraint(expr=2 * m.x[0] + 2 * m.x[1] == 7)
    m.objective = Objective(expr=m.x[0], sense=maximize)
    return m


def crossed_bounds():
    m = lp()
    m.z = Var(bounds=(2, 1))
    m.third = Constraint(expr=m.x + m.z <= 9)
    return m


INFEASIBLE = {
    "LP, by presolve": (lambda: impossible_lp(True), LP),
    "LP, by simplex": (lambda: impossible_lp(False), LP),
    "MILP": (impossible_milp, MILP),
    "fixed variables": (lambda: fixed(2.0, 5.0), LP),
    "crossed bounds": (crossed_bounds, LP),
}


@pytest.mark.parametrize("case", INFEASIBLE)
def test_infeasible(backend, case):
    build, needs = INFEASIBLE[case]
    model = build()
    outcome = solve(model, Solver(backend.name), needs)
    assert outcome.status in (Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED)
    assert_untouched(model, outcome)
    assert outcome.bound is None


@pytest.mark.parametrize("sense", [minimize, maximize])
@pytest.mark.parametrize("needs", [LP, MILP], ids=["LP", "MILP"])
def test_unbounded(backend, needs, sense):
    model = ConcreteModel()
    model.x = Var(domain=Integers) if needs is MILP else Var()
    model.y = Var(bounds=(0, None))
    model.row = Constraint(expr=3 * model.x + 7 * model.y <= 3.5)
    model.objective = Objective(expr=model.x if sense == minimize else -model.x, sense=sense)
    outcome = solve(model, Solver(backend.name), needs)
    assert outcome.status in (Status.UNBOUNDED, Status.INFEASIBLE_OR_UNBOUNDED)
    assert_untouched(model, outcome)
    assert outcome.bound is None


# ---- models that take long


def knapsack(n, rows, sense=maximize):
    """``rows`` knapsacks at once: points are plenty, a proof of the best takes for ever."""
    random = np.random.default_rng(0)
    weight = random.integers(1, 1000, (rows, n))
    worth = weight.sum(axis=0) / rows + random.integers(0, 500, n)
    m = ConcreteModel()
    m.x = Var(range(n), domain=Binary)
    m.rows = ConstraintList()
    for row in weight.tolist():
        m.rows.add(sum(a * m.x[j] for j, a in enumerate(row)) <= sum(row) // 2)
    sign = 1.0 if sense == maximize else -1.0
    m.objective = Objective(expr=sum(sign * c * m.x[j] for j, c in enumerate(worth.tolist())), sense=sense)
    return m


def market_split(n, rows):
    """Equations over binaries, of which nobody finds a point."""
    weight = np.random.default_rng(0).integers(0, 100, (rows, n))
    m = ConcreteModel()
    m.x = Var(range(n), domain=Binary)
    m.rows = ConstraintList()
    for row in weight.tolist():
        m.rows.add(sum(a * m.x[j] for j, a in enumerate(row)) == sum(row) // 2)
    m.objective = Objective(expr=sum((1 + j % 3) * m.x[j] for j in range(n)))
    return m


@pytest.mark.parametrize("sense", [minimize, maximize])
def test_time_limit_with_an_incumbent(backend, sense):
    model = knapsack(100, 15, sense)
    started = time.perf_counter()
    outcome = solve(model, Solver(backend.name, time_limit=0.7), MILP)
    assert outcome.status is Status.TIME_LIMIT
    assert_holds(model, outcome)
    assert abs(outcome.objective) > 40_000.0
    assert_bound(outcome, sense)
    assert outcome.bound is None or abs(outcome.bound) < 45_000.0
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


# ---- settings and options


def test_seed(backend):
    if "seed" not in backend.settings:
        with pytest.raises(SolverConfigError, match=f"{backend.title} has no seed setting"):
            solve(milp(), Solver(backend.name, seed=7), MILP)
        return
    outcome = solve(milp(), Solver(backend.name, seed=2_000_000_000), MILP)
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == pytest.approx(-20.0)


def test_threads_may_change_from_solve_to_solve(backend):
    for threads in (1, 2, None, 1):
        solver = Solver(backend.name, threads=threads)
        if threads == 2 and "threads" not in backend.settings:
            with pytest.raises(SolverConfigError, match=f"{backend.title} has no threads setting"):
                solve(milp(), solver, MILP)
            continue
        outcome = solve(milp(), solver, MILP)
        assert outcome.status is Status.OPTIMAL
        assert outcome.objective == pytest.approx(-20.0)


def test_unknown_option_is_refused_before_the_solve(backend):
    model = milp()
    with pytest.raises(SolverConfigError, match=rf"{backend.title} option 'no_such_thing': "):
        solve(model, Solver(backend.name, options={"no_such_thing": 1}), MILP)
    assert model.x[0].value is None


def test_value_of_a_wrong_type_is_refused_before_the_solve(backend):
    option = backend.settings.get("abs_gap", "memlim")
    model = milp()
    with pytest.raises(SolverConfigError, match=f"{backend.title} option '{option}': "):
        solve(model, Solver(backend.name, options={option: "many"}), MILP)
    assert model.x[0].value is None


@pytest.mark.parametrize("setting", ["time_limit", "rel_gap", "threads", "seed"])
def test_what_solver_has_a_name_for_is_no_option(backend, setting):
    if setting not in backend.settings:
        pytest.skip(f"{backend.title} has no {setting} setting")
    options = {backend.settings[setting]: 1}
    with pytest.raises(SolverConfigError, match=f"give {setting} instead"):
        solve(milp(), Solver(backend.name, options=options), MILP)


# ---- size, quiet, interrupts, threads


def test_a_large_model_is_solved_or_said_to_be_too_large(backend):
    n = 6_000
    model = ConcreteModel()
    model.x = Var(range(n), bounds=(0, 1))
    model.pairs = Constraint(range(0, n, 2), rule=lambda m, i: m.x[i] + m.x[i + 1] >= 1)
    model.objective = Objective(expr=sum(model.x[i] for i in range(n)))
    outcome = solve(model, Solver(backend.name), LP)
    assert outcome.status in (Status.OPTIMAL, Status.SIZE_LIMIT)
    if outcome.status is Status.SIZE_LIMIT:
        assert_untouched(model, outcome)
        assert outcome.message
    else:
        assert outcome.objective == pytest.approx(n / 2)


def long_milp():
    return knapsack(100, 15)


@pytest.mark.parametrize("build", [lp, milp, impossible_milp, long_milp])
def test_nothing_is_printed_without_log(backend, build, capfd):
    solve(build(), Solver(backend.name, time_limit=0.1), LP if build is lp else MILP)
    with pytest.raises(SolverConfigError):
        solve(build(), Solver(backend.name, options={"no_such_thing": 1}), MILP)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("build", [lp, milp])
def test_log_prints_the_solvers_log(backend, build, capfd):
    outcome = solve(build(), Solver(backend.name, log=True), LP if build is lp else MILP)
    assert outcome.status is Status.OPTIMAL
    assert len(capfd.readouterr().out.splitlines()) > 3


KEEPS_THE_INCUMBENT = ("highs", "scip", "gurobi", "cplex")
INTERRUPTED = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("contract", sys.argv[1])
contract = importlib.util.module_from_spec(spec)
spec.loader.exec_module(contract)
model = contract.knapsack(100, 15)
print("ready", flush=True)
outcome = contract.solve(model, contract.Solver(sys.argv[2], time_limit=60), contract.MILP)
assert outcome.status is contract.Status.INTERRUPTED, outcome
if sys.argv[2] in contract.KEEPS_THE_INCUMBENT:
    contract.assert_holds(model, outcome)
    contract.assert_bound(outcome, contract.maximize)
else:
    contract.assert_untouched(model, outcome)
again = contract.solve(contract.milp(), contract.Solver(sys.argv[2]), contract.MILP)
assert again.status is contract.Status.OPTIMAL, again
print("done")
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_is_a_status(backend):
    if backend.name == "xpress":
        pytest.skip("Xpress ends the process on Ctrl-C")
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(Path(__file__)), backend.name],
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


def test_threads_take_turns(backend):
    found = []
    workers = [
        threading.Thread(target=lambda: found.append(solve(milp(), backend.name, MILP)), daemon=True) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60.0)
    assert [outcome.status for outcome in found] == [Status.OPTIMAL] * 4


# ---- also where a solver does not run


@pytest.mark.parametrize("name", BACKENDS)
def test_probe(name):
    found = probed(name)
    assert found.name == name
    assert found.runs == (found.reason == "")
    assert found.install
    assert found.supports[:2] == ("LP", "MILP")
    assert found.version is not None or not found.runs


@pytest.mark.parametrize("name", [name for name in BACKENDS if BACKENDS[name].version() is not None])
def test_a_solver_that_is_installed_runs_or_says_that_a_licence_is_missing(name):
    model = lp()
    outcome = solve(model, Solver(name), LP)
    if probed(name).runs:
        assert outcome.status is Status.OPTIMAL
    else:
        assert outcome.status is Status.NO_LICENSE
        assert_untouched(model, outcome)
        assert outcome.message


def test_a_solver_that_prints_much_does_not_wait_for_its_reader():
    """SoPlex warns at every change of its tolerance: a pipe of 64 KiB was once full, and the solve never ended."""
    script = (
        "import numpy as np, pyomo_relu as pr\n"
        "net = pr.Network.random((8, 24, 24, 40), seed=0)\n"
        "x = net(np.ones(8)) + 0.3 * np.random.default_rng(0).normal(size=40)\n"
        "solver = pr.Solver('scip', time_limit=4, options={'display/freq': 1, 'display/verblevel': 5})\n"
        "print(pr.invert(net, x, pr.Exact(1, bounds='interval'), box=(-4, 4), solver=solver).status)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=90, check=False)
    assert done.stdout == "time_limit\n"
    assert done.returncode == 0
