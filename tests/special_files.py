"""Files that are none, and a watchdog: what waits for one of them, or takes memory without end, fails soon."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

resource = pytest.importorskip("resource", reason="no limits of memory here")

SECONDS = 60
BYTES = 2**30

SPECIAL = {"pipe": "is a pipe: give a regular file", "zero": "is a device: give a regular file", "folder": "a folder"}


def make_special(kind: str, path: Path) -> Path:
    """Put a special file at a path, in the place of what is there."""
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    return path


@contextmanager
def watched() -> Iterator[None]:
    """Fail after a minute, or for want of memory after one more GiB."""

    def bark(*_: Any) -> None:
        raise TimeoutError(f"not back after {SECONDS} s")

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, bark)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + BYTES, hard))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
