"""The packaged generator: a 20-60-784 ReLU network that draws MNIST digits, and ten of its codes."""

from __future__ import annotations

from importlib.resources import as_file, files

import numpy as np

from pyomo_relu.network import Network, load_network
from pyomo_relu.validation import FloatArray

DATA = files("pyomo_relu") / "data"


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
    with as_file(DATA / "mnist_generator.npz") as path:
        return load_network(path)


def mnist_latents() -> FloatArray:
    """Return ten codes, shape (10, 20): ``mnist_generator()(mnist_latents()[i])`` shows the digit ``i``.

    Each is the encoder's mean code of an image that was held out of the training.

    Examples
    --------
    >>> mnist_latents().shape
    (10, 20)
    """
    with (DATA / "mnist_latents.npy").open("rb") as file:
        return np.asarray(np.load(file, allow_pickle=False), dtype=np.float64)
