"""The door for files: kind and size before a byte is read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from special_files import SPECIAL, make_special, watched

from pyomo_relu.batch.line_file import open_lines
from pyomo_relu.errors import InputError, NetworkFileError
from pyomo_relu.reading import content, open_regular, opened, require_regular


def test_a_regular_file_is_read_also_through_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "x", tmp_path / "link"
    path.write_bytes(b"123")
    link.symlink_to(path)
    assert content(path, 3) == content(link, 3) == b"123"
    with opened(link, 3) as file:
        assert file.read() == b"123"


@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_no_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = make_special(kind, tmp_path / "x")
    for read in (content, require_regular, open_regular):
        arguments = {content: (2**40,), open_regular: (os.O_RDONLY,)}.get(read, ())
        with watched(), pytest.raises(NetworkFileError, match=f"^x.json: .*{SPECIAL[kind]}$"):
            read(path, *arguments, "x.json", error=NetworkFileError)


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        with pytest.raises(InputError, match=r"^s: is a socket: give a regular file$"):
            content(Path("s"), 10)


@pytest.mark.parametrize("kind", SPECIAL)
def test_what_takes_a_files_place_in_between_is_refused_too(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, open_file = tmp_path / "x", os.open
    path.write_bytes(b"123")

    def swapped(name: Path, *flags: int) -> int:
        make_special(kind, path)
        return open_file(name, *flags)

    monkeypatch.setattr(os, "open", swapped)
    with watched(), pytest.raises(InputError, match=SPECIAL[kind]):
        content(path, 10)


@pytest.mark.parametrize(
    ("name", "said"),
    [("none", "none: no such file"), ("a\0b", "is not a path"), ("x" * 300, "too long"), ("x/y", "Not a directory")],
)
def test_what_is_not_there_is_refused_in_one_line(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(InputError, match=said) as caught:
        content(tmp_path / name, 10)
    assert "\n" not in str(caught.value)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.truncate(2**40)
    with watched(), pytest.raises(InputError, match=r"x: has 1099511627776 bytes, more than 100: make it smaller$"):
        content(path, 100, remedy="make it smaller")


def test_a_file_that_grows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, status = tmp_path / "x", os.fstat
    path.write_bytes(b"123")

    def growing(handle: int) -> os.stat_result:
        found = status(handle)
        with path.open("ab") as file:
            file.write(b"4")
        return found

    monkeypatch.setattr(os, "fstat", growing)
    with pytest.raises(InputError, match="grows while it is read"):
        content(path, 1000)


@pytest.mark.parametrize("kind", SPECIAL)
def test_lines_are_kept_in_regular_files_only(kind: str, tmp_path: Path) -> None:
    path = make_special(kind, tmp_path / "lines")
    with watched(), pytest.raises(InputError, match=SPECIAL[kind]), open_lines(path):
        pass


def test_a_line_without_end_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    with path.open("wb") as file:
        file.write(b"1\n")
        file.truncate(2**36)
    with watched(), open_lines(path) as lines, pytest.raises(InputError, match="line 2 is damaged: it has more than"):
        list(lines.read())
    assert path.stat().st_size == 2**36
