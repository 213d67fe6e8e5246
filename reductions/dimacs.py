"""DIMACS CNF, the text format of SAT solvers, as it is found in real files.

::

    c anything
    p cnf 3 2
    1 -3 0
    2 3
    -1 0

Clauses end with 0 and may go over several lines, or share one. A comment is a line whose first
character is ``c``; it may stand anywhere. Files of the SATLIB collection end with a line ``%``
and a line ``0``.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from pyomo_relu.errors import InputError
from pyomo_relu.reading import content

MAX_CHARACTERS = 10**8
MAX_VARIABLES = 10**6
MAX_LITERALS = 10**7
"""With the zeros that end the clauses."""

Clauses = tuple[tuple[int, ...], ...]

# Python's int() would also take "1_0", and the digits of other alphabets.
LITERAL = re.compile(r"0|-?[1-9][0-9]{0,17}")
COUNT = re.compile(r"[0-9]{1,18}")


class DimacsError(InputError):
    r"""A text that is not DIMACS CNF; the message starts with the source and the line.

    Examples
    --------
    >>> read("p cnf 2 1\n1 -2\n")
    Traceback (most recent call last):
        ...
    reductions.dimacs.DimacsError: text, line 2: the last clause does not end with 0
    """


class DimacsWarning(UserWarning):
    r"""A header that does not count its clauses right, in a text that is otherwise in order.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     _ = read("p cnf 1 2\n1 0\n")
    >>> print(caught[0].message)
    text: the header has 2 clauses, the text 1
    """


def read(source: str | PathLike[str], *, strict: bool = False) -> tuple[int, Clauses]:
    r"""Read a formula as its number of variables and its clauses.

    Parameters
    ----------
    source : str or path
        A str that has a line break, or whose first word is ``p`` or ``c``, is the text itself; any other
        str, and every ``Path``, is a file's path.
    strict : bool
        Refuse what is usual but wrong: a header that does not count the clauses right (otherwise a
        :class:`DimacsWarning`), and SATLIB's trailer.

    Returns
    -------
    n_variables : int
        The header's, whether all of them occur or not.
    clauses : tuple of tuple of int
        As they are written, with repetitions.

    Raises
    ------
    DimacsError
        If the text is malformed, or larger than `MAX_CHARACTERS`, `MAX_VARIABLES` or `MAX_LITERALS`.
    InputError
        If the file does not exist or cannot be read.

    Examples
    --------
    >>> read("c two clauses\np cnf 3 2\n1 -3 0 2\n3 -1 0\n%\n0\n")
    (3, ((1, -3), (2, 3, -1)))
    >>> read("p cnf 1 1\n2 0\n")
    Traceback (most recent call last):
        ...
    reductions.dimacs.DimacsError: text, line 2: literal 2, but the header has 1 variable
    """
    if not isinstance(source, (str, PathLike)):
        raise InputError(f"a formula is read from a str or a path, got {type(source).__name__}")
    is_text = isinstance(source, str) and ("\n" in source or "\r" in source or source.split()[:1] in (["p"], ["c"]))
    if is_text:
        return _Reader("text", strict).read(str(source))
    path = Path(source)
    return _Reader(str(path), strict).read(_text_of(path))


def write(n_variables: int, clauses: Iterable[tuple[int, ...]]) -> str:
    r"""Return the text of a formula: the header, and a line a clause.

    Examples
    --------
    >>> write(2, ((1, -2), ()))
    'p cnf 2 2\n1 -2 0\n0\n'
    """
    lines = [" ".join(map(str, (*clause, 0))) for clause in clauses]
    return "\n".join((f"p cnf {n_variables} {len(lines)}", *lines, ""))


def _text_of(path: Path) -> str:
    try:
        found = content(path, MAX_CHARACTERS, error=DimacsError)
    except InputError as error:
        if path.exists():
            raise
        raise InputError(f"{error} (a formula given as text starts with 'p cnf')") from error
    # Only comments may hold anything but ASCII: elsewhere the replacement character is an error.
    return found.decode("utf-8-sig", errors="replace")


class _Reader:
    """The state of reading one text."""

    def __init__(self, name: str, strict: bool) -> None:
        self.name, self.strict = name, strict
        self.line = 1
        self.header: tuple[int, int] | None = None
        self.clauses: list[tuple[int, ...]] = []
        self.open: list[int] = []
        self.n_words = 0
        self.ended = False

    def read(self, text: str) -> tuple[int, Clauses]:
        if len(text) > MAX_CHARACTERS:
            raise DimacsError(f"{self.name}, line 1: more than {MAX_CHARACTERS} characters")
        # Not str.splitlines(): it also breaks at characters that may stand inside a comment.
        for self.line, line in enumerate(io.StringIO(text, newline=None), start=1):
            words = [word for word in line.rstrip("\n").replace("\t", " ").split(" ") if word]
            if words and words[0][0] != "c":
                self._read_line(words)
        if self.header is None:
            raise self._error("there is no line 'p cnf VARIABLES CLAUSES'")
        if self.open:
            raise self._error("the last clause does not end with 0")
        n_variables, n_clauses = self.header
        if n_clauses != len(self.clauses):
            message = f"the header has {_count(n_clauses, 'clause')}, the text {len(self.clauses)}"
            if self.strict:
                raise self._error(message)
            warnings.warn(f"{self.name}: {message}", DimacsWarning, stacklevel=4)
        return n_variables, tuple(self.clauses)

    def _read_line(self, words: list[str]) -> None:
        if self.ended:
            if words != ["0"]:
                raise self._error(f"{words[0][:20]!r} after the end that '%' marks")
        elif words[0] == "p":
            self._read_header(words)
        elif self.header is None:
            raise self._error(f"{words[0][:20]!r} before the line 'p cnf VARIABLES CLAUSES'")
        elif words == ["%"] and not self.open and not self.strict:
            self.ended = True
        else:
            for word in words:
                self._read_literal(word, self.header[0])

    def _read_header(self, words: list[str]) -> None:
        if self.header is not None:
            raise self._error("a second header")
        if len(words) != 4 or words[1] != "cnf" or not all(COUNT.fullmatch(word) for word in words[2:]):
            raise self._error("a header must read 'p cnf VARIABLES CLAUSES'")
        n_variables, n_clauses = int(words[2]), int(words[3])
        if n_variables > MAX_VARIABLES:
            raise self._error(f"{n_variables} variables, at most {MAX_VARIABLES} are read")
        self.header = n_variables, n_clauses

    def _read_literal(self, word: str, n_variables: int) -> None:
        if not LITERAL.fullmatch(word):
            raise self._error(f"{word[:20]!r} is not a literal")
        literal = int(word)
        if abs(literal) > n_variables:
            raise self._error(f"literal {literal}, but the header has {_count(n_variables, 'variable')}")
        self.n_words += 1
        if self.n_words > MAX_LITERALS:
            raise self._error(f"more than {MAX_LITERALS} literals")
        if literal:
            self.open.append(literal)
        else:
            self.clauses.append(tuple(self.open))
            self.open.clear()

    def _error(self, message: str) -> DimacsError:
        return DimacsError(f"{self.name}, line {self.line}: {message}")


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
