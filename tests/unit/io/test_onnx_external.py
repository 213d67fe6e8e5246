"""ONNX external data: inside the file's own folder only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_graphs import DENSE, Case, W, assert_agrees, onnx

from pyomo_relu import io
from pyomo_relu.errors import NetworkFileError
from pyomo_relu.io import onnx_tensor
from pyomo_relu.network import load_network


def save_external(folder: Path, location: str, **entries: str) -> Path:
    """A model whose weight (3, 4) is in `location`."""

    def change(model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in {"location": location, **entries}.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value

    folder.mkdir(exist_ok=True)
    return Case(DENSE, change=change).save(folder)


BYTES = W.T.tobytes()


def test_external_data_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"12345678" + BYTES + b"tail")
    path = save_external(tmp_path, "w.bin", offset="8", length=str(len(BYTES)))
    net = load_network(path)
    assert np.array_equal(net[0].weight, W.astype(np.float64))
    assert_agrees(net, path)


def test_external_data_in_a_folder_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "w.bin").write_bytes(BYTES)
    save_external(tmp_path, "below/w.bin")
    monkeypatch.chdir(tmp_path)
    assert np.array_equal(load_network("net.onnx")[0].weight, W.astype(np.float64))


@pytest.mark.parametrize(
    "location",
    [
        "../w.bin",
        "../model/../w.bin",
        "below/../../w.bin",
        "ABSOLUTE",
        "link.bin",
        "linked/w.bin",
        "loop",
        "pipe",
        "",
        ".",
        "below",
        "below/../w.bin",
        "missing.bin",
        "a\x00b",
        "x" * 5000,
        "~/w.bin",
        "file:///etc/passwd",
    ],
)
def test_external_data_elsewhere_is_refused_unread(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, folder = tmp_path / "w.bin", tmp_path / "model"
    (folder / "below").mkdir(parents=True)
    outside.write_bytes(BYTES)
    (folder / "w.bin").write_bytes(BYTES)
    (folder / "link.bin").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe")
    path = save_external(folder, str(outside) if location == "ABSOLUTE" else location)
    opened, open_file = [], os.open
    monkeypatch.setattr(os, "open", lambda name, *flags: (opened.append(name), open_file(name, *flags))[1])
    with pytest.raises(NetworkFileError, match="not a file inside the model's own folder"):
        io.onnx.read(path)
    assert opened == [path]


def test_all_external_data_together_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w.bin").write_bytes(BYTES)
    path = save_external(tmp_path, "w.bin")
    model = onnx.load_model(path, load_external_data=False)
    for i in range(9):
        model.graph.initializer.add().CopyFrom(model.graph.initializer[0])
        model.graph.initializer[-1].name = f"again_{i}"
    path.write_bytes(model.SerializeToString())
    assert np.array_equal(load_network(path)[0].weight, W.astype(np.float64))
    monkeypatch.setattr(onnx_tensor, "MAX_EXTERNAL", 5 * len(BYTES))
    with pytest.raises(NetworkFileError, match=r"'again_.'.*external data has more than 240 bytes"):
        load_network(path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"offset": "4"}, "is 48 bytes at 4 of 48, expected 48"),
        ({"length": "44"}, "is 44 bytes at 0 of 48, expected 48"),
        ({"length": str(10**15)}, "expected 48 bytes"),
        ({"offset": "-8"}, "at -8 of 48"),
        ({"offset": str(10**30)}, "of 48, expected 48"),
        ({"offset": "many"}, "does not hold what its shape"),
    ],
)
def test_external_data_of_the_wrong_size(entries: dict[str, str], message: str, tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(BYTES)
    with pytest.raises(NetworkFileError, match=message):
        load_network(save_external(tmp_path, "w.bin", **entries))
