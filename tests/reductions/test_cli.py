"""The command ``relu-reductions``: exit codes, output, and bad files."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest
from command_line import Ran, refused

import pyomo_relu as pr
from pyomo_relu.solvers import Outcome
from pyomo_relu.status import Status
from reductions import (
    CNF,
    REDUCTIONS,
    ConvexityFamily,
    DepthTwo,
    LeakyDepthTwo,
    MaxSat,
    ThreeSat,
    check_proof,
    write_instance,
)
from reductions.cli import main
from reductions.cli.arguments import ReductionOption
from reductions.cli.decide import value_lines
from reductions.examples import EXAMPLES

SQUARE = "p cnf 2 4\n1 2 0\n-1 2 0\n1 -2 0\n-1 -2 0\n"


@pytest.fixture
def run(capfd, monkeypatch, tmp_path):
    """Run a command in a folder with formulas and a network."""
    monkeypatch.chdir(tmp_path)
    for name in ("PYOMO_RELU_SOLVER", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    Path("sat.cnf").write_text("p cnf 3 2\n1 -2 0\n2 3 0\n")
    Path("unsat.cnf").write_text(SQUARE)
    Path("bad.cnf").write_text("p cnf 1 1\n2 0\n")
    pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]]).save("abs.npz")
    Path("x.csv").write_text("1\n")
    Path("square.csv").write_text("1,2\n3,4\n")
    Path("nan.csv").write_text("nan,1,0\n")

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return Ran(ended.value.code, *capfd.readouterr())

    return run


def values_of(out):
    words = " ".join(line[2:] for line in out.splitlines() if line.startswith("v ")).split()
    assert words[-1] == "0"
    return [int(word) > 0 for word in words[:-1]]


@pytest.mark.parametrize("solver", ["scip", "highs"])
def test_decide_sat(run, solver):
    ran = run("decide", "sat.cnf", "--solver", solver)
    assert ran.code == 10
    assert "s SATISFIABLE\n" in ran.out
    assert all(line[:2] in ("c ", "s ", "v ") for line in ran.out.splitlines())
    assert CNF.from_dimacs(Path("sat.cnf")).satisfied_by(values_of(ran.out))


def test_decide_unsat_with_a_proof(run):
    ran = run("decide", "unsat.cnf", "--proof", "p.drup", "--reduction", "box")
    assert ran.code == 20
    assert "s UNSATISFIABLE\n" in ran.out
    assert "\nv " not in ran.out
    assert check_proof(CNF.from_dimacs(SQUARE), Path("p.drup").read_text().splitlines())


def test_no_proof_of_what_is_satisfiable(run):
    ran = run("decide", "sat.cnf", "--proof", "p.drup")
    assert ran.code == 10
    assert "p.drup was not written" in ran.err
    assert not Path("p.drup").exists()


def test_decide_unknown(run):
    cnf = "".join(f"{i} {j} {k} 0\n" for i, j, k in np.random.default_rng(0).integers(1, 60, (250, 3)) * [1, -1, 1])
    Path("hard.cnf").write_text(f"p cnf 60 250\n{cnf}")
    ran = run("decide", "hard.cnf", "--reduction", "bias-free", "--solver", "scip", "--option", "limits/nodes=1")
    assert ran.code == 0
    assert "s UNKNOWN\n" in ran.out
    assert "c limit: " in ran.out


def test_decide_interrupted(run, scripted):
    scripted(Outcome.without_point(Status.INTERRUPTED))
    ran = run("decide", "sat.cnf", "--solver", "scripted", "--json")
    assert (ran.code, ran.out, ran.err) == (130, "", "interrupted\n")


def test_decide_as_json(run):
    ran = run("decide", "sat.cnf", "--json")
    assert ran.code == 10
    assert ran.json["verdict"] == "sat"
    assert CNF.from_dimacs(Path("sat.cnf")).satisfied_by(ran.json["assignment"])


@pytest.mark.filterwarnings("default")
def test_a_header_that_counts_wrong_is_a_warning(run):
    Path("odd.cnf").write_text("p cnf 1 3\n1 0\n")
    ran = run("decide", "odd.cnf")
    assert ran.code == 10
    assert ran.err.startswith("warning: odd.cnf: the header has 3 clauses")


def test_build_and_lift(run):
    assert run("build", "sat.cnf", "--out", "built").code == 0
    assert json.loads(Path("built/manifest.json").read_text())["reduction"] == "three-sat"
    Path("z.csv").write_text("1,1,0\n")
    ran = run("lift", "built", "z.csv")
    assert ran.code == 0
    assert values_of(ran.out) == [True, True, False]
    Path("z.csv").write_text("0,1,0\n")
    ran = run("lift", "sat.cnf", "z.csv", "--reduction", "depth-two", "--json")
    assert ran.code == 1
    assert ran.json == {"verdict": "undecided", "assignment": None, "residual": 1.0, "gap": 1.0}


@pytest.mark.parametrize(
    ("reduction", "code", "satisfied"),
    [
        (LeakyDepthTwo(0.1), [0.2, 0.9], True),
        (ThreeSat(norm=1), [0.2, 0.9], True),
        (ConvexityFamily("empty"), [0.2, 0.9, 0.0], True),
        (ConvexityFamily("empty", LeakyDepthTwo(0.25)), [0.2, 0.1, 0.0], False),
        (MaxSat(weights=(3, 0.5)), [0.2, 0.9], True),
        (DepthTwo("one"), [0.2, 0.9], True),
    ],
    ids=str,
)
def test_lift_reads_the_instance_that_was_written(run, reduction, code, satisfied):
    instance = reduction.reduce(CNF(2, [(1, 2), (-1, 2)]))
    write_instance(instance, "built")
    np.save("z.npy", code)
    z = np.array(code)
    wanted = {
        "verdict": "sat" if satisfied else "undecided",
        "assignment": [False, True] if satisfied else None,
        "residual": float(np.linalg.norm(instance.network(z) - instance.observation, float(instance.gap_norm))),
        "gap": instance.gap,
    }
    assert run("lift", "built", "z.npy", "--json").json == wanted
    # One that was written before there were parameters.
    manifest = json.loads(Path("built/manifest.json").read_text())
    del manifest["parameters"]
    Path("built/manifest.json").write_text(json.dumps(manifest))
    assert run("lift", "built", "z.npy", "--json").json == wanted


def test_lift_of_a_network_that_is_not_the_formulas(run):
    write_instance(DepthTwo().reduce(CNF(2, [(1, 2)])), "built")
    Path("built/source.cnf").write_text("p cnf 3 1\n1 2 3 0\n")
    np.save("z.npy", [0.0, 1.0])
    refused(run("lift", "built", "z.npy"), "2")


def test_convexity(run):
    ran = run("convexity", "abs.npz", "x.csv", "--box", -3, 3)
    assert ran.code == 0
    assert ran.out.startswith("nonconvex, proved\n")
    ran = run("convexity", "abs.npz", "x.csv", "--box", 0, 3, "--json", "--solver", "highs")
    assert ran.json["verdict"] == "convex"


def test_convexity_interrupted(run, scripted):
    calls = scripted(Outcome.without_point(Status.INTERRUPTED))
    EXAMPLES["ball"].network.save("ball.npz")
    Path("zero.csv").write_text("0\n")
    ran = run("convexity", "ball.npz", "zero.csv", "--box", -3, 3, "--solver", "scripted", "--json")
    assert len(calls) == 1
    assert (ran.code, ran.out, ran.err) == (130, "", "interrupted\n")


def test_suite(run):
    ran = run("suite", "--out", "all", "--sizes", "3", "--reduction", "box", "--json")
    assert ran.code == 0
    assert [manifest["verdict"] for manifest in ran.json] == ["sat", "unsat"]
    assert {manifest["folder"] for manifest in json.loads(Path("all/suite.json").read_text())} == {
        "sat-3-0-box",
        "unsat-3-0-box",
    }


def test_draw_json(run):
    ran = run("draw", "ball", "--out", "p.png", "--json")
    assert ran.code == 0
    assert ran.json == {"what": "ball", "picture": str(Path("p.png").resolve())}
    assert Path("p.png").is_file()


@pytest.mark.parametrize("what", ["sat.cnf", "ball", "examples", "formulas"])
def test_draw(run, what):
    ran = run("draw", what, "--out", "p.png")
    assert ran.code == 0
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")


def test_help(run):
    assert "decide" in run().out
    assert "Exit codes" in run("--help").out
    assert "Examples" in run("decide", "--help").out
    assert run("--version").out == f"relu-reductions {pr.__version__}\n"


def test_long_assignments_are_folded():
    lines = value_lines([True] * 100)
    assert max(map(len, lines)) <= 78
    assert values_of("\n".join(lines)) == [True] * 100


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("decide", "none.cnf"), "none.cnf: no such file"),
        (("decide", "bad.cnf"), "bad.cnf, line 2: literal 2, but the header has 1 variable"),
        (("decide", "."), "is a folder"),
        (("decide", "sat.cnf", "--reduction", "x"), "unknown reduction 'x'; known: three-sat"),
        (("decide", "sat.cnf", "--solver", "x"), "unknown solver 'x'"),
        (("decide", "sat.cnf", "--time-limit", "-1"), "--time-limit must be a positive number"),
        (("decide", "sat.cnf", "--proof", "p.xyz"), "unknown suffix '.xyz'"),
        (("decide", "sat.cnf", "--proof", "none/p.drup"), "cannot write there"),
        (("build", "sat.cnf", "--out", "no/folder"), "cannot make the folder"),
        (("build", "sat.cnf", "--out", "b", "--reduction", "binary"), "VNN-LIB has no binary inputs"),
        (("lift", "sat.cnf", "x.csv"), "code has 1 entries, expected 3"),
        (("lift", "sat.cnf", "square.csv"), "code must have 1 axis, got shape (2, 2)"),
        (("lift", "sat.cnf", "nan.csv"), "code"),
        (("lift", ".", "x.csv"), "manifest.json: no such file"),
        (("lift", ".", "x.csv", "--reduction", "box"), "does not go with the folder"),
        (("convexity", "abs.npz", "none.npy"), "no such file"),
        (("convexity", "abs.npz", "x.csv", "--box", "3", "-3"), "exceeds upper"),
        (("suite", "--out", "s", "--sizes", "a"), "--sizes must be whole numbers"),
        (("suite", "--out", "s", "--sizes", "2"), "need 3 variables"),
        (("suite", "--out", "s", "--repeats", "0"), "--repeats must be an integer, at least 1"),
        (("suite", "--out", "s", "--sizes", "4,4"), "the size 4 is given twice"),
        (("suite", "--out", "s", "--reduction", "box", "--reduction", "box"), "the reduction box is given twice"),
        (("suite", "--out", "s", "--reduction", "box", "--reduction", "binary"), "VNN-LIB has no binary inputs"),
        (("draw", "none.cnf", "--out", "p.png"), "no such file"),
        (("draw", "two-points", "--out", "p.png"), "only pre-images with 2 inputs can be drawn"),
        (("draw", "ball", "--out", "p.txt"), "unknown suffix"),
        (("decode", "sat.cnf"), "decode"),
    ],
)
def test_bad_input_is_one_line(run, arguments, said):
    refused(run(*arguments), said)
    assert not Path("s").exists()


@pytest.mark.parametrize("text", ["[]", "{", '{"source": "source.edges"}', '{"source": "source.cnf", "reduction": 3}'])
def test_bad_manifests(run, text):
    Path("source.cnf").write_text(SQUARE)
    Path("manifest.json").write_text(text)
    refused(run("lift", ".", "x.csv"))


DEEP = json.loads('{"reduction": "convexity", "parameters": {"via": ' * 300 + "0" + "}}" * 300)


@pytest.mark.parametrize(
    "given",
    [
        {"parameters": []},
        {"parameters": {"slope": 0.5}},
        {"parameters": {"norm": [1]}},
        {"parameters": {"norm": {}}},
        {"parameters": {"norm": 2}},
        {"reduction": "leaky", "parameters": {"slope": "x"}},
        {"reduction": "max-sat", "parameters": {"weights": [[1, 0]]}},
        {"reduction": "max-sat", "parameters": {"weights": [3, 1]}},
        {"reduction": "convexity", "parameters": {"via": {"reduction": "binary", "parameters": {}}}},
        {"reduction": "convexity", "parameters": {"via": {"reduction": ["box"], "parameters": {}}}},
        DEEP,
        {"gap": None},
        {"gap": -1.0},
        {"gap": 10**400},
        {"gap": [1.0]},
        {"gap_norm": 3},
        {"gap_norm": None},
    ],
    ids=lambda given: str(given)[:60],
)
def test_manifests_that_say_what_cannot_be(run, given):
    write_instance(ThreeSat().reduce(CNF(1, [(1,)])), "built")
    path = Path("built/manifest.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **given}))
    refused(run("lift", "built", "x.csv"))


def test_the_help_names_every_reduction():
    said = get_args(ReductionOption)[1].help
    assert said.removeprefix("The network: ").removesuffix(".").replace(" or ", ", ").split(", ") == list(REDUCTIONS)


def test_a_proof_that_does_not_check_is_told_and_an_old_one_stays(run, monkeypatch):
    """The SAT solver leaves out all lines of its proof but the last."""
    from pysat.solvers import Solver as SatSolver

    class Silent(SatSolver):
        def get_proof(self):
            return ["0"]

    monkeypatch.setitem(sys.modules, "pysat.solvers", SimpleNamespace(Solver=Silent))
    Path("p.drup").write_text("0\n")
    ran = run("decide", "unsat.cnf", "--proof", "p.drup", "--reduction", "box")
    assert ran.code == 20
    said = "warning: the proof by glucose4 does not check, so p.drup was not written; p.drup is of an earlier run"
    assert ran.err.splitlines()[-1] == said
    assert Path("p.drup").read_text() == "0\n"


def test_a_time_limit_leaves_an_older_proof(run, scripted):
    Path("p.drup").write_text("0\n")
    scripted(Outcome.without_point(Status.TIME_LIMIT))
    ran = run("decide", "sat.cnf", "--proof", "p.drup", "--solver", "scripted")
    assert (ran.code, "s UNKNOWN\n" in ran.out) == (0, True)
    assert ran.err.splitlines()[-1].endswith("so p.drup was not written; p.drup is of an earlier run")
    assert Path("p.drup").read_text() == "0\n"
