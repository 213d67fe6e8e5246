"""``invert``: exit codes, limits and Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import CODE, NARROW, Ran, Run, pressed_ctrl_c, result

from pyomo_relu.cli.invert import exit_code
from pyomo_relu.network import Network
from pyomo_relu.result import Result
from pyomo_relu.status import Status


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


def test_ctrl_c_is_one_line_and_130(run: Run, folder: Path, answering: Any) -> None:
    def interrupt(*_: object) -> Result:
        raise KeyboardInterrupt

    answering(interrupt)
    assert run("invert", "net.npz", "x.npy") == Ran(130, "", "interrupted\n")


def test_an_interrupted_solve_keeps_its_incumbent(run: Run, folder: Path, answering: Any) -> None:
    answering(lambda *_: result(Status.INTERRUPTED, CODE))
    ran = run("invert", "net.npz", "x.npy", "--json", "--out", "z.npy")
    assert (ran.code, ran.err, ran.json["z"]) == (130, "interrupted\n", CODE.tolist())
    assert np.load("z.npy").tolist() == CODE.tolist()
    answering(lambda *_: result(Status.INTERRUPTED))
    assert run("invert", "net.npz", "x.npy") == Ran(130, "", "interrupted\n")


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["scip", "highs"])
def test_ctrl_c_in_the_middle_of_a_real_solve(folder: Path, solver: str) -> None:
    net = Network.random((8, 24, 24, 40), seed=0)
    net.save("deep.npz")
    np.save("y.npy", net(np.ones(8)) + np.random.default_rng(0).uniform(-0.3, 0.3, 40))
    flags = ("--method", "exact", "--norm", 1, "--box", -4, 4, "--solver", solver, "--time-limit", 100)
    ran = pressed_ctrl_c(
        "invert", "deep.npz", "y.npy", *flags, inside=("pyomo_relu.inversion.task", "solve"), after=3.0
    )
    assert ran.code == 130
    assert ran.err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in ran.err
