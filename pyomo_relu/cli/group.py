"""`Group`: every error on one line, every ending an exit code."""

from __future__ import annotations

import errno
import sys
import warnings
from collections.abc import Sequence
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

from pyomo_relu.atomic import DISK_ERRORS
from pyomo_relu.errors import InputError, PyomoReluError

DONE, UNDECIDED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

SAME_AS = {"seconds": "time_limit"}
"""Parameters of the library that have another name on every command line."""

LONGEST, HALF = 1000, 400
"""Characters of a message, and of what is left of either end of a longer one."""

# Older versions of typer raise click's class, newer ones that of a private copy: both derive BadParameter from it.
_UsageError: Any = typer.BadParameter.__mro__[1]


class Group(TyperGroup):
    """A typer group whose failures are one line on stderr and an exit code, never a traceback."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *_: Any, **extra: Any) -> Any:
        """Run a command and leave with its exit code."""
        extra["standalone_mode"] = False
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            sys.exit(self._code(args, prog_name or self.name, extra))

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an error about a parameter of the library is told by the flag that sets it."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            return _complain(self._by_flag(error, ctx))

    def _by_flag(self, error: InputError, context: Any) -> str:
        command = self.get_command(context, context.invoked_subcommand or "")
        options = [p for p in command.params if p.param_type_name == "option"] if command is not None else []
        flags = {option.name: option.opts[0] for option in options}
        parameter = error.parameter or ""
        flag = flags.get(SAME_AS.get(parameter, parameter))
        return str(error) if flag is None else f"{flag} {error.reason}"

    def _code(self, args: Sequence[str] | None, prog_name: str | None, extra: dict[str, Any]) -> int:
        try:
            code = super().main(args, prog_name, **extra)
        except PyomoReluError as error:
            return _complain(str(error))
        except _UsageError as error:
            return _complain(error.format_message())
        except (KeyboardInterrupt, typer.Abort):
            code = INTERRUPTED
        except OSError as error:
            if error.errno == errno.EPIPE:
                # The reader of a pipe may leave early: `pyomo-relu show mnist | head`.
                return UNDECIDED
            return _complain(f"cannot write: {error.strerror}" if error.errno in DISK_ERRORS else str(error))
        if code == INTERRUPTED:
            print("interrupted", file=sys.stderr)
        return code if isinstance(code, int) else DONE


def _complain(message: str) -> int:
    line = " ".join(message.split())
    # What a file says may be of any length: its beginning tells where it is, its end the remedy.
    print("error:", line if len(line) <= LONGEST else f"{line[:HALF]} ... {line[-HALF:]}", file=sys.stderr)
    return BAD_INPUT


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    print("warning:", " ".join(str(message).split()), file=sys.stderr)
