"""The front: version, help, usage, and one line for every error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Ran, Run, refused

from pyomo_relu.errors import PyomoReluError
from pyomo_relu.result import Result


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
        "method formulation schedule eps norm encoding tube then extent tol solver config time-limit threads seed log "
        "option box mask weights operator slopes json out plot"
    )
    out = run("invert", "--help").out
    assert [flag for flag in flags.split() if f"--{flag}" not in out] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "nonsense"),
        (["invert"], "NETWORK"),
        (["invert", "net.npz"], "OBSERVATION"),
        (["invert", "net.npz", "x.npy", "--nonsense"], "--nonsense"),
        (["invert", "net.npz", "x.npy", "--time-limit", "soon"], "--time-limit"),
        (["invert", "net.npz", "x.npy", "--threads", "1.5"], "--threads"),
        (["invert", "net.npz", "x.npy", "--box", "-3"], "--box"),
        (["show", "net.npz", "x.npy"], "x.npy"),
    ],
)
def test_usage_errors_are_one_line(run: Run, folder: Path, arguments: list[str], said: str) -> None:
    refused(run(*arguments), said)


def test_a_reader_that_leaves_early_is_no_trouble() -> None:
    command = f"{sys.executable} -m pyomo_relu show mnist | true"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120, check=True)
    assert ran.stderr == ""


def test_every_error_of_the_package_is_bad_input(run: Run, folder: Path, answering: Any) -> None:
    def leaves(kind: type[Exception]) -> list[type[Exception]]:
        return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]

    for kind in leaves(PyomoReluError):

        def fail(*_: object, kind: type[Exception] = kind) -> Result:
            raise kind("two\nlines")

        answering(fail)
        refused(run("invert", "net.npz", "x.npy"), "error: two lines")
