"""Files are written whole or not at all, and what is no file is written to."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from pyomo_relu.atomic import atomic_write
from pyomo_relu.errors import InputError


@pytest.fixture
def umask():
    """Set a umask for one test."""
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write(path: Path, data: bytes) -> None:
    with atomic_write(path) as file:
        file.write(data)


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path, umask):
    write(tmp_path / "new", b"x")
    assert mode(tmp_path / "new") == 0o666 & ~umask


@pytest.mark.parametrize("kept", [0o600, 0o664, 0o755])
def test_a_file_that_is_replaced_hands_on_its_mode(tmp_path, umask, kept):
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(kept)
    with atomic_write(path) as file:
        drafts = [mode(entry) for entry in tmp_path.iterdir() if entry != path]
        file.write(b"new")
    assert drafts == [0o600]
    assert (path.read_bytes(), mode(path)) == (b"new", kept)


def test_the_umask_of_the_process_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", None)
    write(tmp_path / "x", b"x")
    assert (tmp_path / "x").read_bytes() == b"x"


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write(pipe, b"through")
    reader.join(timeout=10.0)
    assert found == [b"through"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("error", [OSError("no such font"), ValueError("wrong"), KeyboardInterrupt()])
def test_errors_of_the_block_stay_what_they_are(tmp_path, error):
    (tmp_path / "x").write_bytes(b"old")

    def fail() -> None:
        with atomic_write(tmp_path / "x") as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("x", b"old")]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="a Linux device")
@pytest.mark.parametrize("size", [1, 10_000_000])
def test_a_full_disk_is_told_in_one_line(size):
    """A small block is written when the file is closed, a large one inside the block."""
    with pytest.raises(InputError, match=f"cannot write /dev/full: {os.strerror(errno.ENOSPC)}"):
        write(Path("/dev/full"), b"x" * size)
    assert Path("/dev/full").is_char_device()


def test_a_disk_that_fails_while_a_file_is_replaced_leaves_the_old_one(tmp_path):
    (tmp_path / "x").write_bytes(b"old")

    def fail() -> None:
        with atomic_write(tmp_path / "x"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(InputError, match=f"cannot write .*x: {os.strerror(errno.ENOSPC)}"):
        fail()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("x", b"old")]


def test_what_cannot_be_written_is_refused_in_one_line(tmp_path):
    with pytest.raises(InputError, match=f"cannot write .*nowhere/x: {os.strerror(errno.ENOENT)}"):
        write(tmp_path / "nowhere" / "x", b"")
    with pytest.raises(InputError, match=f"cannot write .*: {os.strerror(errno.EISDIR)}"):
        write(tmp_path, b"")
    assert list(tmp_path.iterdir()) == []


def test_an_error_without_a_number_is_told_in_its_own_words(tmp_path, monkeypatch):
    def fail(self: Path, target: Path) -> None:
        raise OSError("the network drive is gone")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match=r"cannot write .*: the network drive is gone"):
        write(tmp_path / "x", b"")
    assert list(tmp_path.iterdir()) == []
