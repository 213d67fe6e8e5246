"""The packaged generators: one of MNIST digits, with ten of its codes, and three of small digits."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Literal, get_args

import numpy as np

from pyomo_relu.errors import InputError
from pyomo_relu.network import Network, load_network
from pyomo_relu.validation import FloatArray

DATA = files("pyomo_relu") / "data"

Small = Literal["relu", "deep", "leaky"]


def mnist_generator() -> Network:
    """Return a trained generator of 28 x 28 images of digits, row by row, black 0 and white about 1.

    ReLU 20-60-784 with biases, ReLU on the output too; codes are meant to be drawn from N(0, 1).
    ``pyomo_relu/data/README.md`` says how it was trained and what was measured on it.

    Returns
    -------
    Network

    Examples
    --------
    >>> net = mnist_generator()
    >>> net
    Network(20-60-784, ReLU, ReLU)
    >>> seven = net(mnist_latents()[7]).reshape(28, 28)
    >>> bool(seven.max() > 0.5), bool((seven == 0).any())
    (True, True)
    """
    return _packaged("mnist_generator")


def mnist_latents() -> FloatArray:
    """Return ten codes, shape (10, 20): ``mnist_generator()(mnist_latents()[i])`` shows the digit ``i``.

    Each is the encoder's mean code of an image that was held out of the training.

    Returns
    -------
    array, shape (10, 20)

    Examples
    --------
    >>> mnist_latents().shape
    (10, 20)
    """
    with (DATA / "mnist_latents.npy").open("rb") as file:
        return np.asarray(np.load(file, allow_pickle=False), dtype=np.float64)


def small_generator(kind: Small = "relu") -> Network:
    """Return a trained generator of 8 x 8 images of digits, row by row, black 0 and white about 1.

    With biases; codes are meant to be drawn from N(0, 1). ``pyomo_relu/data/README.md`` says how they were trained.

    Parameters
    ----------
    kind : "relu", "deep" or "leaky"
        One hidden layer; two hidden layers; one hidden layer and LeakyReLU(0.125) throughout.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If `kind` is none of these.

    Examples
    --------
    >>> [small_generator(kind).sizes for kind in ("relu", "deep", "leaky")]
    [(8, 24, 64), (6, 12, 24, 64), (12, 24, 64)]
    """
    if kind not in get_args(Small):
        raise InputError(f"kind must be one of {', '.join(get_args(Small))}, got {kind!r}")
    return _packaged(f"small_{kind}")


def _packaged(name: str) -> Network:
    with as_file(DATA / f"{name}.npz") as path:
        return load_network(path)
