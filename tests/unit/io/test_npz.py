"""The .npz format: exact round trips, and every damaged or foreign file refused in one line."""

from __future__ import annotations

import os
import pickle
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damaged_files import is_refusal, read_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from pyomo_relu import io
from pyomo_relu.errors import InputError, NetworkFileError, ShapeError
from pyomo_relu.io import archive
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network, load_network

NET = Network.from_arrays(
    [np.random.default_rng(0).normal(size=(3, 2)) / 3, [[1e-150, -0.1, 5e149]]], [[0.1, 0.2, 0.3], None], (1 / 3, 1.0)
)
OWN: dict[str, Any] = {
    "format": "pyomo-relu",
    "version": 1,
    "weight_1": np.ones((3, 2)),
    "bias_1": np.ones(3),
    "slope_1": 0.0,
    "weight_2": np.ones((1, 3)),
    "bias_2": np.ones(1),
    "slope_2": 1.0,
}
SPARSE: dict[str, Any] = {key: value for key, value in OWN.items() if key != "weight_1"} | {
    "version": 2,
    "weight_1_data": np.ones(2),
    "weight_1_indices": [0, 1],
    "weight_1_indptr": [0, 1, 1, 2],
    "weight_1_shape": [3, 2],
}
PLAIN: dict[str, Any] = {"W1": np.ones((3, 2)), "b1": np.ones(3), "W2": np.ones((1, 3)), "b2": np.ones(1)}


def save(folder: Path, arrays: dict[str, Any]) -> Path:
    path = folder / "net.npz"
    np.savez(path, **arrays)
    return path


def without(arrays: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in arrays.items() if key not in keys}


def assert_same(a: tuple[Layer, ...], b: tuple[Layer, ...]) -> None:
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        assert np.array_equal(x.weight, y.weight)
        assert np.array_equal(x.bias, y.bias)
        assert x.slope == y.slope


def test_round_trip_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    NET.save(path)
    assert_same(load_network(path).layers, NET.layers)
    assert [file.name for file in tmp_path.iterdir()] == ["net.npz"]
    with np.load(path, allow_pickle=False) as arrays:
        assert set(arrays) == set(OWN)


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    NET.save(tmp_path / "a.npz")
    NET.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_more_than_nine_layers_stay_in_order(tmp_path: Path) -> None:
    net = Network.random((2,) * 13, seed=0)
    net.save(tmp_path / "net.npz")
    assert_same(load_network(tmp_path / "net.npz").layers, net.layers)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.dtype(">f8"), np.int32])
def test_other_number_types_are_read_as_float64(dtype: Any, tmp_path: Path) -> None:
    weight = np.array([[1, -3], [2, 7], [0, 5]], dtype=dtype)
    (layer, _) = load_network(save(tmp_path, OWN | {"weight_1": weight})).layers
    assert layer.weight.dtype == np.float64
    assert np.array_equal(layer.weight, weight.astype(np.float64))


def test_compressed_and_fortran_order(tmp_path: Path) -> None:
    weight = np.asfortranarray(np.arange(6.0).reshape(3, 2))
    np.savez_compressed(tmp_path / "net.npz", **(OWN | {"weight_1": weight}))
    assert np.array_equal(load_network(tmp_path / "net.npz")[0].weight, weight)


@pytest.mark.skipif("PYOMO_RELU_DATA" not in os.environ, reason="PYOMO_RELU_DATA is not set")
def test_the_generator() -> None:
    path = Path(os.environ["PYOMO_RELU_DATA"]) / "generator" / "generator.npz"
    net = load_network(path)
    with np.load(path) as arrays:
        assert np.array_equal(net[1].weight, arrays["W2"].astype(np.float64))
        assert np.array_equal(net[1].bias, arrays["b2"].astype(np.float64))
    assert net.sizes == (20, 60, 784)
    assert [layer.slope for layer in net] == [0.0, 0.0]


def test_act_names_all_activations(tmp_path: Path) -> None:
    assert [layer.slope for layer in load_network(save(tmp_path, PLAIN | {"act": "relu"}))] == [0.0, 0.0]


