"""``invert``: what it reads and what it writes."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import CODE, NET, Run, refused, result

from pyomo_relu.io.observation import read_array
from pyomo_relu.network import Network
from pyomo_relu.result import Result
from pyomo_relu.status import Status


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
    "network without activations": (["bare.npz", "x.npy"], "--slopes must be given: bare.npz holds no activations"),
    "slopes twice": (["net.npz", "x.npy", "--slopes", "0"], "holds its own activations"),
    "slopes of mnist": (["mnist", "x.npy", "--slopes", "0"], "--slopes must be left out: mnist"),
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
    "mask of numbers": (["net.npz", "x.npy", "--mask", "x.npy"], "--mask must hold booleans, or 0 and 1"),
    "short weights": (["net.npz", "x.npy", "--weights", "short.json"], "--weights has 2 entries, expected 30"),
    "short mask": (["net.npz", "x.npy", "--mask", "short.json"], "--mask has 2 entries, expected 30"),
    "flat operator": (["net.npz", "x.npy", "--operator", "x.npy"], "--operator must have 2 axes"),
    "narrow operator": (["net.npz", "x.npy", "--operator", "square.npy"], "--operator has 2 columns, the network 30"),
    "missing config": (["net.npz", "x.npy", "--config", "nowhere.toml"], "nowhere.toml: no such file"),
    "damaged config": (["net.npz", "x.npy", "--config", "words.csv"], "words.csv: not TOML"),
    "config without a table": (["net.npz", "x.npy", "--config", "empty.txt"], "no [solver] table"),
    "config with a typo": (["net.npz", "x.npy", "--config", "typo.toml"], "unknown key 'tme_limit'"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_refused_in_one_line(run: Run, bad_files: Path, case: str) -> None:
    arguments, said = BAD_FILES[case]
    refused(run("invert", *arguments), said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["folder.npz", "x.npy"], "folder.npz: is a folder"),
        (["net.npz", "folder.npy"], "observation folder.npy: is a folder"),
        (["net.npz", "."], "observation .: is a folder"),
        (["net.npz", "x.npy", "--mask", "folder.npy"], "mask folder.npy: is a folder"),
        (["net.npz", "x.npy", "--operator", "folder.npy"], "operator folder.npy: is a folder"),
        (["net.npz", "x.npy", "--config", "folder.npz"], "folder.npz: is a folder"),
    ],
)
def test_a_folder_is_called_one(run: Run, folder: Path, arguments: list[str], said: str) -> None:
    Path("folder.npz").mkdir()
    Path("folder.npy").mkdir()
    refused(run("invert", *arguments), said)


def test_bad_input_has_no_traceback_in_a_real_process(folder: Path) -> None:
    command = [sys.executable, "-m", "pyomo_relu", "invert", "net.npz", "nowhere.npy", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", "error: observation nowhere.npy: no such file\n")


def test_slopes_give_a_bare_network_its_activations(run: Run, folder: Path) -> None:
    np.savez("bare.npz", W1=NET[0].weight, b1=np.zeros(12), W2=NET[1].weight, b2=np.zeros(30))
    np.save("y.npy", Network.from_arrays([NET[0].weight, NET[1].weight], slopes=[0.5, 0.25])(CODE))
    ran = run("invert", "bare.npz", "y.npy", "--slopes", "0.5,0.25", "--json")
    assert ran.code == 0
    np.testing.assert_allclose(ran.json["z"], CODE, atol=1e-6)


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
        (["--out", "nowhere/z.npy"], f"--out nowhere/z.npy: cannot write there: {os.strerror(errno.ENOENT)}"),
        (["--out", "net.npz/z.npy"], f"cannot write there: {os.strerror(errno.ENOTDIR)}"),
        (["--out", "folder.json"], "--out folder.json: is a folder"),
        (["--out", "x.npy"], "--out x.npy: would replace an input"),
        (["--out", "net.npz"], "--out net.npz: would replace an input"),
        (["--plot", "x.gif"], "--plot x.gif: unknown suffix '.gif'; known: .png, .svg, .pdf"),
        (["--plot", "nowhere/x.png"], "--plot nowhere/x.png: cannot write there"),
    ],
)
def test_files_that_cannot_be_written_are_refused_before_the_solve(
    run: Run, folder: Path, answering: Any, flags: list[str], said: str
) -> None:
    def never(*_: object) -> Result:
        raise AssertionError("solved")

    answering(never)
    Path("folder.json").mkdir()
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    refused(run("invert", "net.npz", "x.npy", *flags), said)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(run: Run, folder: Path) -> None:
    Path("locked").mkdir(mode=0o500)
    refused(run("invert", "net.npz", "x.npy", "--out", "locked/z.npy"), os.strerror(errno.EACCES))


def test_where_there_is_no_code_the_file_is_left_alone(run: Run, folder: Path, answering: Any) -> None:
    answering(lambda *_: result(Status.TIME_LIMIT))
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


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_what_it_points_to_is_replaced(run: Run, folder: Path, there: bool) -> None:
    Path("elsewhere").mkdir()
    target = Path("elsewhere/z.npy")
    if there:
        target.write_bytes(b"old")
    Path("link.npy").symlink_to(target)
    assert run("invert", "net.npz", "x.npy", "--out", "link.npy").code == 0
    assert Path("link.npy").is_symlink()
    assert not target.is_symlink()
    np.testing.assert_allclose(np.load(target), CODE, atol=1e-6)
    assert [path.name for path in target.parent.iterdir()] == ["z.npy"]


def test_a_link_to_an_input_is_refused(run: Run, folder: Path) -> None:
    Path("link.npy").symlink_to("x.npy")
    refused(run("invert", "net.npz", "x.npy", "--out", "link.npy"), "--out link.npy: would replace an input")


def test_links_in_a_circle_are_no_trouble(run: Run, folder: Path) -> None:
    Path("a.npy").symlink_to("b.npy")
    Path("b.npy").symlink_to("a.npy")
    refused(run("invert", "net.npz", "a.npy"), "observation a.npy: ")
    assert run("invert", "net.npz", "x.npy", "--out", "a.npy").code == 0
    np.testing.assert_allclose(np.load("a.npy"), CODE, atol=1e-6)


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
