"""The store: what was answered is kept, and nothing else is taken for it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batch_methods import Counting, Ending
from batch_setting import LINEAR, LINEAR_RESULTS, NET, X, comparable
from hypothesis import given
from hypothesis import strategies as st

import pyomo_relu as pr
from pyomo_relu.batch.store import open_store
from pyomo_relu.certificate import BY_BOUNDS


def line_of(index: int, result: pr.Result) -> bytes:
    return json.dumps({"index": index, **result.to_dict()}).encode() + b"\n"


def test_a_store_holds_what_was_answered(tmp_path: Path) -> None:
    x = X.copy()
    x[2, 5] = np.nan
    batch = pr.invert_many(NET, x, store=tmp_path / "a/store")
    again = pr.invert_many(NET, x, store=tmp_path / "a/store", resume=True)
    for i in range(7):
        same = comparable(again[i]), comparable(batch[i])
        assert same[0] == same[1]
        assert i == 2 or again[i].seconds == batch[i].seconds
    with np.load(tmp_path / "a/store/codes.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["codes"], batch.codes)
        np.testing.assert_array_equal(arrays["residuals"], batch.residuals)
    assert sorted(path.name for path in (tmp_path / "a/store").iterdir()) == [
        "batch.json", "codes.npz", "failures.jsonl", "results.jsonl",
    ]  # fmt: skip


def test_only_what_is_missing_is_done_again(tmp_path: Path) -> None:
    counting = Counting(str(tmp_path / "count"))
    whole = pr.invert_many(NET, X, counting, store=tmp_path / "store")
    results = tmp_path / "store/results.jsonl"
    lines = results.read_bytes().splitlines(keepends=True)
    # As a kill leaves it: three whole lines, and half of another.
    results.write_bytes(b"".join(lines[:3]) + lines[3][: len(lines[3]) // 2])
    again = pr.invert_many(NET, X, counting, store=tmp_path / "store", resume=True)
    assert len((tmp_path / "count").read_text().split()) == 7 + 4
    assert list(map(comparable, again)) == list(map(comparable, whole))
    assert sorted(json.loads(line)["index"] for line in results.read_text().splitlines()) == list(range(7))


@given(st.data())
def test_a_file_cut_anywhere_is_resumed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("cut")
    results = {i: LINEAR_RESULTS[i] for i in range(3)}
    whole = b"".join(line_of(i, result) for i, result in results.items())
    with open_store(folder, 3, 3, {}, {}, resume=False) as store:
        store.append(list(results.items()))
    assert (folder / "results.jsonl").read_bytes() == whole
    kept = data.draw(st.integers(0, len(whole)))
    (folder / "results.jsonl").write_bytes(whole[:kept])
    with open_store(folder, 3, 3, {}, {}, resume=True) as store:
        left = dict(store.results)
        assert len(left) == whole[:kept].count(b"\n")
        store.append([(i, result) for i, result in results.items() if i not in left])
    assert (folder / "results.jsonl").read_bytes() == whole


def test_failures_are_tried_again(tmp_path: Path) -> None:
    first = pr.invert_many(NET, X, Ending(pr.Status.SOLVER_ERROR), store=tmp_path)
    assert len(first.failures) == 7
    assert (tmp_path / "results.jsonl").read_bytes() == b""
    assert len((tmp_path / "failures.jsonl").read_text().splitlines()) == 7
    assert len(pr.invert_many(NET, X, Ending(pr.Status.SOLVER_ERROR), store=tmp_path, resume=True).failures) == 7


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        sys.path[:0] = {[path for path in sys.path if path]!r}
        from batch_methods import Counting
        from batch_setting import NET, X
        import numpy as np, pyomo_relu as pr
        if __name__ == "__main__":
            slow = Counting({str(tmp_path / "count")!r}, 0.05)
            pr.invert_many(NET, np.resize(X, (40, 30)), slow, store={str(tmp_path / "store")!r})
        """)
    )
    results = tmp_path / "store/results.jsonl"
    with subprocess.Popen([sys.executable, str(script)]) as process:
        while process.poll() is None and (not results.exists() or results.read_bytes().count(b"\n") < 5):
            time.sleep(0.01)
        process.kill()
    done = results.read_bytes().count(b"\n")
    assert 5 <= done < 40
    counting = Counting(str(tmp_path / "count"), 0.05)
    before = len((tmp_path / "count").read_text().split())
    batch = pr.invert_many(NET, np.resize(X, (40, 30)), counting, store=tmp_path / "store", resume=True)
    assert len((tmp_path / "count").read_text().split()) == before + 40 - done
    assert batch.failures == ()
    assert [json.loads(line)["index"] for line in results.read_text().splitlines()] == list(range(40))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"net": pr.Network.random((3, 12, 30), seed=5)}, "network, mask, operator"),
        ({"X": X + 1e-12}, "observations"),
        ({"X": X[:6]}, "size; observations"),
        ({"method": pr.Layerwise(pr.LinearSolve(threshold=1e-8))}, "method"),
        ({"solver": pr.Solver(seed=1)}, "solver"),
        ({"solver": pr.Solver(threads=2)}, "solver"),
        ({"mask": np.arange(30) > 0}, "network, mask, operator; generator, operator; observations"),
    ],
)
def test_a_store_of_another_batch_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    given = {"net": NET, "X": X, "method": LINEAR, "store": tmp_path}
    pr.invert_many(**given)
    before = (tmp_path / "results.jsonl").read_bytes()
    with pytest.raises(pr.InputError, match=rf"belongs to another batch \(not the same: {said}\)"):
        pr.invert_many(**{**given, **change, "resume": True})
    with pytest.raises(pr.InputError, match=r"resume is needed to go on: store .* holds a batch already"):
        pr.invert_many(**given)
    assert (tmp_path / "results.jsonl").read_bytes() == before


