"""CBC and GLPK, which are run as programs: their logs and options, and what if one is missing or broken."""

import math
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyomo.environ import ConcreteModel, Constraint, Objective, Var

from pyomo_relu.errors import SolverUnavailableError
from pyomo_relu.solvers import BACKENDS, Capability, Solver, cbc, glpk, probe, solve
from pyomo_relu.solvers.reply import Report, printed_bound
from pyomo_relu.status import Status

LP = frozenset({Capability.LP})


@pytest.fixture
def model():
    m = ConcreteModel()
    m.x = Var(bounds=(0, 4))
    m.row = Constraint(expr=2 * m.x <= 6)
    m.objective = Objective(expr=-m.x)
    return m


def fake_program(folder, name, script):
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("text", "below", "above"),
    [("28.657", 28.656, 28.658), ("-43793.34", -43793.35, -43793.33), ("4.371754356e+04", 43717.54355, 43717.54357),
     ("31", 30.0, 32.0), ("0.000", -0.001, 0.001)],
)  # fmt: skip
def test_a_printed_bound_is_moved_out_by_its_last_digit(text, below, above):
    assert printed_bound(text, below=True) == pytest.approx(below, rel=1e-14)
    assert printed_bound(text, below=False) == pytest.approx(above, rel=1e-14)


# ---- reading logs

CBC_TIME = """Welcome to the CBC MILP Solver
Cbc0005I Partial search - best objective -43260.4 (best possible -43793.34), took 103481 iterations

Result - Stopped on time limit

Objective value:                43260.40000000
Upper bound:                    43793.340
Gap:                            -0.01
"""
CBC_NOTHING = """Welcome to the CBC MILP Solver
Result - Stopped on node limit

No feasible solution found
Lower bound:                    28.657
"""


@pytest.mark.parametrize(
    ("log", "status", "has_solution", "bound"),
    [
        (CBC_TIME, Status.TIME_LIMIT, None, 43793.341),
        (CBC_NOTHING, Status.LIMIT, False, 28.656),
        ("Result - Stopped on time limit\n\nEnumerated nodes: 0\n", Status.TIME_LIMIT, False, None),
        ("Result - Stopped on iterations limit\nObjective value: 3\n", Status.LIMIT, None, None),
        ("Result - User ctrl-c\nObjective value: 3\nLower bound: 1.5\n", Status.INTERRUPTED, None, 1.4),
        ("Result - Stopped on difficulties\n", Status.SOLVER_ERROR, False, None),
        ("Result - Optimal solution found\nObjective value: 3\n", None, None, None),
        ("Result - Problem proven infeasible\n", None, None, None),
        ("Bound tightening: infeasibility proved - skipping solve.\n", Status.INFEASIBLE, None, None),
        ("Result - Stopped on time limit\nObjective value: 3\nLower bound: inf\n", Status.TIME_LIMIT, None, None),
    ],
)
def test_end_of_a_cbc_log(log, status, has_solution, bound):
    report = cbc.report(SimpleNamespace(_log=log))
    assert report.status is status
    assert report.has_solution is has_solution
    assert report.bound == (None if bound is None else pytest.approx(bound))


@pytest.mark.parametrize("rest", ["Result - Optimal solution found\n", CBC_TIME])
def test_no_bound_of_the_development_build_of_cbc_is_trusted(rest):
    report = cbc.report(SimpleNamespace(_log=f"CBC devel (git:146ce89)\n{rest}"))
    assert math.isnan(report.bound)


GLPK_START = """OPTIMAL LP SOLUTION FOUND
Integer optimization begins...
+    98: mip =     not found yet <=              +inf        (1; 0)
"""


@pytest.mark.parametrize(
    ("log", "status", "bound"),
    [
        (
            f"{GLPK_START}+ 22214: mip =   4.335966667e+04 <=   4.371754356e+04   0.8% (3838; 763)\n"
            "TIME LIMIT EXCEEDED; SEARCH TERMINATED\n",
            Status.TIME_LIMIT,
            43717.54357,
        ),
        (
            f"{GLPK_START}+ 9: mip =     not found yet >=   3.100000000e+01        (16; 6)\n"
            "TIME LIMIT EXCEEDED; SEARCH TERMINATED\n",
            Status.TIME_LIMIT,
            30.99999999,
        ),
        (f"{GLPK_START}TIME LIMIT EXCEEDED; SEARCH TERMINATED\n", Status.TIME_LIMIT, None),
        (
            f"{GLPK_START}+ 76: mip =   2.6e+04 <=   2.7e+04   2.2% (9; 0)\n"
            "RELATIVE MIP GAP TOLERANCE REACHED; SEARCH TERMINATED\n",
            Status.OPTIMAL,
            28000.0,
        ),
        (
            f"{GLPK_START}+ 76: mip =   2.6e+04 <=   2.7e+04   2.2% (9; 0)\n"
            "+ 99: mip =   2.6e+04 <=     tree is empty   0.0% (0; 9)\nINTEGER OPTIMAL SOLUTION FOUND\n",
            Status.OPTIMAL,
            None,
        ),
        (GLPK_START, Status.SOLVER_ERROR, None),
        (f"{GLPK_START}NUMERIC INSTABILITY; SEARCH TERMINATED\n", Status.SOLVER_ERROR, None),
        ("OPTIMAL LP SOLUTION FOUND\n", Status.OPTIMAL, None),
        ("OPTIMAL SOLUTION FOUND BY LP PREPROCESSOR\n", Status.OPTIMAL, None),
        ("LP HAS NO PRIMAL FEASIBLE SOLUTION\n", Status.INFEASIBLE, None),
        ("PROBLEM HAS NO INTEGER FEASIBLE SOLUTION\n", Status.INFEASIBLE, None),
        ("glp_simplex: column 1: lb = 2, ub = 1; incorrect bounds\n", Status.INFEASIBLE, None),
        ("LP HAS UNBOUNDED PRIMAL SOLUTION\n", Status.UNBOUNDED, None),
        ("PROBLEM HAS NO DUAL FEASIBLE SOLUTION\n", Status.INFEASIBLE_OR_UNBOUNDED, None),
        ("nothing of the kind\n", None, None),
    ],
)
def test_end_of_a_glpk_log(log, status, bound):
    report = glpk.report(SimpleNamespace(_log=log))
    assert report.status is status
    assert report.bound == (None if bound is None else pytest.approx(bound))


