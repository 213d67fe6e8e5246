"""``invert``: which solver runs, and how."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Run, refused

from pyomo_relu.cli.solver_flags import SolverFlags, choose_solver
from pyomo_relu.errors import InputError, SolverConfigError
from pyomo_relu.solvers import BACKENDS


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
        (["--time-limit", "-1"], "--time-limit must be"),
        (["--threads", "0"], "--threads must be a whole number"),
        (["--seed", "-1"], "--seed must be a whole number"),
        (["--solver", "highs", "--method", "exact", "--encoding", "sos1"], "HiGHS does not take SOS1 models"),
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
