"""The command line: every exit code, one line for every error, and nothing on stdout but the answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyomo_relu import inversion
from pyomo_relu.certificate import Certificate, Claim, Standing
from pyomo_relu.cli import main
from pyomo_relu.cli.demo import Trial, gallery, noisy, psnr
from pyomo_relu.cli.invert import exit_code
from pyomo_relu.cli.method import MethodFlags, choose_method
from pyomo_relu.cli.options import SolverFlags, choose_solver
from pyomo_relu.cli.show import layer_facts
from pyomo_relu.errors import InputError, PyomoReluError, SolverConfigError
from pyomo_relu.formulations import Bisection, Geometric, LayerL1
from pyomo_relu.generator import mnist_generator, mnist_latents
from pyomo_relu.io.observation import read_array
from pyomo_relu.network import Network
from pyomo_relu.result import Result
from pyomo_relu.solvers import BACKENDS
from pyomo_relu.status import Status

CODE = np.array([1.0, -1.0, 0.5])
NET = Network.random((3, 12, 30), seed=4)
NARROW = Network.random((3, 6, 8), seed=1)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYOMO_RELU_SOLVER", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a network, and observations of it."""
    monkeypatch.chdir(tmp_path)
    NET.save("net.npz")
    np.save("x.npy", NET(CODE))
    np.savetxt("noisy.csv", NET(CODE) + np.random.default_rng(0).uniform(-0.01, 0.01, 30), fmt="%.17g")
    return tmp_path


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, *capfd.readouterr())

    return run


def refused(ran: Ran, *said: str) -> None:
    """Check that bad input was refused in one line."""
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert ran.err.endswith("\n")
    for text in said:
        assert text in ran.err


def result(status: Status, z: Any = None, realizable: bool | None = None, **fields: Any) -> Result:
    given: dict[str, Any] = {"residual": None if z is None else 0.5, "dual_bound": 0.25, **fields}
    certificate = Certificate((Claim("a claim", Standing.TRUSTED, "somebody"),))
    return Result(
        z=z, status=status, norm="inf", objective=None, realizable=realizable, certificate=certificate,
        seconds=0.1, solver="Solver 1.0", **given,
    )  # fmt: skip


# The front


def test_version(run: Run) -> None:
    from pyomo_relu import __version__

    assert run("--version") == Ran(0, f"pyomo-relu {__version__}\n", "")


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_the_commands(run: Run, arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert ran.code == 0
    assert all(command in ran.out for command in ("invert", "demo", "show", "solvers", "Exit codes"))


def test_help_of_invert_names_every_flag(run: Run) -> None:
    flags = (
        "method formulation schedule eps norm encoding solver config time-limit threads seed log option box mask "
        "operator slopes json out plot"
    )
    out = run("invert", "--help").out
    assert [flag for flag in flags.split() if f"--{flag}" not in out] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["invert"], "Missing argument"),
        (["invert", "net.npz"], "Missing argument"),
        (["invert", "net.npz", "x.npy", "--nonsense"], "No such option: --nonsense"),
        (["invert", "net.npz", "x.npy", "--time-limit", "soon"], "'--time-limit'"),
        (["invert", "net.npz", "x.npy", "--threads", "1.5"], "'--threads'"),
        (["invert", "net.npz", "x.npy", "--box", "-3"], "'--box' requires 2 arguments"),
        (["show", "net.npz", "x.npy"], "unexpected extra argument"),
    ],
)
def test_usage_errors_are_one_line(run: Run, folder: Path, arguments: list[str], said: str) -> None:
    refused(run(*arguments), said)


# invert: what it prints


def test_a_table_of_the_result_and_of_the_layers(run: Run, folder: Path) -> None:
    ran = run("invert", "net.npz", "x.npy")
    assert (ran.code, ran.err) == (0, "")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ran.out.splitlines()]
    rows = {row[0]: row[1:] for row in cells if row}
    assert rows["status"] == ["solved"]
    assert rows["realizable"] == ["yes"]
    assert rows["code"] == ["3 numbers from -1 to 1"]
    assert rows["solver"][0].startswith("HiGHS ")
    assert rows["verified"][0].startswith("||")
    assert ["layer", "status", "eps", "active/n", "rank/k", "unique", "residual", "solves", "s"] in cells
    assert rows["2"][0] == "solved"
    assert [rows["2"][3], rows["1"][3]] == ["12/12", "3/3"]
    assert rows["1"][2].endswith("/12")


def test_trouble_is_told_with_advice(run: Run, folder: Path) -> None:
    Network.random((3, 4, 2), seed=0).save("flat.npz")
    Path("x.json").write_text("[1.0, 2.0]")
    ran = run("invert", "flat.npz", "x.json", "--formulation", "linear")
    assert ran.code == 1
    assert f"rank deficient: {Status.RANK_DEFICIENT.advice}" in ran.out
    assert "layer 2: 2 active rows of rank 0 for 4 unknowns" in ran.out


