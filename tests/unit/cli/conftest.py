from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command_line import CODE, NET, Answering, Ran, Run

from pyomo_relu.cli import main
from pyomo_relu.cli.method_flags import METHODS, MethodChoice
from pyomo_relu.result import Result


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


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a method in the place of another, the default one if not said, which answers as the test says."""

    def answer(by: Callable[..., Result], method: str = "layerwise") -> None:
        monkeypatch.setitem(METHODS, method, MethodChoice(METHODS[method].flags, lambda _: Answering(by)))

    return answer


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, *capfd.readouterr())

    return run
