"""CBC and GLPK, which are run as programs: their logs and options, and what if one is missing or broken."""

import importlib.metadata
import math
import os
import shutil
import tempfile
from dataclasses import replace
from types import SimpleNamespace

import pytest
from pyomo.common.tempfiles import TempfileManager
from solver_programs import LP, one_row

from pyomo_relu.errors import SolverUnavailableError
from pyomo_relu.solvers import (
    BACKENDS,
    Outcome,
    Solver,
    availability,
    available_solvers,
    probe,
    program,
    solve,
)
from pyomo_relu.solvers.backends import cbc, glpk
from pyomo_relu.solvers.shell import printed_bound
from pyomo_relu.status import Status


@pytest.fixture
def model():
    return one_row()


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

READ = Outcome(Status.OPTIMAL, True, None, None, message="ended with optimal")
"""As Pyomo has it."""

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
        (CBC_TIME, Status.TIME_LIMIT, True, 43793.341),
        (CBC_NOTHING, Status.LIMIT, False, 28.656),
        ("Result - Stopped on time limit\n\nEnumerated nodes: 0\n", Status.TIME_LIMIT, False, None),
        ("Result - Stopped on iterations limit\nObjective value: 3\n", Status.LIMIT, True, None),
        ("Result - User ctrl-c\nObjective value: 3\nLower bound: 1.5\n", Status.INTERRUPTED, True, 1.4),
        ("Result - Stopped on difficulties\n", Status.SOLVER_ERROR, False, None),
        ("Result - Optimal solution found\nObjective value: 3\n", READ.status, True, None),
        ("Result - Problem proven infeasible\n", READ.status, True, None),
        ("Bound tightening: infeasibility proved - skipping solve.\n", Status.INFEASIBLE, True, None),
        ("Result - Stopped on time limit\nObjective value: 3\nLower bound: inf\n", Status.TIME_LIMIT, True, None),
    ],
)
def test_end_of_a_cbc_log(log, status, has_solution, bound):
    report = cbc.corrected(SimpleNamespace(_log=log), READ)
    assert report.status is status
    assert report.has_solution is has_solution
    assert report.bound == (None if bound is None else pytest.approx(bound))


@pytest.mark.parametrize("rest", ["Result - Optimal solution found\n", CBC_TIME])
def test_no_bound_of_the_development_build_of_cbc_is_trusted(rest):
    report = cbc.corrected(SimpleNamespace(_log=f"CBC devel (git:146ce89)\n{rest}"), READ)
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
        ("nothing of the kind\n", READ.status, None),
    ],
)
def test_end_of_a_glpk_log(log, status, bound):
    report = glpk.corrected(SimpleNamespace(_log=log), READ)
    assert report.status is status
    assert report.bound == (None if bound is None else pytest.approx(bound))


def test_glpk_says_what_it_does_not_like():
    said = "glp_intopt: integer column 1 has non-integer lower bound -2.5"
    told = glpk.corrected(SimpleNamespace(_log=f"{said}\nTime used: 0.0 secs\n"), READ)
    assert told == replace(READ, message=said)


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
     ("help", "", ""), ("version", "", ""), ("log", "", "")],
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
    def nothing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.metadata, "version", nothing)
    for name in ("cbc", "glpk"):
        assert BACKENDS[name].version() is None
        assert not probe(BACKENDS[name]).runs
        with pytest.raises(SolverUnavailableError, match=r"is not installed; (pip|apt) install"):
            solve(model, name, LP)


PROGRAMS = {"cbc": "cbc", "glpk": "glpsol"}
IN_WORDS = {"cbc": "Version: 9.9.9", "glpk": "GLPSOL--GLPK LP/MIP Solver 9.9"}
ANSWERS = """case "$*" in
  -stop|--version) echo "{version}"; exit 0;;
  *-import*|*--write*) ;;
  *) echo "No input problem file specified; try glpsol --help"; exit 1;;
esac
{script}"""

