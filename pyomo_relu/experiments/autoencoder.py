"""A variational autoencoder in NumPy alone (Kingma and Welling, arXiv:1312.6114), whose decoder is a ReLU network.

Encoder n-e-(mean, log-variance), decoder ``G(z) = phi(W_d ... phi(W_1 z + b_1) ... + b_d)``, phi ReLU or LeakyReLU.
With Gaussian pixels of variance ``s`` and a standard normal code, one image costs the negative evidence bound (up to a
constant)::

    |G(z) - x|^2 / (2 s) + sum(mean^2 + exp(logvar) - 1 - logvar) / 2,    z = mean + exp(logvar / 2) * noise

The output's activation is part of the training: what is minimised is the network that is shipped.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pyomo_relu.experiments.images import Array
from pyomo_relu.network import Network

Parameters = dict[str, Array]


@dataclass(frozen=True)
class Training:
    """How to train.

    Parameters
    ----------
    epochs, seed, batch : int
    code, encoder : int
        Sizes of the code and of the encoder's hidden layer.
    hidden : sequence of int
        Sizes of the decoder's hidden layers, from the code on.
    slope : float
        Of the decoder's activations left of zero: 0 for ReLU.
    learning_rate : float
        Adam's, at the start.
    pixel_variance : float
        Small: faithful reconstructions. Large: codes closer to N(0, 1), so better samples of it.
    shift : int
        Each training image is moved by up to this many pixels along each axis, anew in each epoch.
    revival : float
        Least derivative used for a pixel that is off but should be on.
    """

    epochs: int = 600
    seed: int = 0
    batch: int = 100
    code: int = 20
    hidden: tuple[int, ...] = (60,)
    encoder: int = 400
    slope: float = 0.0
    learning_rate: float = 2e-3
    pixel_variance: float = 0.1
    shift: int = 1
    revival: float = 0.1


def initial_parameters(n_pixels: int, training: Training, rng: np.random.Generator) -> Parameters:
    """Draw weights N(0, 2 / n_in), the heads' and the output's smaller; output biases start lit."""

    def weight(n_out: int, n_in: int, scale: float = 1.0) -> Array:
        deviation = scale * math.sqrt(2.0 / n_in)
        return rng.normal(0.0, deviation, (n_out, n_in)).astype(np.float32)

    k, e = training.code, training.encoder
    parameters = {
        "encoder_weight": weight(e, n_pixels),
        "encoder_bias": np.zeros(e, np.float32),
        "mean_weight": weight(k, e, 0.5),
        "mean_bias": np.zeros(k, np.float32),
        "logvar_weight": weight(k, e, 0.1),
        "logvar_bias": np.zeros(k, np.float32),
    }
    for i, (n_in, n_out) in enumerate(itertools.pairwise((k, *training.hidden)), start=1):
        parameters[f"weight_{i}"] = weight(n_out, n_in)
        parameters[f"bias_{i}"] = np.zeros(n_out, np.float32)
    last = len(training.hidden) + 1
    parameters[f"weight_{last}"] = weight(n_pixels, training.hidden[-1], 0.2)
    parameters[f"bias_{last}"] = np.full(n_pixels, 0.05, np.float32)
    return parameters


def encode(p: Parameters, images: Array) -> tuple[Array, Array, Array]:
    """Return the encoder's hidden layer, the codes' means and their log-variances."""
    hidden = np.maximum(images @ p["encoder_weight"].T + p["encoder_bias"], 0)
    mean = hidden @ p["mean_weight"].T + p["mean_bias"]
    logvar = np.clip(hidden @ p["logvar_weight"].T + p["logvar_bias"], -10, 10)
    return hidden, mean, logvar


def decode(p: Parameters, code: Array, slope: float) -> tuple[list[Array], list[Array]]:
    """Return what the decoder's layers get, the code first, and what each gives before its activation."""
    inputs, before = [code], []
    for i in range(1, _depth(p) + 1):
        before.append(inputs[-1] @ p[f"weight_{i}"].T + p[f"bias_{i}"])
        inputs.append(_activated(before[-1], slope))
    return inputs, before


def _depth(p: Parameters) -> int:
    return sum(name.startswith("weight_") for name in p)


def _activated(before: Array, slope: float) -> Array:
    activated: Array = np.maximum(before, np.float32(slope) * before)
    return activated


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
        Its `pixel_variance`, `slope` and `revival` are read.
    """
    n, count = len(images), np.float32(len(images))
    features, mean, logvar = encode(p, images)
    deviation: Array = np.exp(logvar / 2)
    code: Array = mean + deviation * noise
    inputs, before = decode(p, code, training.slope)
    misfit = inputs[-1] - images
    divergence = mean**2 + deviation**2 - 1 - logvar
    loss = float((misfit**2).sum() / training.pixel_variance + divergence.sum()) / (2 * n)

    revived = np.where(misfit < 0, max(training.slope, training.revival), training.slope)
    derivative = np.where(before[-1] > 0, 1, revived).astype(np.float32)
    d_before: Array = misfit * derivative / np.float32(training.pixel_variance * n)
    gradients: Parameters = {}
    for i in range(len(before), 0, -1):
        gradients[f"weight_{i}"] = d_before.T @ inputs[i - 1]
        gradients[f"bias_{i}"] = d_before.sum(axis=0)
        d_code: Array = d_before @ p[f"weight_{i}"]
        if i > 1:
            d_before = d_code * np.where(before[i - 2] > 0, 1, training.slope).astype(np.float32)
    d_mean: Array = d_code + mean / count
    pull: Array = (deviation**2 - 1) / count
    d_logvar: Array = np.float32(0.5) * (d_code * deviation * noise + pull)
    d_features = (d_mean @ p["mean_weight"] + d_logvar @ p["logvar_weight"]) * (features > 0)
    for weight, bias, above, below in (
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


def to_network(p: Parameters, slope: float = 0.0) -> Network:
    """Return the decoder as a `Network`; the encoder is dropped."""
    layers = range(1, _depth(p) + 1)
    return Network.from_arrays([p[f"weight_{i}"] for i in layers], [p[f"bias_{i}"] for i in layers], slope)
