"""JSON and TOML from outside: what is odd is refused in one line, soon."""

from __future__ import annotations

import json
import math

import pytest
from special_files import watched

from pyomo_relu.documents import MOST_DOTS, MOST_LEVELS, parse_json, parse_toml
from pyomo_relu.errors import InputError, SolverConfigError


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def test_documents_are_read_as_they_are() -> None:
    document = {"a": [1, 2.5, None, True, {"b": "ü"}], "c": 10**300}
    assert parse_json(b"\xef\xbb\xbf" + json.dumps(document, ensure_ascii=False).encode(), "x") == document
    assert parse_json(nested(MOST_LEVELS).encode(), "x") == json.loads(nested(MOST_LEVELS))
    assert math.isnan(parse_json(b"[NaN]", "x", nan=True)[0])
    assert parse_toml(b"a.b = [1, 2.5]\r\nd = 2020-01-01\r\n", "x")["a"] == {"b": [1, 2.5]}
    dotted = ".".join("a" * MOST_LEVELS)
    assert parse_toml(f"{dotted} = 1".encode(), "x")
    assert parse_toml(f"a = '{'.' * MOST_DOTS}'".encode(), "x")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "char 0"),
        (b"[1", "char 2"),
        (b"\xff\xfe[\x00]\x00", "utf-8"),
        (nested(MOST_LEVELS + 1).encode(), f"it has more than {MOST_LEVELS} levels"),
        (nested(100_000).encode(), f"it has more than {MOST_LEVELS} levels"),
        (b"[" * 100_000, f"it has more than {MOST_LEVELS} levels"),
        (b'{"a":' * 100_000, f"it has more than {MOST_LEVELS} levels"),
        (b"[" + b"9" * 400 + b"]", "an integer beyond float64"),
        (b"[-" + b"9" * 5000 + b"]", "an integer beyond float64"),
        (b"[NaN]", "NaN is no number of JSON"),
        (b"[-Infinity]", "-Infinity is no number of JSON"),
    ],
)
def test_odd_json_is_refused_in_one_line(data: bytes, said: str) -> None:
    with watched(), pytest.raises(InputError, match=r"^x.json: damaged, or not JSON \(.*\)$") as caught:
        parse_json(data, "x.json")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "Expected '='"),
        ("a = 1\na = 2", "Cannot overwrite a value"),
        (f"a = {nested(MOST_LEVELS + 1)}", "levels"),
        (f"a = {nested(20_000)}", "levels"),
        ("a = " + "[" * 20_000, "levels"),
        ("a = " + "{a = " * 5_000 + "1" + "}" * 5_000, "levels"),
        (".".join("a" * (MOST_LEVELS + 2)) + " = 1", "levels"),
        (".".join("a" * 50_000) + " = 1", f"line 1 has more than {MOST_DOTS} dots"),
        ("[a]\nx = 1\n[" + ".".join(["'b'"] * 10_000) + "]", f"line 3 has more than {MOST_DOTS} dots"),
        ("\n".join(f"[{'a.' * (MOST_DOTS - 1)}b{i}]" for i in range(60)), "levels"),
        (f"seed = {'9' * 5000}", "an integer beyond float64"),
        (f"seed = 0x{'f' * 5000}", "an integer beyond float64"),
    ],
)
def test_odd_toml_is_refused_in_one_line(text: str, said: str) -> None:
    with watched(), pytest.raises(SolverConfigError, match=r"^x.toml: not TOML: ") as caught:
        parse_toml(text.encode(), "x.toml", error=SolverConfigError)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200
