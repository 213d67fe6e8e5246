"""Every solver of the registry and its settings, its own options, its log and its threads."""

import subprocess
import sys
import threading

import pytest
from solver_programs import LP, MILP, impossible_milp, knapsack, lp, milp

from pyomo_relu.errors import SolverConfigError
from pyomo_relu.solvers import Solver, solve
from pyomo_relu.status import Status


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
    with pytest.raises(SolverConfigError, match=f"{setting} is to be given"):
        solve(milp(), Solver(backend.name, options=options), MILP)


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