def test_json_is_alone_on_stdout_and_agrees_with_the_library(run: Run, folder: Path) -> None:
    ran = run("invert", "net.npz", "noisy.csv", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count("\n") == 1
    expected = inversion.invert(NET, read_array("noisy.csv", "x")).to_dict()
    assert ran.json.keys() == expected.keys()
    assert {key: ran.json[key] for key in ("status", "z", "residual", "dual_bound", "realizable")} == {
        key: expected[key] for key in ("status", "z", "residual", "dual_bound", "realizable")
    }


@pytest.mark.parametrize("solver", ["highs", "scip"])
def test_json_is_alone_on_stdout_although_the_solver_talks(run: Run, folder: Path, solver: str) -> None:
    ran = run("invert", "net.npz", "noisy.csv", "--json", "--log", "--solver", solver)
    assert ran.code == 0
    assert ran.json["status"] == "solved"
    assert len(ran.err.splitlines()) > 10


def test_a_log_asked_for_in_the_config_can_be_switched_off(run: Run, folder: Path) -> None:
    Path("run.toml").write_text('[solver]\nname = "highs"\nlog = true\n')
    quiet = run("invert", "net.npz", "x.npy", "--json", "--config", "run.toml", "--no-log")
    loud = run("invert", "net.npz", "x.npy", "--json", "--config", "run.toml")
    assert quiet.err == ""
    assert "HiGHS" in loud.err
    assert loud.json["z"] == quiet.json["z"]


@pytest.mark.filterwarnings("default")
def test_warnings_are_one_line_on_stderr(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(*_: object, **__: object) -> Result:
        warnings.warn("two\nlines", UserWarning, stacklevel=1)
        return result(Status.OPTIMAL, CODE)

    monkeypatch.setattr(inversion, "invert", warn)
    ran = run("invert", "net.npz", "x.npy", "--json")
    assert (ran.code, ran.err, ran.json["z"]) == (0, "warning: two lines\n", CODE.tolist())


# invert: methods and their flags


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--formulation", "linf"],
        ["--formulation", "linf", "--schedule", "bisection"],
        ["--formulation", "linf", "--schedule", "geometric", "--eps", "1e-7"],
        ["--formulation", "l1", "--eps", "1e-7"],
        ["--formulation", "l1", "--schedule", "geometric"],
        ["--formulation", "relaxed", "--eps", "0"],
        ["--formulation", "realizable"],
        ["--formulation", "linear"],
        ["--method", "exact"],
        ["--method", "exact", "--box", "-3", "3"],
        ["--method", "exact", "--norm", "1", "--encoding", "big-m", "--box", "-2", "2.5"],
        ["--method", "layerwise", "--box", "-3", "inf"],
    ],
)
def test_every_method_inverts_an_exact_observation(run: Run, folder: Path, flags: list[str]) -> None:
    ran = run("invert", "net.npz", "x.npy", "--json", *flags)
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["status"] in ("solved", "optimal")
    np.testing.assert_allclose(ran.json["z"], CODE, atol=1e-5)


def test_flags_reach_the_method() -> None:
    assert choose_method(MethodFlags(method="exact", norm="2", encoding="sos1")) == inversion.Exact(2, "sos1")
    linf = choose_method(MethodFlags(schedule="geometric", eps=0.5))
    assert isinstance(linf, inversion.Layerwise)
    assert (linf.formulation.eps, linf.formulation.schedule) == (0.5, Geometric())  # type: ignore[union-attr]
    bisection = choose_method(MethodFlags(schedule="bisection"))
    assert bisection.formulation.schedule == Bisection()  # type: ignore[attr-defined]
    assert choose_method(MethodFlags(formulation="l1")) == inversion.Layerwise(LayerL1())


CONTRADICTIONS = [
    (["--norm", "1"], "--norm does not go with --method layerwise"),
    (["--encoding", "sos1"], "--encoding does not go with --method layerwise"),
    (["--method", "exact", "--formulation", "l1"], "--formulation does not go with --method exact"),
    (["--method", "exact", "--schedule", "geometric"], "--schedule does not go with --method exact"),
    (["--method", "exact", "--eps", "1"], "--eps does not go with --method exact"),
    (["--formulation", "realizable", "--eps", "1"], "--eps does not go with --formulation realizable"),
    (["--formulation", "linear", "--eps", "1"], "--eps does not go with --formulation linear"),
    (["--formulation", "relaxed", "--schedule", "geometric"], "--schedule does not go with --formulation relaxed"),
    (["--formulation", "l1", "--schedule", "bisection"], "--formulation l1: schedule must be Geometric()"),
    (["--eps", "1", "--schedule", "bisection"], "--formulation linf: Bisection needs no guess"),
    (["--formulation", "linear", "--solver", "highs"], "--solver does not go with --formulation linear"),
    (["--formulation", "linear", "--time-limit", "9"], "--time-limit does not go with --formulation linear"),
    (["--formulation", "linear", "--log"], "--log does not go with --formulation linear"),
    (["--formulation", "linear", "--box", "-1", "1"], "--box does not go with --formulation linear"),
    (["--mask", "x.npy", "--operator", "x.npy"], "a mask or an operator, not both"),
]