@pytest.mark.parametrize("arrays", [PLAIN, without(OWN, "slope_1", "slope_2")])
def test_without_slopes_the_caller_gives_them(arrays: dict[str, Any], tmp_path: Path) -> None:
    path = save(tmp_path, arrays)
    assert [layer.slope for layer in load_network(path, slopes=[0.25, 1.0])] == [0.25, 1.0]
    assert [layer.slope for layer in load_network(path, slopes=0.0)] == [0.0, 0.0]
    with pytest.raises(NetworkFileError, match=r"slopes must be given: .* holds no activations"):
        load_network(path)
    with pytest.raises(ShapeError, match="got 2 weights but 3 slopes"):
        load_network(path, slopes=[0.0, 0.0, 0.0])
    with pytest.raises(InputError, match=r"slopes must be in \[0, 1\]"):
        load_network(path, slopes=[0.0, 2.0])
    with pytest.raises(InputError, match="real numbers"):
        load_network(path, slopes="relu")  # type: ignore[arg-type]


@pytest.mark.parametrize("arrays", [OWN, PLAIN | {"act": "relu"}])
def test_slopes_are_refused_where_the_file_has_them(arrays: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="slopes must be left out") as caught:
        load_network(save(tmp_path, arrays), slopes=0.0)
    assert not isinstance(caught.value, NetworkFileError)


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "empty": ({}, "missing keys: 'bias_1', 'format', 'version', 'weight_1'"),
    "foreign": ({"arr_0": np.ones(3)}, "missing keys: 'bias_1', 'format', 'version', 'weight_1'"),
    "no-format": (without(OWN, "format"), "missing keys: 'format'$"),
    "no-version": (without(OWN, "version"), "missing keys: 'version'$"),
    "no-bias": (without(OWN, "bias_2"), "missing keys: 'bias_2'$"),
    "no-weight": (without(OWN, "weight_1"), "missing keys: 'weight_1'$"),
    "one-slope": (without(OWN, "slope_2"), "missing keys: 'slope_2'$"),
    "unknown": (OWN | {"scale_1": 1.0}, "unknown keys: 'scale_1'$"),
    "too-many-biases": (OWN | {"bias_3": np.ones(1)}, "unknown keys: 'bias_3'$"),
    "both-styles": (OWN | PLAIN, "unknown keys: 'bias_1', "),
    "plain-without-bias": (without(PLAIN, "b1"), "missing keys: 'b1'$"),
    "plain-and-unknown": (PLAIN | {"mean": 0.0}, "unknown keys: 'mean'$"),
    "other-act": (PLAIN | {"act": "tanh"}, "act is 'tanh'; only 'relu' is understood"),
    "other-format": (OWN | {"format": "other"}, r"format and version are \('other', 1\), expected \('pyomo-relu', 2\)"),
    "other-version": (OWN | {"version": 3}, r"\('pyomo-relu', 3\), expected \('pyomo-relu', 2\) or before"),
    "sparse-part-missing": (without(SPARSE, "weight_1_indptr"), "missing keys: 'weight_1_indptr'$"),
    "sparse-and-dense": (SPARSE | {"weight_1": np.ones((3, 2))}, "missing keys: 'bias_3', "),
    "sparse-indices": (SPARSE | {"weight_1_indices": [0, 5]}, "layer 1: its sparse weight is damaged: "),
    "sparse-floats": (
        SPARSE | {"weight_1_indices": [0.0, 1.0]},
        "layer 1: the indices of its sparse weight are no",
    ),
    "sparse-pointers": (SPARSE | {"weight_1_indptr": [0, 2, 1, 2]}, "layer 1: its sparse weight is damaged: "),
    "sparse-shape": (
        SPARSE | {"weight_1_shape": [3, 2, 1]},
        "layer 1: the parts of its sparse weight have not one",
    ),
    "sparse-large": (SPARSE | {"weight_1_shape": [3, 2**40]}, "which is too large or no fit"),
    "sparse-negative": (SPARSE | {"weight_1_shape": [3, -2]}, "layer 1: "),
    "odd-format": (OWN | {"format": np.array(["pyomo-relu"])}, r"format has shape \(1,\), expected one value"),
    "weight-ndim": (OWN | {"weight_1": np.ones(3)}, "layer 1: weight must have 2 axes"),
    "bias-ndim": (OWN | {"bias_1": np.ones((3, 1))}, "layer 1: bias must have 1 axis"),
    "bias-size": (OWN | {"bias_1": np.ones(2)}, "layer 1: the bias has 2 entries, expected 3"),
    "neighbours": (OWN | {"weight_2": np.ones((1, 4))}, "layer 2: the weight expects 4 inputs, got 3"),
    "empty-weight": (OWN | {"weight_1": np.ones((0, 2))}, "layer 1: weight is empty"),
    "nan": (OWN | {"bias_1": [0.0, np.nan, 0.0]}, "layer 1: bias has 1 entry that is not finite, the first at 1"),
    "slope": (OWN | {"slope_1": 2.0}, r"layer 1: slope must lie in \[0, 1\]"),
    "slope-vector": (OWN | {"slope_1": [0.0, 0.0]}, r"layer 1: slope has shape \(2,\), expected one number or \(3,\)"),
    "slope-text": (OWN | {"slope_1": "relu"}, "layer 1: slope must be an array of real numbers"),
    "complex": (OWN | {"weight_1": np.ones((3, 2), complex)}, "weight_1.npy has dtype complex128"),
    "text": (OWN | {"weight_1": np.array([["a"]])}, "layer 1: weight must be an array of real numbers"),
    "longdouble": (OWN | {"weight_1": np.ones((3, 2), np.longdouble)}, "weight_1.npy has dtype"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name: str, tmp_path: Path) -> None:
    arrays, message = REFUSALS[name]
    path = save(tmp_path, arrays)
    with pytest.raises(NetworkFileError, match=message) as caught:
        load_network(path)
    assert is_refusal(str(caught.value), path)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was run",))


