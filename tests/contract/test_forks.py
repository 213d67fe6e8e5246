"""Solves, and processes that are forked or killed in the middle of them."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from pyomo_relu.solvers.surroundings import alone

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

START = """
import gc, multiprocessing, os, signal, sys, threading, time
from pyomo_relu.solvers import solve
from pyomo_relu.solvers.surroundings import alone
from solver_programs import LP, MILP, lp, milp

def ended(pid, seconds=60.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "stuck"
"""


def run(script):
    path = os.pathsep.join(path for path in sys.path if path)
    script = START + textwrap.dedent(script)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_child_that_is_forked_in_another_threads_solve_solves_and_prints():
    said = run("""
        inside, go_on = threading.Event(), threading.Event()

        def other():
            with alone(log=False):
                inside.set()
                go_on.wait(100.0)

        thread = threading.Thread(target=other)
        thread.start()
        inside.wait(100.0)
        out = sys.stdout
        pid = os.fork()
        if pid == 0:
            outcome = solve(milp(), "highs", MILP)
            print(outcome.status, gc.isenabled(), signal.getsignal(signal.SIGINT) is signal.default_int_handler)
            sys.stdout.flush()
            os._exit(0)
        code = ended(pid)
        go_on.set()
        thread.join()
        print(code, solve(milp(), "highs", MILP).status)
    """)
    assert said == "optimal True True\n0 optimal\n"


def test_who_is_killed_in_a_solve_leaves_nothing_taken():
    said = run("""
        import random
        delays = random.Random(0)
        for name in ("highs", "scip"):
            solve(lp(), name, LP)
            for _ in range(8):
                pid = os.fork()
                if pid == 0:
                    while True:
                        solve(lp(), name, LP)
                time.sleep(delays.uniform(0.05, 0.2))
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                pid = os.fork()
                if pid == 0:
                    os._exit(0 if solve(lp(), name, LP).status.value == "optimal" else 1)
                if ended(pid) != 0:
                    print(name, "stuck")
            print(solve(lp(), name, LP).status)
    """)
    assert said == "optimal\noptimal\n"


def test_a_child_hears_ctrl_c():
    said = run("""
        from pyomo_relu.solvers import Solver
        from solver_programs import knapsack
        solve(lp(), "highs", LP)
        for name in ("highs", "scip"):
            pid = os.fork()
            if pid == 0:
                outcome = solve(knapsack(100, 15), Solver(name, time_limit=100), MILP)
                os._exit(0 if outcome.status.value == "interrupted" else 1)
            time.sleep(2.0)
            os.kill(pid, signal.SIGINT)
            print(name, ended(pid, 20.0))
    """)
    assert said == "highs 0\nscip 0\n"


def test_a_process_without_streams_solves():
    done = run("""
        told = os.dup(1)
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        sys.stdout = sys.stderr = None
        found = [str(solve(lp(), name, LP).status) for name in ("highs", "scip")]
        os.write(told, " ".join(found).encode())
        os._exit(0)
    """)
    assert done == "optimal optimal"


def test_streams_and_signals_are_given_back(capfd):
    before = signal.getsignal(signal.SIGINT), sys.stdout, sys.stderr
    with alone(log=False) as ctrl_c:
        print("lost")
        os.write(1, b"lost")
        os.write(2, b"lost")
        signal.raise_signal(signal.SIGINT)
    assert ctrl_c.came
    assert (signal.getsignal(signal.SIGINT), sys.stdout, sys.stderr) == before
    print("kept")
    assert capfd.readouterr() == ("kept\n", "")