def test_what_does_not_change_the_answers_does_not_change_the_store(tmp_path: Path) -> None:
    pr.invert_many(NET, X, box=(-4, 4), store=tmp_path)
    box = pr.Box(np.full(3, -4.0), np.full(3, 4.0))
    solver = pr.Solver(threads=1)
    again = pr.invert_many(NET, X.tolist(), pr.Layerwise(), box=box, solver=solver, store=tmp_path, resume=True)
    assert again.failures == ()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("batch.json", b"{", "damaged, or not JSON"),
        ("batch.json", b"[]", "not the header of a pyomo-relu batch, version 1"),
        ("results.jsonl", b"{}\n", "line 1 is damaged"),
        ("results.jsonl", b"\xff\xfe\n", "line 1 is damaged"),
        ("results.jsonl", b"[" * 100_000 + b"\n", "line 1 is damaged"),
        ("results.jsonl", b'{"index": true}\n', "line 1 is damaged"),
    ],
)
def test_a_damaged_store_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    pr.invert_many(NET, X, LINEAR, store=tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(pr.InputError, match=said):
        pr.invert_many(NET, X, LINEAR, store=tmp_path, resume=True)
    assert (tmp_path / name).read_bytes() == content


HUGE = 10**400


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("z", [1.0, 2.0], "the code has 2 entries, expected 3"),
        ("z", [[1.0], [2.0], [3.0]], "line 1 is damaged"),
        ("z", [1.0, 2.0, None], "line 1 is damaged"),
        ("z", [1.0, 2.0, HUGE], "line 1 is damaged"),
        ("residual", HUGE, "line 1 is damaged"),
        ("residual", [0.5], "line 1 is damaged"),
        ("seconds", None, "line 1 is damaged"),
    ],
    ids=lambda value: "huge" if value == HUGE else None,
)
def test_a_line_that_is_json_but_no_result_is_refused(tmp_path: Path, field: str, value: Any, said: str) -> None:
    pr.invert_many(NET, X, LINEAR, store=tmp_path)
    record = {**json.loads(line_of(0, LINEAR_RESULTS[0])), field: value}
    (tmp_path / "results.jsonl").write_text(json.dumps(record) + "\n")
    with pytest.raises(pr.InputError, match=said):
        pr.invert_many(NET, X, LINEAR, store=tmp_path, resume=True)


def test_lines_of_the_first_version_are_read(tmp_path: Path) -> None:
    """They called a claim its text, and did not tell the gap."""
    batch = pr.invert_many(NET, X, LINEAR, store=tmp_path)
    path = tmp_path / "results.jsonl"
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    for record in records:
        del record["gap"]
        for claim in record["certificate"]:
            claim["text"] = claim.pop("claim")
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    again = pr.invert_many(NET, X, LINEAR, store=tmp_path, resume=True)
    assert [comparable(answer) for answer in again] == [comparable(answer) for answer in batch]