def test_pickles_are_never_run(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    np.savez(path, **(OWN | {"weight_1": np.array([[Bomb()]], dtype=object)}))
    with pytest.raises(NetworkFileError, match=r"weight_1\.npy: holds pickled Python objects, which are never loaded"):
        load_network(path)
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(NetworkFileError, match="damaged"):
        load_network(path)


def rewrite(path: Path, name: str, data: bytes, compression: int = zipfile.ZIP_STORED) -> Path:
    """Put `data` in the place of the member `name`."""
    with zipfile.ZipFile(path) as old:
        members = {key: old.read(key) for key in old.namelist()}
    with zipfile.ZipFile(path, "w", compression) as new:
        for key, value in (members | {name: data}).items():
            new.writestr(key, value)
    return path


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "damaged"),
        (b"not an array", "damaged"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000), }\n"), "damaged"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (100000, 1000000), }\n"), "damaged"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (-3, 2), }\n"), "damaged"),
        (
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }\n") + bytes(16),
            r"8 bytes more than its shape \(1, 1\) says",
        ),
        (header("{'descr': '|O', 'fortran_order': False, 'shape': (), }\n") + pickle.dumps(Bomb()), "never loaded"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (True,), }\n") + bytes(8), "not made of sizes"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (0x" + "f" * 5000 + ",), }\n"), "not made of sizes"),
        (
            header("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000000,), }\n"),
            "sizes",
        ),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1," * 99 + "), }\n") + bytes(8), "damaged"),
        (
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n") + bytes(8),
            "8 bytes fewer than its shape",
        ),
        (b"\x93NUMPY\x03\x00" + bytes(200), "version 3.0, expected 1.0 or 2.0"),
        (header("(" * 5000 + "\n"), "damaged"),
        (header("-" * 9000 + "1\n"), "damaged"),
        (header("{'descr': \n"), "damaged"),
        (header("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (), }\n") + bytes(8), "has dtype"),
    ],
)
def test_members_that_are_no_arrays(data: bytes, message: str, tmp_path: Path) -> None:
    path = rewrite(save(tmp_path, OWN), "weight_1.npy", data)
    with pytest.raises(NetworkFileError, match=message) as caught:
        load_network(path)
    assert is_refusal(str(caught.value), path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = rewrite(save(tmp_path, OWN), "weight_1.npy", bytes(10**6), zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(archive, "MAX_BYTES", 10**6)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *args: pytest.fail("a member was read"))
    with pytest.raises(NetworkFileError, match=r"unpacks to \d+ bytes, more than 1000000"):
        load_network(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unpacks_a_block_at_once_is_refused(method: int, tmp_path: Path) -> None:
    path = rewrite(save(tmp_path, OWN), "weight_1.npy", bytes(10**6), method)
    with pytest.raises(NetworkFileError, match=r"by a method other than deflate: save it again by np\.savez"):
        load_network(path)


def test_an_archive_may_unpack_to_some_times_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = OWN | {"weight_1": np.zeros((200, 2)), "bias_1": np.ones(200), "weight_2": np.ones((1, 200))}
    np.savez_compressed(tmp_path / "net.npz", **sparse)
    assert load_network(tmp_path / "net.npz").sizes == (2, 200, 1)
    monkeypatch.setattr(archive, "FREE_BYTES", 1000)
    assert load_network(tmp_path / "net.npz").sizes == (2, 200, 1)
    monkeypatch.setattr(archive, "MAX_RATIO", 2)
    with pytest.raises(NetworkFileError, match=r"unpacks to \d+ bytes, more than \d+: save it uncompressed"):
        load_network(tmp_path / "net.npz")
    np.savez(tmp_path / "net.npz", **sparse)
    assert load_network(tmp_path / "net.npz").sizes == (2, 200, 1)


def test_a_member_larger_than_it_says_is_not_unpacked(tmp_path: Path) -> None:
    size = 2**22
    path = rewrite(save(tmp_path, OWN), "weight_1.npy", bytes(size), zipfile.ZIP_DEFLATED)
    data, said = path.read_bytes(), size.to_bytes(4, "little")
    assert data.count(said) == 2
    path.write_bytes(data.replace(said, (100).to_bytes(4, "little")))
    tracemalloc.start()
    with pytest.raises(NetworkFileError, match="damaged"):
        load_network(path)
    assert tracemalloc.get_traced_memory()[1] < size / 2
    tracemalloc.stop()


def test_a_changed_weight_does_not_pass_the_checksum(tmp_path: Path) -> None:
    path = save(tmp_path, OWN | {"weight_1": np.full((3, 2), 1.2345)})
    data, number = path.read_bytes(), np.float64(1.2345).tobytes()
    assert number in data
    path.write_bytes(data.replace(number, np.float64(1.2346).tobytes(), 1))
    with pytest.raises(NetworkFileError, match="damaged"):
        load_network(path)


def test_a_name_twice(tmp_path: Path) -> None:
    path = save(tmp_path, OWN)
    with zipfile.ZipFile(path, "a") as twice:
        data = twice.read("bias_1.npy")
        with pytest.warns(UserWarning, match=r"bias_1\.npy"):
            twice.writestr("bias_1.npy", data)
    with pytest.raises(NetworkFileError, match="a name occurs twice"):
        load_network(path)


def test_a_member_without_suffix_is_unknown(tmp_path: Path) -> None:
    path = rewrite(save(tmp_path, OWN), "notes.txt", b"")
    with pytest.raises(NetworkFileError, match=r"unknown keys: 'notes\.txt'$"):
        load_network(path)


def test_no_file_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(NetworkFileError, match="no such file"):
        load_network(tmp_path / "missing.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(NetworkFileError, match=r"folder.npz: is a folder"):
        load_network(tmp_path / "folder.npz")
    with pytest.raises(NetworkFileError, match=r"unknown suffix '.h5'; known: .npz, .onnx, .pt, .pth"):
        load_network(tmp_path / "net.h5")
    with pytest.raises(InputError, match="cannot write"):
        NET.save(tmp_path / "missing" / "net.npz")


def test_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    NET.save(path)
    data = path.read_bytes()
    for length in range(len(data)):
        assert is_refusal(read_bytes(data[:length], path), path)


def test_a_changed_list_of_members_hides_no_layer(tmp_path: Path) -> None:
    path = save(tmp_path, OWN)
    data, whole = path.read_bytes(), io.read_layers(path)
    for position in range(data.index(b"PK\x01\x02"), len(data)):
        for change in (1, 16, 128):
            changed = bytearray(data)
            changed[position] ^= change
            found = read_bytes(bytes(changed), path)
            if isinstance(found, str):
                assert is_refusal(found, path)
            else:
                assert_same(found, whole)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "net.npz"


@pytest.mark.parametrize("compressed", [False, True])
@settings(max_examples=300, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes_are_refused_or_harmless(compressed: bool, changes: list[tuple[int, int]], scratch: Path) -> None:
    (np.savez_compressed if compressed else np.savez)(scratch, **OWN)
    data = bytearray(scratch.read_bytes())
    whole = io.read_layers(scratch)
    for position, byte in changes:
        data[position % len(data)] = byte
    found = read_bytes(bytes(data), scratch)
    if isinstance(found, str):
        assert is_refusal(found, scratch)
    else:
        # The checksums leave only changes of what is no data: times, versions, attributes.
        assert_same(found, whole)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_garbage_is_refused(data: bytes, scratch: Path) -> None:
    assert is_refusal(read_bytes(data, scratch), scratch)