@pytest.mark.parametrize(("flags", "said"), CONTRADICTIONS)
def test_contradictory_flags_are_refused(run: Run, folder: Path, flags: list[str], said: str) -> None:
    refused(run("invert", "net.npz", "x.npy", *flags), said)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--method", "guess"], "unknown method 'guess'; known: layerwise, exact"),
        (["--formulation", "l7"], "unknown formulation 'l7'; known: linf, l1"),
        (["--schedule", "slow"], "unknown schedule 'slow'; known: bisection, geometric"),
        (["--eps", "nan"], "eps must be a positive number"),
        (["--eps", "-1"], "eps must be a positive number"),
        (["--method", "exact", "--norm", "3"], "norm must be 'inf', 1 or 2, got '3'"),
        (["--method", "exact", "--encoding", "foo"], "unknown encoding 'foo'; known: big-m"),
        (["--method", "exact", "--encoding", "triangle"], "only a relaxation"),
        (["--box", "3", "-3"], "box is empty: lower 3 exceeds upper -3"),
        (["--box", "nan", "3"], "box has NaN bounds"),
    ],
)
def test_unknown_names_and_values_are_refused(run: Run, folder: Path, flags: list[str], said: str) -> None:
    refused(run("invert", "net.npz", "x.npy", *flags), said)


def test_exact_without_a_box_names_the_remedy_where_the_observation_does_not_bound_the_code(
    run: Run, folder: Path
) -> None:
    Network.random((4, 6, 6, 8), seed=0).save("deep.npz")
    np.save("far.npy", np.abs(np.random.default_rng(0).normal(size=8)) * 5)
    refused(run("invert", "deep.npz", "far.npy", "--method", "exact"), "(here: --box LO HI)")
    refused(run("invert", "deep.npz", "far.npy", "--method", "exact", "--box", "-inf", 3), "(here: --box LO HI)")
    ran = run("invert", "deep.npz", "far.npy", "--method", "exact", "--box", -3, 3, "--json")
    assert (ran.code, ran.json["status"]) == (0, "optimal")
    assert ran.json["gap"] < 1e-5
    assert np.abs(ran.json["z"]).max() <= 3.0


def test_a_negative_observation_has_no_exact_code(run: Run, folder: Path) -> None:
    refused(run("invert", "net.npz", "noisy.csv", "--formulation", "realizable"), "a ReLU output is never negative")


# invert: masks, operators, files


def test_a_mask_hides_what_was_not_observed(run: Run, folder: Path) -> None:
    x, mask = NET(CODE), np.ones(30, dtype=bool)
    mask[[2, 5]] = False
    np.save("holes.npy", np.where(mask, x, np.nan))
    Path("mask.json").write_text(json.dumps(mask.tolist()))
    refused(run("invert", "net.npz", "holes.npy"), "observation has 2 entries that are not finite, the first at 2")
    ran = run("invert", "net.npz", "holes.npy", "--mask", "mask.json", "--json")
    assert ran.code == 0
    np.testing.assert_allclose(ran.json["z"], CODE, atol=1e-6)


def test_an_operator_measures_the_output(run: Run, folder: Path) -> None:
    matrix = np.random.default_rng(0).normal(size=(20, 30))
    np.savetxt("A.txt", matrix, fmt="%.17g")
    np.save("y.npy", matrix @ NET(CODE))
    ran = run("invert", "net.npz", "y.npy", "--operator", "A.txt", "--method", "exact", "--box", -3, 3, "--json")
    assert ran.code == 0
    assert np.abs(matrix @ NET(ran.json["z"]) - matrix @ NET(CODE)).max() == pytest.approx(ran.json["residual"])
    assert ran.json["residual"] < 1e-5
    refused(run("invert", "net.npz", "x.npy", "--operator", "A.txt"), "observation has 30 entries, expected 20")


def test_one_line_of_an_operator_is_one_measurement(run: Run, folder: Path) -> None:
    Path("A.csv").write_text(",".join(["1"] * 30))
    Path("y.json").write_text(json.dumps([float(NET(CODE).sum())]))
    ran = run("invert", "net.npz", "y.json", "--operator", "A.csv", "--method", "exact", "--box", -3, 3, "--json")
    assert ran.code == 0
    assert ran.json["realizable"] is True


