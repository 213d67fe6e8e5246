"""`Shell`: the adapter to a solver that is run as a program, which ends at its limit, whatever it does."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pyomo.opt.base.solvers import _extract_version

from pyomo_relu.deadline import Deadline
from pyomo_relu.solvers.adapter import Legacy
from pyomo_relu.solvers.outcome import Outcome
from pyomo_relu.solvers.program import Program, ProgramError, ProgramTimeoutError, answer

_LATE, _GRACE = 1.1, 0.8
"""A program is killed when its limit has passed by a tenth and 0.8 s: by then it has stopped by itself, or hangs."""


class WatchedProgram:
    """Mixed into one of Pyomo's shell interfaces, which then has a time limit that holds.

    Attributes
    ----------
    limit_option : str
        The program's own option for the time limit.
    whole_seconds : bool
        Whether that option takes whole seconds only.
    asked : tuple of str
        Arguments with which the program tells its version.
    """

    limit_option: str
    whole_seconds: bool
    asked: tuple[str, ...]
    options: Any
    executable: Callable[[], str]
    _tee: bool
    _running: Program | None = None
    _limit, _killed = Deadline(), Deadline()

    def limit(self, seconds: float | None) -> None:
        """Let the next solve take so long, from now on."""
        self._limit = Deadline.after(seconds)
        self._killed = Deadline.after(None if seconds is None else _LATE * seconds + _GRACE)

    def interrupt(self) -> None:
        """Stop the program as Ctrl-C does; where none runs there is nothing to wait for.

        Raises
        ------
        KeyboardInterrupt
            If none runs.
        """
        if self._running is None:
            raise KeyboardInterrupt
        self._running.interrupt()

    def create_command_line(self, executable: str, problem_files: Any) -> Any:
        """Return the command, with what is left of the time after the model was written."""
        left = self._limit.left
        if left == 0.0:
            raise ProgramTimeoutError("the model was not written in time")
        if math.isfinite(left):
            self.options[self.limit_option] = math.ceil(left) if self.whole_seconds else left
        return super().create_command_line(executable, problem_files)  # type: ignore[misc]

    def _execute_command(self, command: Any) -> tuple[int, str]:
        self._running = Program(command.cmd, sys.stdout if self._tee else None)
        try:
            ended = self._running.wait(self._killed)
        finally:
            self._running = None
        if ended.code != 0:
            said = f": {ended.last_line}" if ended.last_line else ""
            raise ProgramError(f"{command.cmd[0]} ended with exit code {ended.code}{said}")
        return ended.code, ended.said

    def _get_version(self, executable: str | None = None) -> Any:
        # Pyomo's own way starts the program anew for each solve, and waits 2 to 5 s.
        return _extract_version(answer(executable or self.executable(), *self.asked).said)


class Shell(Legacy):
    """A solver that is run as a program; `interface` is a `WatchedProgram`."""

    def __init__(self, interface: WatchedProgram, *, corrected: Callable[[Any, Outcome], Outcome]) -> None:
        super().__init__(interface, corrected=corrected, cancel=WatchedProgram.interrupt)

    def _run(self, options: Mapping[str, Any], seconds: float | None, log: bool) -> Any:
        self.interface.limit(seconds)
        return super()._run(options, seconds, log)


def printed_bound(text: str, *, below: bool) -> float:
    """Read a bound from a log: it was rounded for printing, so move it out by one unit of its last digit.

    >>> printed_bound("28.657", below=True)
    28.656
    """
    number = Decimal(text)
    unit = Decimal(1).scaleb(int(number.as_tuple().exponent))
    return float(number - unit if below else number + unit)