needs_sh = pytest.mark.skipif(shutil.which("sh") is None, reason="fakes programs with sh")
both = pytest.mark.parametrize("name", PROGRAMS)


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """Put a program in the place of a solver's; what it is asked of itself it answers in words, if it is to."""

    def put(name, script, answers=True):
        script = ANSWERS.format(version=IN_WORDS[name], script=script) if answers else script
        program = fake_program(tmp_path, PROGRAMS[name], script)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        return program

    return put


@needs_sh
@both
@pytest.mark.parametrize(
    "script", ["echo all is lost; exit 3", "kill -SEGV $$", "echo done", "echo all is lost >&2; exit 1"]
)
def test_a_program_that_fails_is_a_status(fake, model, name, script, capfd):
    fake(name, script)
    outcome = solve(model, Solver(name, time_limit=9), LP)
    assert outcome.status is Status.SOLVER_ERROR
    assert outcome.message
    assert ("all is lost" in outcome.message) == ("all is lost" in script)
    assert model.x.value is None
    assert capfd.readouterr() == ("", "")


@needs_sh
@both
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo error while loading shared libraries: libm.so; exit 127", "exit code 127, 'error while loading"),
        ("exit 3", "exit code 3"),
        ("kill -SEGV $$", "exit code 139"),
        ("echo other 1.0", "'other 1.0'"),
    ],
)
def test_a_program_that_does_not_answer_as_itself_is_broken(fake, model, name, script, said):
    fake(name, script, answers=False)
    found = probe(BACKENDS[name])
    assert (found.runs, found.version) == (False, None)
    assert found.reason.startswith("broken: ")
    assert said in found.reason
    with pytest.raises(SolverUnavailableError, match=f"{BACKENDS[name].title} is broken: .*; (pip|apt) install"):
        solve(model, Solver(name, time_limit=5), LP)


@needs_sh
def test_what_glpk_says_of_an_option_is_told_from_nonsense(fake, model):
    fake("glpk", f'case "$*" in --version) echo "{IN_WORDS["glpk"]}";; *) echo Bus error; exit 1;; esac', answers=False)
    with pytest.raises(SolverUnavailableError, match=r"GLPK is broken: .*exit code 1, 'Bus error'; apt install"):
        solve(model, Solver("glpk", time_limit=5), LP)


@needs_sh
@both
def test_a_program_that_hangs_is_told(fake, monkeypatch, model, name):
    monkeypatch.setattr(program, "ANSWER_SECONDS", 0.3)
    fake(name, "trap '' INT TERM; sleep 60 & sleep 60", answers=False)
    assert "does not answer within 0.3 s" in probe(BACKENDS[name]).reason
    assert name not in available_solvers()
    with pytest.raises(SolverUnavailableError, match=r"does not answer within 0.3 s; (pip|apt) install"):
        solve(model, name, LP)
    fake(name, "sleep 60 & sleep 60")
    monkeypatch.setattr(availability, "SECONDS", 0.3)
    found = probe(BACKENDS[name])
    assert (found.runs, found.version is None) == (False, False)
    assert found.reason.startswith("broken: has not solved")


@pytest.mark.parametrize(("name", "program"), [("cbc", "cbc"), ("glpk", "glpsol")])
def test_a_file_that_is_no_program_does_not_run(monkeypatch, tmp_path, name, program):
    (tmp_path / program).write_bytes(b"\x7fELF, but not really")
    (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = probe(BACKENDS[name])
    assert not found.runs
    assert found.reason


@needs_sh
@both
@pytest.mark.parametrize("how", ["exit 5", "kill -INT {us}; sleep 60"])
def test_no_file_is_left_behind(fake, monkeypatch, tmp_path, model, name, how):
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    fake(name, f'ls "{folder}"/*/*.lp >"{tmp_path}/seen"; ' + how.format(us=os.getpid()))
    before = len(TempfileManager._context_stack)
    outcome = solve(model, Solver(name), LP)
    assert outcome.status is (Status.SOLVER_ERROR if how == "exit 5" else Status.INTERRUPTED)
    assert (tmp_path / "seen").read_text().endswith(".lp\n")
    assert list(folder.iterdir()) == []
    assert len(TempfileManager._context_stack) == before