BAD_FILES = {
    "missing network": (["nowhere.npz", "x.npy"], "nowhere.npz: no such file"),
    "no network": (["x.npy", "x.npy"], "unknown suffix '.npy'"),
    "damaged network": (["damaged.npz", "x.npy"], "damaged"),
    "network without activations": (["bare.npz", "x.npy"], "(here: --slopes S,S,...)"),
    "slopes twice": (["net.npz", "x.npy", "--slopes", "0"], "holds its own activations"),
    "slopes of mnist": (["mnist", "x.npy", "--slopes", "0"], "--slopes does not go with mnist"),
    "words for slopes": (["bare.npz", "x.npy", "--slopes", "0,a"], "--slopes must be a number"),
    "steep slopes": (["bare.npz", "x.npy", "--slopes", "2"], "must be in [0, 1]"),
    "missing observation": (["net.npz", "nowhere.npy"], "observation nowhere.npy: no such file"),
    "short observation": (["net.npz", "short.json"], "observation has 2 entries, expected 30"),
    "observation of mnist": (["mnist", "x.npy"], "observation has 30 entries, expected 784"),
    "a matrix": (["net.npz", "matrix.npy"], "observation must have 1 axis, got shape (1, 30)"),
    "NaN": (["net.npz", "nan.npy"], "observation has 1 entry that is not finite, the first at 3"),
    "empty": (["net.npz", "empty.txt"], "observation empty.txt: is empty"),
    "pickled": (["net.npz", "pickled.npy"], "pickled Python objects, which are never loaded"),
    "words": (["net.npz", "words.csv"], "line 1: 'one' is not a number"),
    "mask of numbers": (["net.npz", "x.npy", "--mask", "x.npy"], "mask must hold booleans, or 0 and 1"),
    "short mask": (["net.npz", "x.npy", "--mask", "short.json"], "mask has 2 entries, expected 30"),
    "flat operator": (["net.npz", "x.npy", "--operator", "x.npy"], "operator must have 2 axes"),
    "narrow operator": (["net.npz", "x.npy", "--operator", "square.npy"], "operator has 2 columns, the network 30"),
    "missing config": (["net.npz", "x.npy", "--config", "nowhere.toml"], "nowhere.toml: No such file"),
    "damaged config": (["net.npz", "x.npy", "--config", "words.csv"], "words.csv: not TOML"),
    "config without a table": (["net.npz", "x.npy", "--config", "empty.txt"], "no [solver] table"),
    "config with a typo": (["net.npz", "x.npy", "--config", "typo.toml"], "unknown key 'tme_limit'"),
}


@pytest.fixture
def bad_files(folder: Path) -> Path:
    Path("damaged.npz").write_bytes(Path("net.npz").read_bytes()[:200])
    np.savez("bare.npz", W1=np.ones((30, 3)), b1=np.zeros(30))
    Path("short.json").write_text("[1, 0]")
    np.save("matrix.npy", NET(CODE)[None])
    np.save("nan.npy", np.where(np.arange(30) == 3, np.nan, NET(CODE)))
    Path("empty.txt").touch()
    np.save("pickled.npy", np.array([{}], dtype=object))
    Path("words.csv").write_text("one,two")
    np.save("square.npy", np.eye(2))
    Path("typo.toml").write_text("[solver]\ntme_limit = 3\n")
    return folder


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_refused_in_one_line(run: Run, bad_files: Path, case: str) -> None:
    arguments, said = BAD_FILES[case]
    refused(run("invert", *arguments), said)


