"""Errors that say where in a file the trouble is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyomo_relu.errors import InputError, NetworkFileError


@contextmanager
def blaming(what: object) -> Iterator[None]:
    """Turn an InputError of the block into a NetworkFileError that starts with `what`."""
    try:
        yield
    except InputError as error:
        raise NetworkFileError(f"{what}: {error}") from error


@contextmanager
def catching(what: object, damage: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn the errors that a foreign reader raises for bad bytes, or of the file system, into one NetworkFileError."""
    try:
        yield
    except InputError:
        raise
    except damage as error:
        if isinstance(error, OSError) and error.strerror:
            raise NetworkFileError(f"{what}: {error.strerror}") from error
        reason = str(error).split("\n")[0] or type(error).__name__
        raise NetworkFileError(f"{what}: damaged, or not what it says it is ({reason})") from error
