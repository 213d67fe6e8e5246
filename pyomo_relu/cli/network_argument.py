"""The NETWORK argument: a file, or the word ``mnist``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyomo_relu.errors import InputError

if TYPE_CHECKING:
    from pyomo_relu.network import Network

SHIPPED = "mnist"


def read_network(source: str, slopes: str | None) -> Network:
    """Read the network of a path, or the shipped generator.

    Parameters
    ----------
    source : str
        A path, or ``"mnist"``.
    slopes : str or None
        ``"0"``, or ``"0,0.1,1"`` one a layer, for files that hold no activations.

    Raises
    ------
    InputError
        If the file or the slopes are not understood.
    """
    numbers = None if slopes is None else _numbers(slopes)
    if source == SHIPPED:
        from pyomo_relu.generator import mnist_generator
        from pyomo_relu.io.slopes import refuse_slopes

        refuse_slopes(numbers, SHIPPED)
        return mnist_generator()
    from pyomo_relu.network import load_network

    return load_network(source, slopes=numbers)


def _numbers(text: str) -> float | list[float]:
    try:
        found = [float(word) for word in text.split(",")]
    except ValueError as error:
        raise InputError(f"--slopes must be a number, or numbers with commas between them, got {text!r}") from error
    return found if len(found) > 1 else found[0]
