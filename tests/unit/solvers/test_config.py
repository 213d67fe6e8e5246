"""`Solver`: what it refuses, where its name comes from, and the TOML file."""

import copy
import math
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from pyomo_relu.errors import CapabilityError, InputError, SolverConfigError
from pyomo_relu.solvers import BACKENDS, Capability, Solver
from pyomo_relu.solvers.config import ENVIRONMENT_VARIABLE

FULL = {"name": "scip", "time_limit": 60, "rel_gap": 1e-3, "threads": 1, "seed": 7, "log": True}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "higs"}, "unknown solver 'higs'; known: highs, scip, cbc, glpk, gurobi, cplex, xpress, mosek"),
        ({"name": ""}, "unknown solver ''; known: highs"),
        ({"name": "HiGHS"}, "unknown solver 'HiGHS'; known: highs"),
        ({"name": 3}, "solver name must be a string, got 3"),
        ({"time_limit": 0}, "time_limit must be a positive number"),
        ({"time_limit": -1.0}, "time_limit must be a positive number"),
        ({"time_limit": math.inf}, "time_limit must be a positive number"),
        ({"time_limit": math.nan}, "time_limit must be a positive number"),
        ({"time_limit": 10**400}, "time_limit must be a positive number"),
        ({"time_limit": "60"}, "time_limit must be a positive number .*, got '60'"),
        ({"time_limit": True}, "time_limit must be a positive number .*, got True"),
        ({"rel_gap": -1e-9}, "rel_gap must be a non-negative number"),
        ({"rel_gap": math.nan}, "rel_gap must be a non-negative number"),
        ({"rel_gap": [1e-3]}, "rel_gap must be a non-negative number"),
        ({"threads": 0}, "threads must be a whole number from 1"),
        ({"threads": 1.0}, "threads must be a whole number from 1 .*, got 1.0"),
        ({"threads": True}, "threads must be a whole number"),
        ({"seed": -1}, "seed must be a whole number from 0 to 2000000000, got -1"),
        ({"seed": 2**31}, "seed must be a whole number from 0 to 2000000000"),
        ({"seed": "7"}, "seed must be a whole number"),
        ({"log": 1}, "log must be true or false, got 1"),
        ({"log": "yes"}, "log must be true or false"),
        ({"name": "scip", "options": [1]}, "options must be a table"),
        ({"name": "scip", "options": {3: 4}}, "options must have names"),
        ({"name": "scip", "options": {"": 4}}, "options must have names"),
        ({"options": {"presolve": "off"}}, "options belong to one solver: give its name too"),
    ],
)
def test_refused_at_construction(wrong, said):
    with pytest.raises(SolverConfigError, match=said) as caught:
        Solver(**wrong)
    assert isinstance(caught.value, InputError)
    assert isinstance(caught.value, ValueError)


def test_numbers_of_numpy_are_plain_ones():
    solver = Solver("scip", time_limit=np.float32(2.0), rel_gap=np.int8(0), threads=np.int64(1), seed=np.uint8(7))
    assert solver == Solver("scip", time_limit=2.0, rel_gap=0.0, threads=1, seed=7)
    assert [type(v) for v in (solver.time_limit, solver.rel_gap, solver.threads, solver.seed)] == [
        float,
        float,
        int,
        int,
    ]


def test_is_frozen_with_its_options():
    given = {"limits/nodes": 1}
    solver = Solver("scip", options=given)
    with pytest.raises(FrozenInstanceError):
        solver.name = "highs"
    with pytest.raises(TypeError):
        solver.options["limits/nodes"] = 2
    given["limits/nodes"] = 3
    assert solver.options == {"limits/nodes": 1}


def test_copies_pickles_and_hashes():
    solver = Solver(**FULL, options={"limits/nodes": 1})
    for same in (pickle.loads(pickle.dumps(solver)), copy.deepcopy(solver), copy.copy(solver)):
        assert same == solver
        assert hash(same) == hash(solver)
    assert Solver("scip", seed=8) != solver


# ---- which solver


def test_a_keyword_is_a_solver_a_name_or_nothing():
    solver = Solver("cbc", time_limit=3)
    assert Solver.of(solver) is solver
    assert Solver.of("glpk") == Solver("glpk")
    assert Solver.of(None) == Solver()
    with pytest.raises(SolverConfigError, match="solver must be a name or a Solver, got int"):
        Solver.of(3)
    with pytest.raises(SolverConfigError, match="unknown solver 'nope'"):
        Solver.of("nope")