def changed(folder: Path, row: int, **entries: Any) -> list[bytes]:
    """Change what the store says of a row, as an editor would, and return the lines as they were."""
    lines = (folder / "results.jsonl").read_bytes().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if json.loads(line)["index"] == row)
    record = {**json.loads(lines[at]), **entries}
    (folder / "results.jsonl").write_bytes(
        b"".join([*lines[:at], json.dumps(record).encode() + b"\n", *lines[at + 1 :]])
    )
    return lines


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"z": [0.0, 0.0, 0.0]}, r"says residual .*, but its code has"),
        ({"residual": 0.0, "dual_bound": 0.0, "realizable": True}, r"says residual 0, but its code has 0\.0"),
        ({"residual": -1.0}, "its residual is -1"),
        ({"residual": "nan"}, "its residual is nan"),
        ({"residual": None}, "there is a residual without a code, or a code without a residual"),
        ({"z": None}, "there is a residual without a code, or a code without a residual"),
        ({"z": ["nan", "inf", 0.0]}, "the code is not finite"),
        ({"z": None, "residual": None, "realizable": True}, "says that x is met, but has no code"),
        ({"dual_bound": "inf"}, "its bound is inf"),
        ({"dual_bound": 1.0}, "its bound 1 is above its residual"),
        ({"seconds": "inf"}, "its seconds are negative, or not finite"),
        ({"seconds": -1.0}, "its seconds are negative, or not finite"),
        ({"norm": 1}, "is of norm 1, the method of norm inf"),
        ({"norm": "banana"}, "is damaged"),
        ({"status": "splendid"}, "is damaged"),
        ({"realizable": "yes"}, "is damaged"),
        ({"realizable": 1}, "is damaged"),
        ({"seconds": True}, "is damaged"),
        ({"solver": 3}, "is damaged"),
        ({"layers": [{}]}, "is damaged"),
        ({"certificate": [{"text": "all is well"}]}, "is damaged"),
        ({"verified": True}, "is damaged"),
    ],
)
def test_a_line_that_says_what_is_not_so_is_refused(tmp_path: Path, entries: dict[str, Any], said: str) -> None:
    pr.invert_many(NET, X, store=tmp_path)
    changed(tmp_path, 3, **entries)
    before = (tmp_path / "results.jsonl").read_bytes()
    with pytest.raises(pr.InputError, match=rf"results\.jsonl: line 4:? {said}") as told:
        pr.invert_many(NET, X, store=tmp_path, resume=True)
    assert "\n" not in str(told.value)
    assert (tmp_path / "results.jsonl").read_bytes() == before


def test_a_row_whose_line_was_taken_out_is_done_again(tmp_path: Path) -> None:
    whole = pr.invert_many(NET, X, store=tmp_path)
    lines = changed(tmp_path, 3, residual=0.0)
    (tmp_path / "results.jsonl").write_bytes(b"".join(lines[:3] + lines[4:]))
    again = pr.invert_many(NET, X, store=tmp_path, resume=True)
    assert list(map(comparable, again)) == list(map(comparable, whole))


def test_what_a_line_calls_verified_is_worked_out_anew(tmp_path: Path) -> None:
    batch = pr.invert_many(NET, X, store=tmp_path)
    met = {"standing": "verified", "by": "forward pass in float64", "value": 0.0}
    said = [{"text": "||G(z) - x||_inf = 0", **met}, {"text": "x is met up to 1e-06", **met}]
    changed(tmp_path, 3, certificate=said, realizable=True)
    again = pr.invert_many(NET, X, store=tmp_path, resume=True)[3]
    assert again.certificate.verified == batch[3].certificate.verified
    assert (again.realizable, again.residual) == (batch[3].realizable, batch[3].residual)


def test_a_bound_that_another_run_verified_is_trusted_to_the_store(tmp_path: Path) -> None:
    # A bound between what the signs prove and the residual.
    told = pr.invert_many(NET, X, store=tmp_path)[3]
    bound = (max(0.0, float(-X[3].min())) + told.residual) / 2.0
    claim = {"standing": "verified", "by": BY_BOUNDS, "value": bound}
    said = [{"text": "||G(z) - x||_inf >= 0.009 for every code", **claim}]
    changed(tmp_path, 3, certificate=said, dual_bound=bound, bound_by=BY_BOUNDS)
    again = pr.invert_many(NET, X, store=tmp_path, resume=True)[3]
    assert (again.dual_bound, again.bound_by) == (bound, f"{BY_BOUNDS}, as the store tells")
    assert [(c.text, c.by) for c in again.certificate.trusted] == [
        (said[0]["text"], f"{BY_BOUNDS}, as the store tells")
    ]
    assert all("for every code" not in c.text for c in again.certificate.verified)


@pytest.mark.parametrize(
    "method",
    [pr.Exact("inf", starts=2), pr.Exact(1, starts=2), pr.Exact("inf", then=2), pr.Hybrid(2), pr.Descent(starts=2),
     pr.GradientDescent(iterations=20), pr.Layerwise(pr.LayerRealizable()), pr.ProjectedGradient(iterations=2)],
    ids=repr,
)  # fmt: skip
def test_what_nobody_changed_is_read_as_it_was(tmp_path: Path, method: Any) -> None:
    x = X[:3].copy()
    x[2, 4] = -0.5
    batch = pr.invert_many(NET, x, method, box=(-4, 4), store=tmp_path)
    again = pr.invert_many(NET, x, method, box=(-4, 4), store=tmp_path, resume=True)
    assert list(map(comparable, again)) == list(map(comparable, batch))