def test_bad_input_has_no_traceback_in_a_real_process(folder: Path) -> None:
    command = [sys.executable, "-m", "pyomo_relu.cli", "invert", "net.npz", "nowhere.npy", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", "error: observation nowhere.npy: no such file\n")


def test_slopes_give_a_bare_network_its_activations(run: Run, folder: Path) -> None:
    np.savez("bare.npz", W1=NET[0].weight, b1=np.zeros(12), W2=NET[1].weight, b2=np.zeros(30))
    np.save("y.npy", Network.from_arrays([NET[0].weight, NET[1].weight], slopes=[0.5, 0.25])(CODE))
    ran = run("invert", "bare.npz", "y.npy", "--slopes", "0.5,0.25", "--json")
    assert ran.code == 0
    np.testing.assert_allclose(ran.json["z"], CODE, atol=1e-6)


# invert: solvers


def test_flags_beat_the_config_beats_the_environment_beats_the_default(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def solver(*flags: str) -> str:
        ran = run("invert", "net.npz", "noisy.csv", "--json", *flags)
        assert ran.code == 0
        return str(ran.json["solver"]).split()[0]

    Path("run.toml").write_text('[solver]\nname = "highs"\n')
    assert solver() == "HiGHS"
    monkeypatch.setenv("PYOMO_RELU_SOLVER", "scip")
    assert solver() == "SCIP"
    assert solver("--config", "run.toml") == "HiGHS"
    assert solver("--config", "run.toml", "--solver", "scip") == "SCIP"
    Path("run.toml").write_text("[solver]\nseed = 3\n")
    assert solver("--config", "run.toml") == "SCIP"


def test_each_flag_replaces_its_field_of_the_config_and_leaves_the_others(tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text(
        '[solver]\nname = "scip"\ntime_limit = 20\nrel_gap = 0.1\nthreads = 2\nseed = 3\nlog = true\n'
        '[solver.options]\n"limits/nodes" = 5\n"limits/gap" = 0.5\n'
    )
    same = choose_solver(SolverFlags(config=config))
    assert (same.name, same.time_limit, same.rel_gap, same.threads, same.seed, same.log) == (
        "scip",
        20,
        0.1,
        2,
        3,
        True,
    )
    flags = SolverFlags(config=config, time_limit=7.0, seed=0, log=False, option=["limits/nodes=6"])
    merged = choose_solver(flags)
    assert (merged.time_limit, merged.rel_gap, merged.threads, merged.seed, merged.log) == (7.0, 0.1, 2, 0, False)
    assert dict(merged.options) == {"limits/nodes": 6, "limits/gap": 0.5}
    assert flags.given == ["--config", "--time-limit", "--seed", "--log", "--option"]


def test_options_of_one_solver_are_not_handed_to_another(tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text('[solver]\nname = "scip"\n[solver.options]\n"limits/nodes" = 5\n')
    with pytest.raises(SolverConfigError, match="its options are those of scip, not of highs"):
        choose_solver(SolverFlags(solver="highs", config=config))
    assert choose_solver(SolverFlags(solver="scip", config=config)).options["limits/nodes"] == 5


def test_options_may_belong_to_the_solver_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYOMO_RELU_SOLVER", "scip")
    chosen = choose_solver(SolverFlags(option=["limits/nodes=5"]))
    assert (chosen.name, dict(chosen.options)) == ("scip", {"limits/nodes": 5})


@pytest.mark.parametrize("text", ["nodes", "=5", " =5", ""])
def test_options_must_be_pairs(text: str) -> None:
    with pytest.raises(InputError, match="KEY=VALUE"):
        choose_solver(SolverFlags(solver="scip", option=[text]))


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="given twice"):
        choose_solver(SolverFlags(solver="scip", option=["a=1", "a=2"]))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--solver", "nope"], "unknown solver 'nope'; known: highs, scip"),
        (["--solver", "highs", "--option", "nope=1"], "HiGHS option 'nope': "),
        (["--solver", "highs", "--option", "presolve=7"], "HiGHS option 'presolve': "),
        (["--solver", "scip", "--option", "limits/nodes=many"], "SCIP option 'limits/nodes': "),
        (["--solver", "scip", "--option", "limits/nodes"], "--option must be KEY=VALUE"),
        (["--option", "presolve=off"], "give --solver too"),
        (["--time-limit", "-1"], "time_limit must be"),
        (["--threads", "0"], "threads must be a whole number"),
        (["--seed", "-1"], "seed must be a whole number"),
        (["--solver", "highs", "--method", "exact", "--encoding", "sos1"], "HiGHS does not take SOS1 models"),
        (["--solver", "highs", "--method", "exact", "--norm", "2"], "HiGHS does not take MIQP models"),
    ],
)
def test_solver_trouble_is_refused_in_one_line(run: Run, folder: Path, flags: list[str], said: str) -> None:
    refused(run("invert", "net.npz", "noisy.csv", *flags), said)


def test_an_unknown_solver_in_the_environment_names_the_variable(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYOMO_RELU_SOLVER", "nope")
    refused(run("invert", "net.npz", "x.npy"), "PYOMO_RELU_SOLVER: unknown solver 'nope'")
    assert run("invert", "net.npz", "x.npy", "--solver", "highs", "--json").code == 0


def test_a_solver_that_is_not_installed_is_refused_with_its_install_line(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    monkeypatch.setitem(BACKENDS, "cplex", replace(BACKENDS["cplex"], version=lambda: None))
    ran = run("invert", "net.npz", "x.npy", "--solver", "cplex")
    refused(ran, f"CPLEX is not installed; {BACKENDS['cplex'].install}")


# invert: what it writes


def test_the_whole_result_is_written_as_json(run: Run, folder: Path) -> None:
    ran = run("invert", "net.npz", "noisy.csv", "--json", "--out", "r.json")
    assert json.loads(Path("r.json").read_text()) == ran.json


@pytest.mark.parametrize("name", ["z.npy", "z.npz", "z.csv", "z.NPY"])
def test_the_code_is_written_and_read_back_exactly(run: Run, folder: Path, name: str) -> None:
    ran = run("invert", "net.npz", "noisy.csv", "--json", "--out", name)
    assert ran.code == 0
    if name == "z.npz":
        with np.load(name, allow_pickle=False) as archive:
            assert archive.files == ["z"]
            found = archive["z"]
    else:
        found = read_array(name, "code")
    assert found.tolist() == ran.json["z"]
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--out", "z.txt"], "--out z.txt: unknown suffix '.txt'; known: .json, .npy, .npz, .csv"),
        (["--out", "z"], "--out z: unknown suffix ''"),
        (["--out", "nowhere/z.npy"], "--out nowhere/z.npy: cannot write there: No such file or directory"),
        (["--out", "net.npz/z.npy"], "cannot write there: Not a directory"),
        (["--out", "folder.json"], "--out folder.json: is a folder"),
        (["--out", "x.npy"], "--out x.npy: would replace an input"),
        (["--out", "net.npz"], "--out net.npz: would replace an input"),
        (["--plot", "x.gif"], "--plot x.gif: unknown suffix '.gif'; known: .png, .svg, .pdf"),
        (["--plot", "nowhere/x.png"], "--plot nowhere/x.png: cannot write there"),
    ],
)
def test_files_that_cannot_be_written_are_refused_before_the_solve(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], said: str
) -> None:
    def never(*_: object, **__: object) -> Result:
        raise AssertionError("solved")

    monkeypatch.setattr(inversion, "invert", never)
    Path("folder.json").mkdir()
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    refused(run("invert", "net.npz", "x.npy", *flags), said)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(run: Run, folder: Path) -> None:
    Path("locked").mkdir(mode=0o500)
    refused(run("invert", "net.npz", "x.npy", "--out", "locked/z.npy"), "Permission denied")