def test_the_environment_names_the_solver_where_nobody_else_does(monkeypatch):
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "glpk")
    assert Solver.of(None) == Solver("glpk")
    assert Solver.of(Solver(time_limit=3)) == Solver("glpk", time_limit=3)
    assert Solver.of("highs") == Solver("highs")
    assert Solver.of(Solver("highs")) == Solver("highs")
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "")
    assert Solver.of(None) == Solver()


def test_a_wrong_name_in_the_environment_names_the_variable(monkeypatch):
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "nope")
    with pytest.raises(SolverConfigError, match=rf"{ENVIRONMENT_VARIABLE}: unknown solver 'nope'; known: highs"):
        Solver.of(None)
    assert Solver.of("highs") == Solver("highs")


@pytest.mark.parametrize(
    ("needs", "name"),
    [({Capability.LP}, "highs"), (set(), "highs"), ({Capability.MILP}, "scip"), (set(Capability), "scip")],
)
def test_default_solver(needs, name):
    assert Solver().backend(frozenset(needs)).name == name


@pytest.mark.parametrize(
    ("needs", "name"), [({Capability.LP}, "highs"), ({Capability.MILP}, "highs"), ({Capability.SOS1}, "scip")]
)
def test_the_default_solver_has_the_setting_that_is_asked_for_where_one_has(needs, name):
    assert Solver(threads=2, seed=1).backend(frozenset(needs)).name == name
    assert Solver(threads=1, seed=1).backend(frozenset({Capability.MILP})).name == "scip"


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("capability", Capability)
def test_a_capability_that_is_missing_is_an_error_that_names_who_has_it(name, capability):
    needs = frozenset({capability})
    if needs <= BACKENDS[name].supports:
        assert Solver(name).backend(needs) is BACKENDS[name]
        return
    with pytest.raises(CapabilityError) as caught:
        Solver(name).backend(needs)
    said = str(caught.value)
    assert said.startswith(f"{BACKENDS[name].title} does not take {capability} models here")
    named = said.split("these do: ")[1].split(", ")
    assert named == [other.name for other in BACKENDS.values() if capability in other.supports]


# ---- TOML


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_toml(tmp_path):
    path = write(
        tmp_path / "run.toml",
        """
        [solver]
        name = "scip"
        time_limit = 60
        rel_gap = 1e-3
        threads = 1
        seed = 7
        log = true
        [solver.options]
        "limits/nodes" = 1000
        [other]
        ignored = true
        """,
    )
    wanted = Solver(**FULL, options={"limits/nodes": 1000})
    assert Solver.from_toml(path) == wanted
    assert Solver.from_toml(str(path)) == wanted


def test_toml_may_leave_everything_out(tmp_path):
    assert Solver.from_toml(write(tmp_path / "run.toml", "[solver]\n")) == Solver()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"no \[solver\] table"),
        ("[run]\n", r"no \[solver\] table"),
        ('solver = "highs"\n', r"no \[solver\] table"),
        ("[[solver]]\n", r"no \[solver\] table"),
        ("[solver\n", "not TOML"),
        ("[solver]\nname = 'a'\nname = 'b'\n", "not TOML"),
        ("[solver]\nnmae = 'highs'\n", r"unknown key 'nmae' in \[solver\]; known: name, time_limit"),
        ("[solver]\nname = 3\n", "solver name must be a string, got 3"),
        ("[solver]\nname = 'higs'\n", "unknown solver 'higs'"),
        ("[solver]\ntime_limit = '60'\n", "time_limit must be a positive number"),
        ("[solver]\nrel_gap = nan\n", "rel_gap must be a non-negative number"),
        ("[solver]\nthreads = 1.5\n", "threads must be a whole number"),
        ("[solver]\nlog = 1\n", "log must be true or false"),
        ("[solver]\nname = 'scip'\noptions = 3\n", "options must be a table"),
        ("[solver.options]\npresolve = 'off'\n", "options belong to one solver"),
    ],
)
def test_bad_toml_is_one_line_that_names_the_file(tmp_path, text, said):
    path = write(tmp_path / "run.toml", text)
    with pytest.raises(SolverConfigError, match=said) as caught:
        Solver.from_toml(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_none(tmp_path):
    with pytest.raises(SolverConfigError, match=r"no\.toml: no such file"):
        Solver.from_toml(tmp_path / "no.toml")
    with pytest.raises(SolverConfigError, match="is a folder"):
        Solver.from_toml(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe[solver]")
    with pytest.raises(SolverConfigError, match="not TOML"):
        Solver.from_toml(tmp_path / "binary.toml")
