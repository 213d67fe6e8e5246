"""``invert``: what it prints, and the flags of its methods."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import CODE, NET, Run, refused, result

from pyomo_relu import inversion
from pyomo_relu.cli.method_flags import MethodFlags, choose_method
from pyomo_relu.formulations import Bisection, Geometric, LayerL1
from pyomo_relu.io.observation import read_array
from pyomo_relu.network import Network
from pyomo_relu.result import Result
from pyomo_relu.status import Status


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
    assert "layer 2: 2 active rows of rank 2 for 4 unknowns" in ran.out


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
    assert len(loud.err.splitlines()) > 10
    assert loud.json["z"] == quiet.json["z"]


@pytest.mark.filterwarnings("default")
def test_warnings_are_one_line_on_stderr(run: Run, folder: Path, answering: Any) -> None:
    def warn(*_: object) -> Result:
        warnings.warn("two\nlines", UserWarning, stacklevel=1)
        return result(Status.OPTIMAL, CODE)

    answering(warn)
    ran = run("invert", "net.npz", "x.npy", "--json")
    assert (ran.code, ran.err, ran.json["z"]) == (0, "warning: two lines\n", CODE.tolist())


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
        ["--method", "hybrid"],
        ["--method", "hybrid", "--norm", "1", "--box", "-3", "3", "--solver", "scip"],
        ["--method", "descent", "--box", "-3", "3"],
    ],
)
def test_every_method_inverts_an_exact_observation(run: Run, folder: Path, flags: list[str]) -> None:
    ran = run("invert", "net.npz", "x.npy", "--json", *flags)
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["status"] in ("solved", "optimal")
    np.testing.assert_allclose(ran.json["z"], CODE, atol=1e-5)


def test_flags_reach_the_method() -> None:
    assert choose_method(MethodFlags(method="exact", norm="2", encoding="sos1")) == inversion.Exact(2, "sos1")
    assert choose_method(MethodFlags(method="exact", norm="1", tube=0.5)) == inversion.Exact(1, tube=0.5)
    assert choose_method(MethodFlags(method="exact", then="2")) == inversion.Exact("inf", then=2)
    assert choose_method(MethodFlags(method="hybrid")) == inversion.Hybrid()
    assert choose_method(MethodFlags(method="hybrid", norm="1")) == inversion.Hybrid(1)
    assert choose_method(MethodFlags(method="descent")) == inversion.Descent()
    linf = choose_method(MethodFlags(schedule="geometric", eps=0.5))
    assert isinstance(linf, inversion.Layerwise)
    assert (linf.formulation.eps, linf.formulation.schedule) == (0.5, Geometric())  # type: ignore[union-attr]
    bisection = choose_method(MethodFlags(schedule="bisection"))
    assert bisection.formulation.schedule == Bisection()  # type: ignore[attr-defined]
    assert choose_method(MethodFlags(formulation="l1")) == inversion.Layerwise(LayerL1())


CONTRADICTIONS = [
    (["--tube", "1"], "--tube does not go with --method layerwise"),
    (["--then", "2"], "--then does not go with --method layerwise"),
    (["--extent"], "--extent does not go with --method layerwise"),
    (["--tol", "1"], "--tol does not go with --method layerwise"),
    (["--method", "exact", "--tol", "1"], "--tol goes with --extent"),
    (["--method", "exact", "--tube", "1"], "--tube goes with norm 1, 2 or huber"),
    (["--method", "exact", "--norm", "1", "--then", "2"], "--then must be 1, 2 or huber, and goes with norm inf"),
    (["--method", "exact", "--then", "inf"], "--then must be 1, 2 or huber, and goes with norm inf"),
    (
        ["--method", "exact", "--norm", "1", "--tube", "1", "--then", "2"],
        "--then must be 1, 2 or huber, and goes with norm inf",
    ),
    (["--norm", "1"], "--norm does not go with --method layerwise"),
    (["--encoding", "sos1"], "--encoding does not go with --method layerwise"),
    (["--method", "exact", "--formulation", "l1"], "--formulation does not go with --method exact"),
    (["--method", "exact", "--schedule", "geometric"], "--schedule does not go with --method exact"),
    (["--method", "exact", "--eps", "1"], "--eps does not go with --method exact"),
    (["--method", "hybrid", "--eps", "1"], "--eps does not go with --method hybrid"),
    (["--method", "hybrid", "--norm", "3"], "--norm must be 'inf', 1, 2 or 'huber:<delta>', got '3'"),
    (["--method", "descent", "--norm", "1"], "--norm must be 2 or"),
    (["--method", "descent", "--solver", "scip"], "--solver does not go with --method descent, which calls no solver"),
    (["--formulation", "realizable", "--eps", "1"], "--eps does not go with --formulation realizable"),
    (["--formulation", "linear", "--eps", "1"], "--eps does not go with --formulation linear"),
    (["--formulation", "relaxed", "--schedule", "geometric"], "--schedule does not go with --formulation relaxed"),
    (["--formulation", "l1", "--schedule", "bisection"], "--schedule must be Geometric"),
    (["--eps", "1", "--schedule", "bisection"], "--eps is a first guess"),
    (["--formulation", "linear", "--solver", "highs"], "--solver does not go with --formulation linear"),
    (["--formulation", "linear", "--log"], "--log does not go with --formulation linear"),
    (["--formulation", "linear", "--box", "-1", "1"], "--box must be left out"),
    (["--mask", "x.npy", "--operator", "x.npy"], "a mask or an operator, not both"),
]


@pytest.mark.parametrize(("flags", "said"), CONTRADICTIONS)
def test_contradictory_flags_are_refused(run: Run, folder: Path, flags: list[str], said: str) -> None:
    refused(run("invert", "net.npz", "x.npy", *flags), said)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--method", "guess"], "unknown method 'guess'; known: layerwise, exact, hybrid, descent"),
        (["--formulation", "l7"], "unknown formulation 'l7'; known: linf, l1"),
        (["--schedule", "slow"], "unknown schedule 'slow'; known: bisection, geometric"),
        (["--eps", "nan"], "--eps must be a positive number"),
        (["--eps", "-1"], "--eps must be a positive number"),
        (["--method", "exact", "--norm", "3"], "--norm must be 'inf', 1, 2 or 'huber:<delta>', got '3'"),
        (["--method", "exact", "--then", "7"], "--then must be 'inf', 1, 2 or 'huber:<delta>', got '7'"),
        (["--method", "exact", "--norm", "1", "--tube", "-1"], "--tube must be a positive number, got -1.0"),
        (["--method", "exact", "--norm", "1", "--tube", "nan"], "--tube must be a positive number"),
        (["--method", "exact", "--extent", "--tol", "0"], "--tol must be a positive number"),
        (["--method", "exact", "--extent", "--tol", "1e-9"], "--tol must be at least"),
        (["--method", "exact", "--encoding", "foo"], "unknown encoding 'foo'; known: big-m"),
        (["--method", "exact", "--encoding", "triangle"], "only a relaxation"),
        (["--box", "3", "-3"], "--box is empty: lower 3 exceeds upper -3"),
        (["--box", "nan", "3"], "--box has NaN bounds"),
    ],
)
def test_unknown_names_and_values_are_refused(run: Run, folder: Path, flags: list[str], said: str) -> None:
    refused(run("invert", "net.npz", "x.npy", *flags), said)


def test_exact_without_a_box_names_the_remedy_where_the_observation_does_not_bound_the_code(
    run: Run, folder: Path
) -> None:
    Network.random((4, 6, 6, 8), seed=0).save("deep.npz")
    np.save("far.npy", np.abs(np.random.default_rng(0).normal(size=8)) * 5)
    refused(run("invert", "deep.npz", "far.npy", "--method", "exact"), "--box must be given, and bounded")
    refused(
        run("invert", "deep.npz", "far.npy", "--method", "exact", "--box", "-inf", 3),
        "--box must be given, and bounded",
    )
    ran = run("invert", "deep.npz", "far.npy", "--method", "exact", "--box", -3, 3, "--json")
    assert (ran.code, ran.json["status"]) == (0, "optimal")
    assert ran.json["gap"] < 1e-5
    assert np.abs(ran.json["z"]).max() <= 3.0


def test_a_negative_observation_has_no_exact_code(run: Run, folder: Path) -> None:
    refused(run("invert", "net.npz", "noisy.csv", "--formulation", "realizable"), "a ReLU output is never negative")


@pytest.mark.parametrize("method", ["layerwise", "exact", "hybrid", "descent"])
def test_a_time_limit_and_threads_go_with_every_method(run: Run, folder: Path, method: str) -> None:
    ran = run("invert", "net.npz", "x.npy", "--method", method, "--time-limit", "20", "--threads", "1")
    assert (ran.code, ran.err) == (0, "")