def test_where_there_is_no_code_the_file_is_left_alone(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inversion, "invert", lambda *_, **__: result(Status.TIME_LIMIT))
    ran = run("invert", "net.npz", "x.npy", "--out", "z.npy", "--plot", "z.png")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "warning: there is no code, so z.npy was not written",
        "warning: there is no code, so z.png was not drawn",
    ]
    assert not Path("z.npy").exists()
    assert not Path("z.png").exists()
    assert run("invert", "net.npz", "x.npy", "--out", "r.json").code == 1
    assert json.loads(Path("r.json").read_text())["z"] is None


@pytest.mark.parametrize("name", ["p.png", "p.svg", "p.pdf"])
def test_a_picture_is_drawn(run: Run, folder: Path, name: str) -> None:
    pytest.importorskip("matplotlib")
    np.save("mask.npy", np.arange(30) != 4)
    ran = run("invert", "net.npz", "noisy.csv", "--mask", "mask.npy", "--plot", name)
    assert (ran.code, ran.err) == (0, "")
    magic = {"p.png": b"\x89PNG", "p.svg": b"<?xml", "p.pdf": b"%PDF"}[name]
    assert Path(name).read_bytes().startswith(magic)
    assert Path(name).stat().st_size > 5000


def test_without_matplotlib_a_picture_is_refused_before_the_solve(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    refused(run("invert", "net.npz", "x.npy", "--plot", "p.png"), 'pip install "pyomo-relu[plot]"')


# invert: exit codes


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("realizable", [True, False, None])
def test_exit_code_of_every_status(status: Status, realizable: bool | None) -> None:
    code = exit_code(result(status, realizable=realizable))
    if status is Status.INTERRUPTED:
        assert code == 130
    elif status in (Status.OPTIMAL, Status.SOLVED) or realizable is True:
        assert code == 0
    else:
        assert code == (0 if status is Status.INFEASIBLE and realizable is False else 1)


def test_a_refuted_observation_is_decided(run: Run, folder: Path) -> None:
    NARROW.save("narrow.npz")
    np.save("off.npy", NARROW(CODE) + 0.01)
    ran = run("invert", "narrow.npz", "off.npy", "--formulation", "realizable", "--json")
    assert ran.code == 0
    assert (ran.json["status"], ran.json["realizable"], ran.json["z"]) == ("infeasible", False, None)


def test_a_limit_shows_and_keeps_the_incumbent(run: Run, folder: Path) -> None:
    net = Network.random((6, 14, 14, 20), seed=0)
    net.save("deep.npz")
    np.save("y.npy", net(np.ones(6)) + np.random.default_rng(0).uniform(-0.5, 0.5, 20))
    flags = ("--method", "exact", "--norm", "1", "--box", "-4", "4", "--solver", "scip", "--option", "limits/nodes=1")
    ran = run("invert", "deep.npz", "y.npy", *flags, "--json")
    assert ran.code == 1
    assert ran.json["status"] == "limit"
    assert np.abs(net(ran.json["z"]) - np.load("y.npy")).sum() == pytest.approx(ran.json["residual"])
    assert 0.0 <= ran.json["dual_bound"] < ran.json["residual"]


def test_ctrl_c_is_one_line_and_130(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> Result:
        raise KeyboardInterrupt

    monkeypatch.setattr(inversion, "invert", interrupt)
    assert run("invert", "net.npz", "x.npy") == Ran(130, "", "interrupted\n")


def test_an_interrupted_solve_keeps_its_incumbent(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inversion, "invert", lambda *_, **__: result(Status.INTERRUPTED, CODE))
    ran = run("invert", "net.npz", "x.npy", "--json", "--out", "z.npy")
    assert (ran.code, ran.err, ran.json["z"]) == (130, "interrupted\n", CODE.tolist())
    assert np.load("z.npy").tolist() == CODE.tolist()
    monkeypatch.setattr(inversion, "invert", lambda *_, **__: result(Status.INTERRUPTED))
    assert run("invert", "net.npz", "x.npy") == Ran(130, "", "interrupted\n")


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["scip", "highs"])
def test_ctrl_c_in_the_middle_of_a_real_solve(folder: Path, solver: str) -> None:
    net = Network.random((8, 24, 24, 40), seed=0)
    net.save("deep.npz")
    np.save("y.npy", net(np.ones(8)) + np.random.default_rng(0).uniform(-0.3, 0.3, 40))
    flags = ["--method", "exact", "--norm", "1", "--box", "-4", "4", "--solver", solver, "--time-limit", "100"]
    command = [sys.executable, "-m", "pyomo_relu.cli", "invert", "deep.npz", "y.npy", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        # Neither solver lets its log out before it ends, so that only the clock tells that it is at work.
        time.sleep(12)
        process.send_signal(signal.SIGINT)
        started = time.perf_counter()
        _, err = process.communicate()
    assert time.perf_counter() - started < 20
    assert process.returncode == 130
    assert err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in err


def test_a_reader_that_leaves_early_is_no_trouble() -> None:
    command = f"{sys.executable} -m pyomo_relu.cli show mnist | true"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120, check=True)
    assert ran.stderr == ""


# solvers


def test_solvers_lists_every_backend(run: Run) -> None:
    ran = run("solvers")
    assert (ran.code, ran.err) == (0, "")
    for name, backend in BACKENDS.items():
        (line,) = (line for line in ran.out.splitlines() if line.startswith(f"│ {name} "))
        assert backend.install in line
        assert all(str(capability) in line for capability in backend.supports)
        assert ("│ yes" in line) or ("│ no: " in line)


def test_solvers_as_json(run: Run) -> None:
    found = {solver["name"]: solver for solver in run("solvers", "--json").json}
    assert list(found) == list(BACKENDS)
    assert found["highs"]["runs"] is True
    assert found["highs"]["supports"] == ["LP", "MILP"]
    assert found["scip"]["version"]
    assert all(solver["runs"] or solver["reason"] for solver in found.values())


# show


def test_show_tells_sizes_and_parameters(run: Run, folder: Path) -> None:
    ran = run("show", "net.npz")
    assert (ran.code, ran.err) == (0, "")
    assert "sizes 3-12-30, 438 parameters" in ran.out
    facts = run("show", "net.npz", "--json").json
    assert (facts["sizes"], facts["parameters"]) == ([3, 12, 30], 438)
    assert [layer["parameters"] for layer in facts["layers"]] == [48, 390]
    assert facts["layers"][1]["weight_min"] == NET[1].weight.min()
    assert facts["layers"][1]["weight_max"] == NET[1].weight.max()
    assert [layer["activation"] for layer in facts["layers"]] == ["ReLU", "ReLU"]


def test_show_knows_the_shipped_generator(run: Run) -> None:
    assert run("show", "mnist", "--json").json["sizes"] == [20, 60, 784]


def test_show_takes_slopes_where_the_file_has_none(run: Run, bad_files: Path) -> None:
    refused(run("show", "bare.npz"), "--slopes")
    assert run("show", "bare.npz", "--slopes", "0.5", "--json").json["layers"][0]["activation"] == "LeakyReLU(0.5)"


def test_dead_rows_are_those_whose_output_is_the_same_for_every_code() -> None:
    first = [[0.0, 0.0], [-1.0, -1.0], [1.0, 0.0]]
    second = [[-1.0, 0.0, -1.0], [-1.0, -1.0, -1.0], [0.0, 0.0, 0.0], [-1.0, 1.0, 0.0]]
    biases = [[1.0, 0.0, 0.0], [0.0, 5.0, 1.0, 0.0]]
    net = Network.from_arrays([first, second], biases)
    assert [layer.dead_rows for layer in layer_facts(net)] == [1, 2]
    leaky = Network.from_arrays([first, second], biases, slopes=0.1)
    assert [layer.dead_rows for layer in layer_facts(leaky)] == [1, 1]
    codes = np.random.default_rng(0).normal(scale=10.0, size=(1000, 2))
    hidden = net[0](codes)
    assert (np.ptp(hidden, axis=0) == 0.0).tolist() == [True, False, False]
    assert (np.ptp(net(codes), axis=0) == 0.0).tolist() == [True, False, True, False]


# demo


def test_noise_is_bounded_and_repeats_with_its_seed() -> None:
    images = np.zeros((2, 500))
    first, again, other = noisy(images, 0.1, 0), noisy(images, 0.1, 0), noisy(images, 0.1, 1)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert 0.09 < np.abs(first).max() <= 0.1


def test_psnr_of_equal_images_is_infinite() -> None:
    assert psnr(np.ones(4), np.ones(4)) == np.inf


def test_demo_inverts_a_digit_both_ways_and_draws_it(run: Run, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    ran = run("demo", "--digits", 1, "--noise", 0.01)
    assert ran.code == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ran.out.splitlines()]
    rows = [row for row in rows if row and row[0] == "0"]
    assert [row[2:4] for row in rows] == [["layer-wise", "solved"], ["exact", "optimal"]]
    layerwise, exact = (float(row[4]) for row in rows)
    assert exact <= 0.0101
    assert exact <= layerwise
    assert all(float(row[5]) <= exact * 1.001 for row in rows)
    assert f"picture: {(folder / 'demo.png').resolve()}" in ran.out
    assert imread("demo.png").shape[0] > 900


@pytest.fixture
def _slow_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the exact method hit its time limit: with an incumbent for the digit 0, without one for the others."""
    codes = [mnist_latents()[0], None]

    def late(self: object, problem: Any, solver: Any) -> Result:
        assert solver.time_limit == 7.0
        assert problem.box.lower.tolist() == [-4.0] * 20
        return result(Status.TIME_LIMIT, codes.pop(0))

    monkeypatch.setattr(inversion.Exact, "run", late)


@pytest.mark.usefixtures("_slow_exact")
def test_demo_shows_a_time_limit_and_what_was_found_till_then(run: Run, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    ran = run("demo", "--digits", 2, "--time-limit", 7, "--out", "d.svg")
    assert ran.code == 1
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ran.out.splitlines()]
    exact = [row for row in rows if len(row) > 2 and row[2] == "exact"]
    assert exact[0][3:8] == ["time limit", "0.5", "0.25", "0.00%", "inf"]
    assert exact[1][3:8] == ["time limit", "-", "0.25", "-", "-"]
    assert Path("d.svg").stat().st_size > 5000


@pytest.mark.usefixtures("_slow_exact")
def test_demo_without_matplotlib_prints_the_table_and_says_why_there_is_no_picture(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    ran = run("demo", "--digits", 1, "--time-limit", 7)
    assert ran.code == 1
    assert "layer-wise" in ran.out
    assert ran.err == 'no picture: pictures need Matplotlib: pip install "pyomo-relu[plot]"\n'
    assert not Path("demo.png").exists()


def test_demo_stops_at_ctrl_c(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inversion.Layerwise, "run", lambda *_: result(Status.INTERRUPTED, mnist_latents()[0]))
    assert run("demo") == Ran(130, "", "interrupted\n")
    assert not Path("demo.png").exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--digits", "0"], "--digits must be 1 to 10, got 0"),
        (["--digits", "11"], "--digits must be 1 to 10, got 11"),
        (["--noise", "-1"], "--noise must be a non-negative number"),
        (["--noise", "nan"], "--noise must be a non-negative number"),
        (["--seed", "-1"], "--seed must be a non-negative whole number"),
        (["--solver", "nope"], "unknown solver 'nope'"),
        (["--time-limit", "0"], "time_limit must be"),
        (["--out", "demo.gif"], "--out demo.gif: unknown suffix '.gif'"),
        (["--out", "nowhere/demo.png"], "--out nowhere/demo.png: cannot write there"),
    ],
)
def test_demo_refuses_bad_flags_before_it_starts(run: Run, folder: Path, flags: list[str], said: str) -> None:
    refused(run("demo", *flags), said)


def test_the_gallery_shows_what_was_inverted() -> None:
    truth = mnist_generator()(mnist_latents()[:1])
    trials = [
        Trial(0, "layer-wise", result(Status.SOLVED, CODE), truth[0], 0.1, 30.0, False),
        Trial(0, "exact", result(Status.TIME_LIMIT), None, None, None, True),
    ]
    rows = gallery(truth, truth + 0.5, trials, 0.5)
    assert [row.label for row in rows] == ["observation", "truth\nG(z*)", "layer-wise", "exact"]
    assert [row.captions for row in rows] == [["noise up to 0.5"], [""], ["residual 0.5, 30.0 dB"], ["time limit"]]
    np.testing.assert_array_equal(rows[0].images[0], truth[0] + 0.5)
    assert rows[3].images == [None]


def test_every_error_of_the_package_is_bad_input(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def leaves(kind: type[Exception]) -> list[type[Exception]]:
        return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]

    for kind in leaves(PyomoReluError):

        def fail(*_: object, kind: type[Exception] = kind, **__: object) -> Result:
            raise kind("two\nlines")

        monkeypatch.setattr(inversion, "invert", fail)
        refused(run("invert", "net.npz", "x.npy"), "error: two lines")
