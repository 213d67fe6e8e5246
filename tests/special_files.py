"""Files that are none, and a watchdog: what waits for one of them, or takes memory without end, fails soon."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SECONDS = 60
BYTES = 2**30

SPECIAL = {"pipe": "is a pipe: give a regular file", "zero": "is a device: give a regular file", "folder": "a folder"}


def make_special(kind: str, path: Path) -> Path:
    """Put a special file at a path, in the place of what is there."""
    if kind != "folder" and not hasattr(os, "mkfifo"):
        pytest.skip("no pipes and devices in the file system here")
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
    """Fail after a minute, or for want of memory after one more GiB, on systems that can tell."""
    with _at_most_a_minute(), _at_most_a_gibibyte():
        yield


@contextmanager
def _at_most_a_minute() -> Iterator[None]:
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def bark(*_: Any) -> None:
        raise TimeoutError(f"not back after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, bark)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _at_most_a_gibibyte() -> Iterator[None]:
    used = Path("/proc/self/statm")
    if not used.exists():
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = int(used.read_text().split()[0]) * resource.getpagesize() + BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
