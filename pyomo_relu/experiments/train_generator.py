"""Train the packaged generators of digits: the decoders of variational autoencoders, in NumPy alone."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.atomic import atomic_write
from pyomo_relu.experiments.autoencoder import Parameters, Training, encode, to_network, train
from pyomo_relu.experiments.images import Array, Digits, mnist_digits, small_digits
from pyomo_relu.formulations import LinearSolve
from pyomo_relu.inversion import Layerwise, invert
from pyomo_relu.io.npz import FORMAT, VERSIONS
from pyomo_relu.network import Network
from pyomo_relu.validation import FloatArray

IMAGES = {"mnist": mnist_digits, "small": small_digits}


def edges(images: FloatArray | Array) -> FloatArray:
    """Return the differences of neighbouring pixels of square images, shape (N, side * side), one row each."""
    side = math.isqrt(images.shape[1])
    square = images.reshape(-1, side, side).astype(np.float64)
    steps = [np.diff(square, axis=axis).reshape(len(images), -1) for axis in (1, 2)]
    return np.concatenate(steps, axis=1)


def crispest_codes(p: Parameters, network: Network, images: Array, labels: NDArray[np.int64]) -> FloatArray:
    """Return one mean code a label, in order: that of the image whose edges G draws with the least relative error."""
    mean = encode(p, images)[1].astype(np.float64)
    wanted = edges(images)
    error = np.linalg.norm(edges(network(mean)) - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
    of_label = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return np.stack([mean[index[np.argmin(error[index])]] for index in of_label])


def describe(network: Network, codes: FloatArray) -> str:
    """Return one line: how many units of each layer are on at `codes`, and how often linear equations find them."""
    counts = [(before > 0.0).sum(axis=1) for before in network.pre_activations(codes)]
    found = [invert(network, network(code), Layerwise(LinearSolve())).z for code in codes]
    right = sum(z is not None and bool(np.abs(z - code).max() <= 1e-6) for z, code in zip(found, codes, strict=True))

    def spread(count: NDArray[np.int64]) -> str:
        return "/".join(f"{q:.0f}" for q in np.quantile(count, [0, 0.05, 0.5, 0.95, 1]))

    on = ", ".join(f"{spread(count)} of {layer.n_out}" for count, layer in zip(counts, network, strict=True))
    return f"units on {on} (min/5%/median/95%/max); recovered {right} of {len(codes)}"


def report(p: Parameters, network: Network, digits: Digits, seed: int) -> None:
    """Print the held-out error, and `describe` at held-out codes and at as many draws of N(0, 1)."""
    codes = encode(p, digits.test)[1].astype(np.float64)
    error = ((network(codes) - digits.test) ** 2).mean(axis=1)
    print(f"held out: MSE {error.mean():.4f}, PSNR {-10 * np.log10(error).mean():.2f} dB")
    print("held out:", describe(network, codes))
    print("N(0, 1): ", describe(network, np.random.default_rng(seed).standard_normal(codes.shape)))


def save_network(network: Network, path: Path) -> None:
    """Write a network of float32 weights and biases as `Network.save` would, in half the bytes and compressed."""
    arrays: dict[str, Any] = {"format": FORMAT, "version": VERSIONS[0]}
    for i, layer in enumerate(network, start=1):
        weights = {f"weight_{i}": np.float32(layer.weight), f"bias_{i}": np.float32(layer.bias)}
        arrays |= {**weights, f"slope_{i}": layer.activation.compact}
    with atomic_write(path) as file:
        np.savez_compressed(file, **arrays)


def parse(argv: Sequence[str] | None) -> tuple[argparse.Namespace, Training]:
    """Read the command line; every field of `Training` is an option."""
    parser = argparse.ArgumentParser(prog="python -m pyomo_relu.experiments.train_generator", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--out", type=Path, required=True, help="the network, .npz")
    parser.add_argument("--latents", type=Path, help="codes of ten held-out digits, .npy")
    parser.add_argument("--images", choices=IMAGES, default="mnist", help="28 x 28 or 8 x 8; default: %(default)s")
    for field in fields(Training):
        option = "--" + field.name.replace("_", "-")
        several: Any = {"type": int, "nargs": "+"} if field.name == "hidden" else {"type": type(field.default)}
        parser.add_argument(option, default=field.default, help="default: %(default)s", **several)
    arguments = parser.parse_args(argv)
    chosen = {field.name: getattr(arguments, field.name) for field in fields(Training)}
    return arguments, Training(**{**chosen, "hidden": tuple(chosen["hidden"])})


def main(argv: Sequence[str] | None = None) -> None:
    """Train, report and save."""
    arguments, training = parse(argv)
    digits = IMAGES[arguments.images]()
    p, _ = train(digits.train, training, report_every=max(1, training.epochs // 20))
    network = to_network(p, training.slope)
    report(p, network, digits, training.seed)
    save_network(network, arguments.out)
    if arguments.latents is not None:
        with atomic_write(arguments.latents) as file:
            np.save(file, crispest_codes(p, network, digits.test, digits.test_labels))


if __name__ == "__main__":
    main()
