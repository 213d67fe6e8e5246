"""Observations in files: every format read exactly, every damage one clear line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.io import observation
from pyomo_relu.io.observation import read_array

VALUES = np.array([0.1, -2.5e-300, 3.0, 1 / 3])


def written(folder: Path, name: str, data: Any) -> Path:
    path = folder / name
    if isinstance(data, bytes):
        path.write_bytes(data)
    elif isinstance(data, str):
        path.write_text(data, encoding="utf-8")
    else:
        np.save(path, data, allow_pickle=True)
    return path


def npy(array: Any) -> bytes:
    from io import BytesIO

    file = BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.npy", VALUES),
        ("x.NPY", npy(VALUES)),
        ("x.json", json.dumps(VALUES.tolist())),
        ("x.csv", ",".join(map(repr, VALUES.tolist()))),
        ("x.txt", "\n".join(map(repr, VALUES.tolist()))),
        ("x.txt", "# a comment\n" + "  ".join(map(repr, VALUES.tolist())) + "  # another\n\n"),
        ("x.csv", "\ufeff" + "\r\n".join(map(repr, VALUES.tolist())) + "\r\n"),
    ],
)
def test_every_format_gives_the_same_numbers_back(tmp_path: Path, name: str, data: Any) -> None:
    found = read_array(written(tmp_path, name, data), "observation")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, VALUES)


@pytest.mark.parametrize(("matrix", "shape"), [(False, (3,)), (True, (1, 3))])
def test_a_line_of_text_is_a_vector_unless_a_matrix_is_asked_for(
    tmp_path: Path, matrix: bool, shape: tuple[int, ...]
) -> None:
    assert read_array(written(tmp_path, "a.csv", "1,2,3"), "operator", matrix=matrix).shape == shape


def test_lines_of_text_are_rows(tmp_path: Path) -> None:
    found = read_array(written(tmp_path, "a.txt", "1 2 3\n4 5 6\n"), "operator")
    assert found.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_shapes_of_npy_and_json_are_kept(tmp_path: Path) -> None:
    assert (
        read_array(written(tmp_path, "a.npy", np.asfortranarray(np.eye(2, 3))), "a").tolist() == np.eye(2, 3).tolist()
    )
    assert read_array(written(tmp_path, "a.json", "[[1], [2]]"), "a").shape == (2, 1)


def test_whole_numbers_booleans_and_nan_become_floats(tmp_path: Path) -> None:
    assert read_array(written(tmp_path, "m.npy", np.array([True, False])), "mask").tolist() == [1.0, 0.0]
    assert read_array(written(tmp_path, "m.json", "[true, false, 2]"), "mask").tolist() == [1.0, 0.0, 2.0]
    assert read_array(written(tmp_path, "n.json", "[1" + 30 * "0" + "]"), "x").tolist() == [1e30]
    assert np.isnan(read_array(written(tmp_path, "x.txt", "nan 1"), "x")).tolist() == [True, False]


def test_the_array_is_the_readers_own(tmp_path: Path) -> None:
    path = written(tmp_path, "x.npy", VALUES)
    read_array(path, "x")[:] = 0.0
    np.testing.assert_array_equal(read_array(path, "x"), VALUES)


BAD = {
    "unknown suffix": ("x.xls", "1", "unknown suffix '.xls'; known: .npy, .csv, .txt, .json"),
    "no suffix": ("x", "1", "unknown suffix ''"),
    "empty npy": ("x.npy", b"", "damaged"),
    "only magic": ("x.npy", b"\x93NUMPY", "damaged"),
    "cut header": ("x.npy", npy(VALUES)[:60], "damaged"),
    "cut data": ("x.npy", npy(VALUES)[:-1], "damaged"),
    "data to spare": ("x.npy", npy(VALUES) + b"12", "damaged: 2 bytes more than its shape (4,) says"),
    "a shape too large": ("x.npy", npy(np.zeros(1000)).replace(b"(1000,)", b"(9**99,)"[:7]), "damaged"),
    "a huge shape": ("x.npy", npy(np.zeros(10**6)).replace(b"(1000000,)", b"(99999999,"[:9] + b")"), "damaged"),
    "a negative shape": ("x.npy", npy(np.zeros(1000)).replace(b"(1000,)", b"(-100,)"), "damaged"),
    "an archive": ("x.npy", b"PK\x03\x04" + bytes(99), "damaged, or not a .npy file"),
    "a pickle": ("x.npy", np.array([1, "a"], dtype=object), "pickled Python objects, which are never loaded"),
    "a bare pickle": ("x.npy", b"\x80\x04K\x01.", "damaged, or not a .npy file"),
    "complex": ("x.npy", np.array([1j]), "real numbers, got dtype complex128"),
    "strings": ("x.npy", np.array(["1"]), "real numbers"),
    "records": ("x.npy", np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]), "real numbers"),
    "a word": ("x.csv", "1,2\n3,four", "line 2: 'four' is not a number"),
    "a heading": ("x.csv", "pixel\n1\n2", "line 1: 'pixel' is not a number"),
    "a missing value": ("x.csv", "1,,2", "line 1: has an empty cell"),
    "a comma at the end": ("x.csv", "1,2,", "line 1: has an empty cell"),
    "another encoding": ("x.txt", "1 2".encode("utf-16"), "not text in UTF-8"),
    "half a list": ("x.json", "[1, 2", "not JSON"),
    "no list": ("x.json", '{"x": [1]}', "must be a JSON list of numbers"),
    "null": ("x.json", "[1, null]", "real numbers"),
    "quoted numbers": ("x.json", '["1"]', "real numbers"),
    "a deep list": ("x.json", 200_000 * "[", "not JSON"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_array_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    name, data, said = BAD[case]
    with pytest.raises(InputError) as caught:
        read_array(written(tmp_path, name, data), "observation")
    message = str(caught.value)
    assert said in message
    assert message.startswith("observation ")
    assert "\n" not in message
    assert len(message) < 250 + len(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.npy", np.zeros(0), "is empty"),
        ("x.npy", np.zeros((0, 3)), "is empty"),
        ("x.txt", "", "is empty"),
        ("x.txt", "# nothing\n\n", "is empty"),
        ("x.json", "[]", "is empty"),
        ("x.txt", "1 2\n3\n", "ragged"),
        ("x.json", "[[1, 2], [3]]", "ragged"),
    ],
)
def test_empty_and_ragged_files_are_shape_errors(tmp_path: Path, name: str, data: Any, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        read_array(written(tmp_path, name, data), "observation")


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_array(tmp_path / "x.npy", "observation")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(InputError, match=r"observation .*folder.npy: is a folder"):
        read_array(tmp_path / "folder.npy", "observation")


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, limit in (("x.npy", "MAX_BYTES"), ("x.txt", "MAX_TEXT"), ("x.csv", "MAX_TEXT"), ("x.json", "MOST_JSON")):
        monkeypatch.setattr(observation, limit, 100)
        with pytest.raises(InputError, match="more than 100"):
            read_array(written(tmp_path, name, b"1 " * 200), "observation")
    monkeypatch.setattr(observation, "MAX_TEXT", 1000)
    monkeypatch.setattr(observation, "MAX_LINE", 10)
    with pytest.raises(InputError, match="line 2 has 10 characters or more: save it as"):
        read_array(written(tmp_path, "x.txt", "1\n" + "2 " * 200), "observation")


def test_a_pickle_is_never_executed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"

    class Touch:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (trace,))

    path = written(tmp_path, "x.npy", np.array([Touch()], dtype=object))
    with pytest.raises(InputError, match="never loaded"):
        read_array(path, "observation")
    assert not trace.exists()