@pytest.mark.parametrize(("rows", "said"), [((0, 0), "observation 0 is unknown, or there twice"), ((9,), "9 is unk")])
def test_an_observation_that_is_there_twice_or_unknown_is_refused(
    tmp_path: Path, rows: tuple[int, ...], said: str
) -> None:
    pr.invert_many(NET, X, LINEAR, store=tmp_path)
    (tmp_path / "results.jsonl").write_bytes(b"".join(line_of(i, LINEAR_RESULTS[0]) for i in rows))
    with pytest.raises(pr.InputError, match=said):
        pr.invert_many(NET, X, LINEAR, store=tmp_path, resume=True)


def test_a_folder_with_codes_of_somebody_else_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "codes.npz", mine=1)
    with pytest.raises(pr.InputError, match=r"there is a codes.npz, but no batch.json: give another folder"):
        pr.invert_many(NET, X, LINEAR, store=tmp_path)


def test_a_store_cannot_be_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(pr.InputError, match=f"store .*file: {os.strerror(errno.EEXIST)}"):
        pr.invert_many(NET, X, LINEAR, store=tmp_path / "file")


def test_two_runs_do_not_write_to_one_store(tmp_path: Path) -> None:
    with (
        open_store(tmp_path, 7, 3, {}, {}, resume=False),
        pytest.raises(pr.InputError, match="another run is writing to it"),
        open_store(tmp_path, 7, 3, {}, {}, resume=True),
    ):
        pass


def test_a_method_without_a_fingerprint_needs_a_run_without_a_store(tmp_path: Path) -> None:
    class Method:
        def run(self, problem: Any, solver: pr.Solver) -> pr.Result:
            return LINEAR.run(problem, solver)

    with pytest.raises(pr.InputError, match="a store cannot tell Method objects apart"):
        pr.invert_many(NET, X, Method(), store=tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_store_of_another_operator_is_refused_though_the_network_is_the_same(tmp_path: Path) -> None:
    matrix = np.random.default_rng(1).normal(size=(8, 30))
    whole = pr.Network((*NET.layers, pr.Layer(matrix, None, 1.0)))
    method = pr.ProjectedGradient(iterations=2)
    pr.invert_many(NET, X @ matrix.T, method, operator=matrix, store=tmp_path)
    with pytest.raises(pr.InputError, match=r"not the same: generator, operator\)"):
        pr.invert_many(whole, X @ matrix.T, method, store=tmp_path, resume=True)


@pytest.mark.parametrize("mask", [None, np.arange(30) > 3])
def test_a_store_without_versions_is_read(tmp_path: Path, mask: Any) -> None:
    pr.invert_many(NET, X, LINEAR, mask=mask, store=tmp_path)
    header = json.loads((tmp_path / "batch.json").read_text())
    assert header.pop("versions").keys() == {"pyomo-relu", "NumPy", "SciPy"}
    header.pop("generator, operator")
    (tmp_path / "batch.json").write_text(json.dumps(header))
    assert len(pr.invert_many(NET, X, LINEAR, mask=mask, store=tmp_path, resume=True)) == 7


def test_who_goes_on_with_another_version_is_told_where_something_is_missing(tmp_path: Path) -> None:
    pr.invert_many(NET, X, LINEAR, store=tmp_path)
    header = json.loads((tmp_path / "batch.json").read_text())
    header["versions"] |= {"SciPy": "0.9", "HiGHS": "1.0"}  # a method that calls no solver
    header["versions"].pop("NumPy")
    (tmp_path / "batch.json").write_text(json.dumps(header))
    assert len(pr.invert_many(NET, X, LINEAR, store=tmp_path, resume=True)) == 7  # and warns of nothing
    results = tmp_path / "results.jsonl"
    results.write_bytes(b"".join(results.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.warns(UserWarning, match=r"begun with SciPy 0\.9; what is missing may be answered otherwise") as told:
        pr.invert_many(NET, X, LINEAR, store=tmp_path, resume=True)
    assert [warning.filename for warning in told] == [__file__]


def test_what_a_method_holds_beside_its_fields_is_refused(tmp_path: Path) -> None:
    class Method(pr.Layerwise):
        def __init__(self, extra: int) -> None:
            super().__init__()
            object.__setattr__(self, "extra", extra)

    with pytest.raises(pr.InputError, match="cannot tell Method objects apart: extra is no field"):
        pr.invert_many(NET, X, Method(1), store=tmp_path / "store")


@pytest.mark.skipif(sys.platform == "win32", reason="sets a limit of the process")
def test_a_full_disk_is_an_error_of_one_line(tmp_path: Path) -> None:
    import resource
    import signal

    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2500, hard))
    try:
        with pytest.raises(pr.InputError, match=f"cannot write .*results.jsonl: {os.strerror(errno.EFBIG)}"):
            pr.invert_many(NET, X, LINEAR, store=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert len(pr.invert_many(NET, X, LINEAR, store=tmp_path, resume=True)) == 7
