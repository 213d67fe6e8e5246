"""Run a program of a solver's: for so long, with whatever it starts, and in so much memory."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import IO, Any, TextIO

from pyomo_relu.deadline import Deadline
from pyomo_relu.errors import SolverUnavailableError

ANSWER_SECONDS = 5.0
"""How long a program may take to say which version it is, or what it thinks of an option."""

_AFTER_INTERRUPT = 2.0
_GLANCE = 0.05
_HEAD, _TAIL = 1 << 16, 1 << 20
_GROUPS = os.name == "posix"
# Where this process is killed, the end of the standard input tells of it, and the whole group goes.
_WITH_US = """
exec 3<&0 </dev/null
trap : INT
(read _ <&3; kill -KILL 0) >/dev/null 2>&1 &
exec 3<&-
"$@"
code=$?
kill -KILL $!
wait $! 2>/dev/null
exit $code
"""


class ProgramError(SolverUnavailableError):
    """A solver's program is broken: it does not run, does not answer, or answers nonsense."""


class ProgramTimeoutError(ProgramError):
    """A solver's program was killed, because it did not end in time."""


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it said.

    Parameters
    ----------
    code : int
        Its exit code; 128 and more where a signal ended it.
    said : str
        What it printed: the first 64 kB, and the last MB.
    """

    code: int
    said: str

    @property
    def first_line(self) -> str:
        """The first line that is not empty."""
        return next((line.strip() for line in self.said.splitlines() if line.strip()), "")

    @property
    def last_line(self) -> str:
        """The last line that is not empty."""
        return next((line.strip() for line in reversed(self.said.splitlines()) if line.strip()), "")


class Program:
    r"""A program that runs: in a process group of its own, so that all that it starts ends with it, and both with us.

    Parameters
    ----------
    command : sequence of str
    echo : text stream, optional
        Where to print what it prints, as it comes.

    Raises
    ------
    ProgramError
        If it cannot be started.

    Examples
    --------
    >>> import sys
    >>> Program([sys.executable, "-c", "print(6)"]).wait(Deadline.after(60.0))
    Ended(code=0, said='6\n')
    """

    def __init__(self, command: Sequence[str], echo: TextIO | None = None) -> None:
        self._name = command[0]
        if shutil.which(self._name) is None:
            raise ProgramError(f"there is no program {self._name}")
        group: dict[str, Any] = {"process_group": 0} if _GROUPS else {}
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _WITH_US, "sh", *command] if _GROUPS else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **group,
        )
        self._interrupted: Deadline | None = None
        self._heard = _Heard(echo)
        # A thread, for a pipe cannot be waited for with a limit on every system.
        self._reader = threading.Thread(target=self._heard.listen, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def wait(self, deadline: Deadline) -> Ended:
        """Wait until it ends, and kill what is left of it at a deadline, or where waiting is interrupted.

        Raises
        ------
        ProgramTimeoutError
            If it was killed.
        """
        try:
            while self._process.poll() is None:
                if deadline.expired or (self._interrupted is not None and self._interrupted.expired):
                    raise ProgramTimeoutError(f"{self._name} did not end in time, and was killed")
                # Its end is the end of what it prints, but for a program that has closed the stream, or left it to
                # another.
                self._reader.join(min(_GLANCE, deadline.left))
                if not self._reader.is_alive():
                    with suppress(subprocess.TimeoutExpired):
                        self._process.wait(min(_GLANCE, deadline.left))
        finally:
            self._kill()
        return Ended(self._process.returncode, self._heard.text())

    def interrupt(self) -> None:
        """Press Ctrl-C; two seconds later it is killed."""
        if self._interrupted is None:
            self._interrupted = Deadline.after(_AFTER_INTERRUPT)
            self._signal(signal.SIGINT)

    def _kill(self) -> None:
        self._signal(signal.SIGKILL if _GROUPS else signal.SIGTERM)
        self._process.wait()
        self._reader.join(1.0)
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()

    def _signal(self, number: int) -> None:
        # The group is there for as long as one of it runs, and may be gone.
        with suppress(ProcessLookupError, PermissionError):
            if _GROUPS:
                os.killpg(self._process.pid, number)
            elif number != signal.SIGINT:
                self._process.kill()


class _Heard:
    """What a program printed, in bounded memory: its beginning and its end."""

    def __init__(self, echo: TextIO | None) -> None:
        self._echo = echo
        self._head, self._tail, self._left_out = bytearray(), bytearray(), 0

    def listen(self, stream: IO[bytes]) -> None:
        descriptor = stream.fileno()
        while chunk := os.read(descriptor, 1 << 16):
            self._keep(chunk)
            if self._echo is not None:
                try:
                    self._echo.write(chunk.decode(errors="replace"))
                except (OSError, ValueError):
                    self._echo = None  # nobody reads any more, and the program must not wait for that

    def text(self) -> str:
        gap = f"\n... {self._left_out} bytes left out ...\n".encode() if self._left_out else b""
        whole = bytes(self._head) + gap + bytes(self._tail)
        return whole.decode(errors="replace").replace("\r\n", "\n")

    def _keep(self, chunk: bytes) -> None:
        room = _HEAD - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if len(self._tail) > 2 * _TAIL:
            self._left_out += len(self._tail) - _TAIL
            del self._tail[:-_TAIL]


@cache
def answer(program: str, *arguments: str) -> Ended:
    """Return what a program answers at once; one that fails to is asked again the next time.

    Raises
    ------
    ProgramError
        If it does not run, or does not answer within 5 s.

    Examples
    --------
    >>> import sys
    >>> answer(sys.executable, "-c", "print(6)").first_line
    '6'
    """
    running = Program([program, *arguments])
    try:
        return running.wait(Deadline.after(ANSWER_SECONDS))
    except ProgramTimeoutError as error:
        raise ProgramError(f"{program} does not answer within {ANSWER_SECONDS:g} s") from error