def test_glpk_says_what_it_does_not_like():
    said = "glp_intopt: integer column 1 has non-integer lower bound -2.5"
    assert glpk.report(SimpleNamespace(_log=f"{said}\nTime used: 0.0 secs\n")) == Report(message=said)


# ---- options


@pytest.mark.skipif(cbc.executable() is None, reason=BACKENDS["cbc"].install)
@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("noSuchThing", 1, ""),
        ("maxNodes", 1.5, ""),
        ("maxNodes", "many", ""),
        ("allowableGap", -5, ""),
        ("presolve", "maybe", ""),
        ("maxNodes", 99_999_999_999, ""),
        ("ratio", 0.1, "is short for ratioGap: write it out"),
        ("sec", 0.1, "is short for seconds: write it out"),
    ],
)
def test_cbc_refuses(name, given, said):
    why = cbc.check_option(name, given)
    assert why
    assert said in why


@pytest.mark.skipif(cbc.executable() is None, reason=BACKENDS["cbc"].install)
@pytest.mark.parametrize(
    ("name", "given"),
    [("maxNodes", 5), ("presolve", "off"), ("presolve", "on"), ("allowableGap", 1e-7), ("dualSimplex", ""),
     ("randomCbcSeed", 2_000_000_000), ("increment", 1e-9)],
)  # fmt: skip
def test_cbc_takes(name, given):
    assert cbc.check_option(name, given) is None


@pytest.mark.skipif(glpk.executable() is None, reason=BACKENDS["glpk"].install)
@pytest.mark.parametrize(
    ("name", "given", "said"),
    [("nosuch", 1, ""), ("memlim", "many", ""), ("nopresol", True, "takes no value"), ("memlim", "", ""),
     ("help", "", "")],
)  # fmt: skip
def test_glpk_refuses(name, given, said):
    why = glpk.check_option(name, given)
    assert why
    assert said in why


@pytest.mark.skipif(glpk.executable() is None, reason=BACKENDS["glpk"].install)
@pytest.mark.parametrize(("name", "given"), [("memlim", 100), ("nopresol", ""), ("cuts", ""), ("pcost", " ")])
def test_glpk_takes(name, given):
    assert glpk.check_option(name, given) is None


# ---- programs that are missing, or broken


def test_without_a_path_there_is_no_program(monkeypatch, model):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(cbc, "package_version", lambda _: None)
    for name in ("cbc", "glpk"):
        assert BACKENDS[name].version() is None
        assert not probe(BACKENDS[name]).runs
        with pytest.raises(SolverUnavailableError, match=r"is not installed; (pip|apt) install"):
            solve(model, name, LP)


@pytest.mark.skipif(shutil.which("sh") is None, reason="fakes programs with sh")
@pytest.mark.parametrize(("name", "program"), [("cbc", "cbc"), ("glpk", "glpsol")])
@pytest.mark.parametrize("script", ["echo Version: 9.9.9 9.9; exit 1", "exit 3", "kill -9 $$"])
def test_a_program_that_fails_is_a_status(monkeypatch, tmp_path, model, name, program, script, capfd):
    fake_program(tmp_path, program, script)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    outcome = solve(model, name, LP)
    assert outcome.status is Status.SOLVER_ERROR
    assert outcome.message
    assert model.x.value is None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("name", "program"), [("cbc", "cbc"), ("glpk", "glpsol")])
def test_a_file_that_is_no_program_does_not_run(monkeypatch, tmp_path, name, program):
    (tmp_path / program).write_bytes(b"\x7fELF, but not really")
    (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = probe(BACKENDS[name])
    assert not found.runs
    assert found.reason


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["cbc", "glpk"])
def test_no_file_is_left_behind(monkeypatch, tmp_path, model, name, error):
    from pyomo.opt.solver import SystemCallSolver

    if BACKENDS[name].version() is None:
        pytest.skip(BACKENDS[name].install)

    def execute(*_):
        assert list(tmp_path.rglob("*.lp"))
        raise error

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(SystemCallSolver, "_execute_command", execute)
    assert solve(model, Solver(name), LP).status in (Status.SOLVER_ERROR, Status.INTERRUPTED)
    assert list(Path(tmp_path).iterdir()) == []
