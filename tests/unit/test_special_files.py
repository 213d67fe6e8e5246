"""Every file that either command line reads: a pipe, a device or a folder in its place is refused, in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Ran, refused
from special_files import SPECIAL, make_special, watched

import pyomo_relu as pr
from pyomo_relu.cli import main as inversion
from reductions import CNF, ThreeSat, write_instance
from reductions.cli import main as hardness

MANY = ("invert-many", "net.npz", "X.npy", "--out", "store", "--resume")
REPRODUCE = ("reproduce", "fig1", "--out", "run", "--resume", "--runs", "1")

# What is put in the place of a file, and the command that reads it.
DOORS: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    **{f"odd.{s}": (inversion, ("show", f"odd.{s}")) for s in ("npz", "onnx", "pt", "pth")},
    **{f"x.{s}": (inversion, ("invert", "net.npz", f"x.{s}")) for s in ("npy", "csv", "txt", "json")},
    "invert.npz": (inversion, ("invert", "invert.npz", "X.npy")),
    "mask.npy": (inversion, ("invert", "net.npz", "X.npy", "--mask", "mask.npy")),
    "operator.csv": (inversion, ("invert", "net.npz", "X.npy", "--operator", "operator.csv")),
    "invert.toml": (inversion, ("invert", "net.npz", "X.npy", "--config", "invert.toml")),
    "many.npy": (inversion, ("invert-many", "net.npz", "many.npy")),
    "store/batch.json": (inversion, MANY),
    "store/results.jsonl": (inversion, MANY),
    "store/failures.jsonl": (inversion, MANY),
    "store/codes.npz": (inversion, MANY),
    "preimage.npy": (inversion, ("preimage", "net.npz", "preimage.npy")),
    "prove.npy": (inversion, ("prove", "net.npz", "prove.npy", "--box", "-1", "1")),
    "proof.json": (inversion, ("check", "proof.json")),
    "about.npz": (inversion, ("check", "good.json", "--network", "about.npz")),
    "about.npy": (inversion, ("check", "good.json", "--observation", "about.npy")),
    "run/fig1.jsonl": (inversion, REPRODUCE),
    **{f"{c}.cnf": (hardness, (c, f"{c}.cnf", *more)) for c, more in {
        "decide": (), "build": ("--out", "built"), "lift": ("z.json",), "draw": ("--out", "p.png"),
    }.items()},
    "decide.toml": (hardness, ("decide", "good.cnf", "--config", "decide.toml")),
    **{f"instance/{name}": (hardness, ("lift", "instance", "z.json"))
       for name in ("manifest.json", "network.npz", "observation.npy", "source.cnf")},
    "z.csv": (hardness, ("lift", "instance", "z.csv")),
    "convexity.npz": (hardness, ("convexity", "convexity.npz", "X.npy")),
    "convexity.npy": (hardness, ("convexity", "net.npz", "convexity.npy")),
}  # fmt: skip


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good files of every kind."""
    folder = tmp_path_factory.mktemp("good")
    net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])
    net.save(folder / "net.npz")
    X = net([[0.5], [1.0]])
    np.save(folder / "X.npy", X)
    pr.invert_many(net, X, store=folder / "store", progress=False)
    pr.prove_bound(net, [-0.5], 0.5, (-3.0, 3.0)).save(folder / "good.json")
    (folder / "run").mkdir()
    (folder / "good.cnf").write_text("p cnf 1 1\n1 0\n")
    (folder / "z.json").write_text("[1.0]")
    write_instance(ThreeSat().reduce(CNF(1, [(1,)])), folder / "instance")
    return folder


@pytest.fixture
def run(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYOMO_RELU_SOLVER", raising=False)
    for path in sorted(original.rglob("*")):
        copy = tmp_path / path.relative_to(original)
        if path.is_dir():
            copy.mkdir()
        else:
            copy.write_bytes(path.read_bytes())

    def run(main: Callable[..., None], words: tuple[str, ...]) -> Ran:
        capfd.readouterr()
        with watched(), pytest.raises(SystemExit) as ended:
            main(list(words))
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, *capfd.readouterr())

    return run


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", DOORS)
def test_a_special_file_is_refused_by_every_command(name: str, kind: str, run: Callable[..., Ran]) -> None:
    main, words = DOORS[name]
    make_special(kind, Path(name))
    if (name, kind) == ("lift.cnf", "folder"):
        refused(run(main, words), "lift.cnf/manifest.json: no such file")  # lift takes folders too
    else:
        refused(run(main, words), name, SPECIAL[kind])


DEEP, LONG = "[" * 100_000, "9" * 5000

ODD: dict[str, list[str]] = {
    "store/batch.json": [DEEP, f'{{"format": {LONG}}}', "[NaN]", "\0"],
    "proof.json": [DEEP, LONG, "\0"],
    "x.json": [DEEP, "\0"],
    "invert.toml": [f"a = {DEEP}", f"[solver]\nseed = {LONG}", f"[solver]\nseed = 0x{LONG}", "#" * 2**17],
    "decide.toml": [f"a = {DEEP}", ".".join("a" * 50_000) + " = 1"],
    "instance/manifest.json": [DEEP, f'{{"gap": {LONG}}}', '{"source": "source.cnf", "gap": NaN}', "3"],
    "run/fig1.jsonl": [f"{DEEP}\n", f"{LONG}\n", '{"header": ["a"]}\n', '{"header": 3}\n', '{"header": NaN}\n'],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in ODD.items() for text in texts])
def test_an_odd_document_is_refused_by_every_command(name: str, text: str, run: Callable[..., Ran]) -> None:
    Path(name).write_text(text)
    ran = run(*DOORS[name])
    refused(ran, name)
    assert len(ran.err) < 1100


def test_a_variable_that_occurs_nowhere_costs_nothing(run: Callable[..., Ran]) -> None:
    Path("wide.cnf").write_text("p cnf 999999 1\n-7 0\n")
    ran = run(hardness, ("decide", "wide.cnf", "--json"))
    assert ran.code == 10
    assignment: Any = json.loads(ran.out)["assignment"]
    assert len(assignment) == 999_999
    assert not assignment[6]
    for command, out in (("build", "folder"), ("draw", "p.png")):
        refused(run(hardness, (command, "wide.cnf", "--out", out)), "999999")
