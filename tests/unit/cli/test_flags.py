"""Every flag that takes numbers refuses bad ones by its own name."""

from __future__ import annotations

import errno
import os
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from command_line import Run, refused, result

from pyomo_relu.cli import app
from pyomo_relu.cli.method_flags import MethodFlags
from pyomo_relu.cli.solver_flags import SolverFlags
from pyomo_relu.result import Result
from pyomo_relu.status import Status

INVERT = ["invert", "net.npz", "x.npy"]
MANY = ["invert-many", "net.npz", "X.npy"]
PREIMAGE = ["preimage", "net.npz", "x.npy", "--box", "-3", "3"]
PROVE = ["prove", "net.npz", "x.npy", "--box", "-3", "3"]
REPRODUCE = ["reproduce", "fig1", "--out", "report"]
EXACT = ["--method", "exact", "--norm", "1"]

BAD: dict[str, list[list[str]]] = {
    "invert": [
        [*INVERT, "--eps", "-1"],
        [*INVERT, *EXACT, "--tube", "-1"],
        [*INVERT, *EXACT, "--extent", "--tol", "-1"],
        [*INVERT, "--box", "3", "-3"],
        [*INVERT, "--box", "nan", "3"],
        [*INVERT, "--time-limit", "-1"],
        [*INVERT, "--rel-gap", "-1"],
        [*INVERT, "--threads", "0"],
        [*INVERT, "--seed", "-1"],
    ],
    "invert-many": [
        [*MANY, "--workers", "0"],
        [*MANY, "--chunk", "0"],
        [*MANY, "--eps", "nan"],
        [*MANY, *EXACT, "--tube", "0"],
        [*MANY, "--box", "3", "-3"],
        [*MANY, "--time-limit", "0"],
        [*MANY, "--rel-gap", "nan"],
        [*MANY, "--threads", "-1"],
        [*MANY, "--seed", "-1"],
    ],
    "preimage": [
        [*PREIMAGE[:3], "--box", "3", "-3"],
        [*PREIMAGE, "--tol", "-1"],
        [*PREIMAGE, "--max-cells", "0"],
        [*PREIMAGE, "--time-limit", "-1"],
    ],
    "prove": [
        [*PROVE[:3], "--box", "3", "-3"],
        [*PROVE, "--bound", "-1"],
        [*PROVE, "--time-limit", "-1"],
        [*PROVE, "--bound", "1", "--time-limit", "-1"],
    ],
    "demo": [
        ["demo", "--digits", "0"],
        ["demo", "--noise", "-1"],
        ["demo", "--seed", "-1"],
        ["demo", "--time-limit", "0"],
    ],
    "reproduce": [
        [*REPRODUCE, "--runs", "0"],
        [*REPRODUCE, "--every", "0"],
        [*REPRODUCE, "--workers", "0"],
        [*REPRODUCE, "--seed", "-1"],
    ],
}


@pytest.fixture(autouse=True)
def _observations(folder: Path) -> None:
    np.save("X.npy", np.load("x.npy")[None])


def numeric_flags(command: Any) -> set[str]:
    hints = get_type_hints(command)
    return {"--" + name.replace("_", "-") for name, hint in hints.items() if "int" in str(hint) or "float" in str(hint)}


def test_no_flag_that_takes_numbers_is_forgotten() -> None:
    for command in app.registered_commands:
        tried = {word for call in BAD.get(str(command.name), []) for word in call}
        assert numeric_flags(command.callback) <= tried


@pytest.mark.parametrize(("name", "left_out"), [("invert", set()), ("invert-many", {"extent", "tol"})])
def test_no_flag_of_a_method_or_a_solver_is_lost_on_its_way(name: str, left_out: set[str]) -> None:
    """A command hands its parameters over by their names."""
    command: Any = next(command.callback for command in app.registered_commands if command.name == name)
    wanted = {field.name for kind in (MethodFlags, SolverFlags) for field in fields(kind)}
    assert wanted - left_out <= get_type_hints(command).keys()


@pytest.mark.parametrize("call", [call for calls in BAD.values() for call in calls], ids=" ".join)
def test_a_bad_number_is_refused_by_the_flags_name(run: Run, folder: Path, call: list[str]) -> None:
    flag = [word for word in call if word.startswith("--")][-1]
    refused(run(*call), flag)


@pytest.mark.parametrize(("slopes", "said"), [("0", "--slopes must be left out"), ("a", "--slopes must be")])
def test_slopes_are_refused_by_the_flags_name(run: Run, folder: Path, slopes: str, said: str) -> None:
    refused(run("show", "net.npz", "--slopes", slopes), said)


def test_of_the_encodings_those_that_are_exact_are_listed(run: Run, folder: Path) -> None:
    ran = run(*INVERT, *EXACT, "--encoding", "nonsense")
    refused(ran, "unknown encoding 'nonsense'; known: big-m, sos1, indicator\n")


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.ENOSPC, 2, f"error: cannot write: {os.strerror(errno.ENOSPC)}"),
        *(
            (number, 2, f"error: [Errno {number}] {os.strerror(number)}")
            for number in (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENOTDIR, errno.ENETUNREACH)
        ),
        (errno.EPIPE, 1, ""),
    ],
)
def test_only_what_cannot_be_written_is_called_so(
    run: Run, folder: Path, answering: Any, number: int, code: int, said: str
) -> None:
    def broken(*_: object) -> Result:
        raise OSError(number, os.strerror(number))

    answering(broken)
    ran = run(*INVERT)
    assert (ran.code, ran.err.strip()) == (code, said)


def test_an_underscore_is_no_part_of_a_number(run: Run, folder: Path) -> None:
    Path("x.csv").write_text("1_000, " + ", ".join(["0"] * 29))
    refused(run("invert", "net.npz", "x.csv"), "'1_000' is not a number")


def test_a_network_that_cannot_be_read_is_not_called_damaged(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Any, *arguments: Any, **named: Any) -> int:
        if Path(path).name == "net.npz":
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *arguments, **named)

    opened = os.open
    monkeypatch.setattr(os, "open", refuse)
    ran = run("show", "net.npz")
    refused(ran, "error: net.npz: Permission denied")


def test_a_residual_that_is_not_finite_is_text_in_json(run: Run, folder: Path, answering: Any) -> None:
    answering(lambda *_: result(Status.SOLVED, np.zeros(3), residual=np.inf))
    assert run(*MANY, "--json").json["residuals"] == ["inf"]
