"""Random tiny networks and observations, each told by its number alone: every kind of trouble that numbers can make."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

import pyomo_relu as pr

MOST_RELUS = 8
"""Neurons that are not linear: their patterns are enumerated."""

LARGEST = 1e9
"""Of outputs."""

SLOPES = 0.0, 0.01, 0.5, 1.0, 1e-9, 1e-150, 1.0 - 2.0**-53
"""Of neurons that have one each."""

WEIGHTS = 0.0, 1.0, 0.1, 3.0, 1e-6, 1e6
"""Of outputs."""

DELTAS = 1.0, 0.1, 1e-3, 1e-8, 1e3
"""Of Huber's function, relative to the observation as it is weighed."""

KINDS = ("gaussian", "integer", "leaky", "degenerate", "kink", "wild", "cancelling", "faint", "linear")


@dataclass(frozen=True, eq=False)
class Case:
    """A network, what was observed of it, and the code that made it, before the noise.

    Parameters
    ----------
    index : int
        All that it was drawn from.
    kind : str
    net : Network
    x : array
        As :func:`pyomo_relu.invert` takes it: with a mask of the size of the output, with an operator of its rows.
    box : pair of float or None
    mask, operator : array or None
    truth : array
        In the box.
    exact : bool
        Whether no noise was added: x is then met by `truth`, but for rounding.
    weights : array or None
        Of the size of the output.
    delta : float
        Of Huber's function.
    traits : tuple of str
        What else was changed of a network of its kind: "slopes", "skip", "sparse", "weights".
    """

    index: int
    kind: str
    net: pr.Network
    x: np.ndarray
    box: tuple[float, float] | None
    mask: np.ndarray | None
    operator: np.ndarray | None
    truth: np.ndarray
    exact: bool
    weights: np.ndarray | None = None
    delta: float = 1.0
    traits: tuple[str, ...] = ()

    @property
    def shared(self) -> dict[str, Any]:
        """The keywords of :func:`pyomo_relu.invert`."""
        return {"box": self.box, "mask": self.mask, "operator": self.operator, "weights": self.weights}

    @property
    def rng(self) -> np.random.Generator:
        """A stream of the case's own, for what is drawn besides."""
        return np.random.default_rng([self.index, 1])

    def source(self) -> str:
        """Return Python that makes the case, whatever becomes of the way in which cases are drawn."""
        array = lambda a: f"np.array({np.asarray(a).tolist()!r})"  # noqa: E731
        matrix = lambda w: f"csr_array({array(w.toarray())})" if issparse(w) else array(w)  # noqa: E731
        weights = ", ".join(matrix(layer.weight) for layer in self.net)
        biases = ", ".join(array(layer.bias) for layer in self.net)
        slopes = [np.asarray(layer.slope).tolist() for layer in self.net]
        lines = [
            "import numpy as np, pyomo_relu as pr",
            "from scipy.sparse import csr_array",
            f"net = pr.Network.from_arrays([{weights}], [{biases}], {slopes})",
            f"x, box = {array(self.x)}, {self.box}",
            f"mask = {None if self.mask is None else array(self.mask)}",
            f"operator = {None if self.operator is None else matrix(self.operator)}",
            f"weights, delta = {None if self.weights is None else array(self.weights)}, {self.delta!r}",
        ]
        return "\n".join(lines)


def draw(index: int) -> Case:
    """Return the case of a number."""
    rng = np.random.default_rng([index, 0])
    kind = KINDS[index % len(KINDS)]
    sizes = _sizes(rng)
    weights = [rng.normal(size=(m, n)) for n, m in itertools.pairwise(sizes)]
    biases = [rng.normal(size=m) * rng.choice([0.0, 0.0, 0.5]) for m in sizes[1:]]
    slopes = [0.0] * len(weights)
    half = float(rng.choice([1.0, 2.0, 3.0, 100.0]))
    box: tuple[float, float] | None = (-half, half) if rng.random() < 0.8 else (float(rng.uniform(-half, 0.0)), half)
    truth = rng.uniform(max(box[0], -2.0), min(box[1], 2.0), sizes[0])
    _spoil(kind, weights, biases, slopes, truth, rng)
    more = np.random.default_rng([index, 2])
    traits = _changed(weights, biases, slopes, more)
    net = _bounded(weights, biases, slopes, truth)
    box = None if rng.random() < 0.1 else box
    if kind == "kink":
        biases[0] = _on_the_kink(net, truth, rng)
        net = _bounded(weights, biases, slopes, truth)
    mask, operator = _view(net, rng)
    x, exact = _observation(net, truth, operator, rng)
    if "sparse" in traits:
        net = pr.Network(tuple(pr.Layer(csr_array(layer.weight), layer.bias, layer.activation) for layer in net))
        operator = operator if operator is None or more.random() < 0.5 else csr_array(operator)
    case = Case(index, kind, net, x, box, mask, operator, truth, exact, traits=traits)
    if mask is None and operator is None and more.random() < 0.4:
        factors = more.choice(WEIGHTS, net.n_out)
        factors[int(more.integers(net.n_out))] = more.choice(WEIGHTS[1:])
        case = replace(case, weights=factors, traits=(*traits, "weights"))
    size = float(np.abs(x if case.weights is None else case.weights * x).max())
    return replace(case, delta=max(1e-9, size) * float(more.choice(DELTAS)))


def _bounded(weights, biases, slopes, truth) -> pr.Network:
    """Return the network, its last layer divided where its output is more than the package takes."""
    net = pr.Network.from_arrays(weights, biases, slopes)
    largest = float(np.abs(net(truth)).max())
    if largest <= LARGEST:
        return net
    share = 2.0 ** -np.ceil(np.log2(largest / LARGEST))
    return pr.Network.from_arrays([*weights[:-1], share * weights[-1]], [*biases[:-1], share * biases[-1]], slopes)


def _sizes(rng: np.random.Generator) -> list[int]:
    depth = int(rng.choice([1, 2, 2, 2, 3]))
    sizes, left = [int(rng.integers(1, 4))], MOST_RELUS
    for above in range(depth - 1, -1, -1):
        most = min(4 if above == 0 else 6, left - above)
        sizes.append(int(rng.integers(1 if above == 0 else 2, max(3, most + 1))))
        left -= sizes[-1]
    return sizes


def _spoil(kind, weights, biases, slopes, truth, rng) -> None:
    """Give the network its kind of trouble, in place."""
    if kind == "integer":
        weights[:] = [np.round(2.0 * w) for w in weights]
        biases[:] = [np.round(2.0 * b) for b in biases]
        truth[:] = np.round(truth)
    if kind == "leaky":
        slopes[:] = [float(rng.choice([0.0, 0.01, 0.1, 0.5, 1.0])) for _ in weights]
    if kind == "linear":
        slopes[-1] = 1.0
    if kind == "degenerate":
        for w, b in zip(weights, biases, strict=True):
            i, j = rng.integers(len(w), size=2)
            w[i], b[i] = (0.0, b[i]) if rng.random() < 0.5 else (w[j] * rng.choice([1.0, -1.0, 2.0]), b[j])
        if len(weights) > 1 and rng.random() < 0.5:
            weights[1][:, 0] = 0.0
    if kind == "wild":
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            rows = 10.0 ** rng.integers(-9, 10, len(w)) if rng.random() < 0.5 else 10.0 ** float(rng.integers(-9, 10))
            weights[i], biases[i] = w * np.reshape(rows, (-1, 1)), b * rows
    if kind == "cancelling":
        # Neurons in pairs of nearly the same large value, which the next layer subtracts.
        size = 10.0 ** float(rng.integers(4, 17))
        w = weights[0]
        w[1::2] = w[: len(w) // 2 * 2 : 2][: len(w[1::2])]
        biases[0][1::2] = biases[0][: len(w) // 2 * 2 : 2][: len(w[1::2])] + rng.normal(size=len(w[1::2]))
        w *= size
        biases[0] += size * float(rng.choice([0.0, 1.0]))
        if len(weights) > 1:
            weights[1][:, 1::2] = -weights[1][:, : w.shape[0] // 2 * 2 : 2][:, : weights[1][:, 1::2].shape[1]]
    if kind == "faint":
        size = 10.0 ** -float(rng.integers(3, 10))
        weights[-1] *= size
        biases[-1] *= size


def _changed(weights, biases, slopes, rng) -> tuple[str, ...]:
    """Give the network what any kind may have besides, in place: identity rows of slope 1, slopes a neuron, zeros."""
    traits = []
    if rng.random() < 0.2 and len(weights) > 1:
        traits.append("skip")
        i = int(rng.integers(len(weights) - 1))
        n, k = weights[i].shape
        weights[i], biases[i] = np.vstack([weights[i], np.eye(k)]), np.r_[biases[i], np.zeros(k)]
        weights[i + 1] = np.hstack([weights[i + 1], rng.normal(size=(len(weights[i + 1]), k))])
        slopes[i] = np.r_[np.full(n, slopes[i]), np.ones(k)]
    if rng.random() < 0.35:
        traits.append("slopes")
        for i, w in enumerate(weights):
            given = np.broadcast_to(slopes[i], len(w))
            slopes[i] = np.where(rng.random(len(w)) < 0.6, rng.choice(SLOPES, len(w)), given)
            if "skip" in traits:
                slopes[i] = np.where(given == 1.0, 1.0, slopes[i])
    if rng.random() < 0.35:
        traits.append("sparse")
        for w in weights:
            w[rng.random(w.shape) < 0.4] = 0.0
    return tuple(traits)


def _on_the_kink(net, truth, rng) -> np.ndarray:
    """Return biases of the first layer with which some of its pre-activations are zero at the truth."""
    bias = net[0].bias.copy()
    for j in np.flatnonzero(rng.random(net[0].n_out) < 0.5):
        bias[j] -= net[0].pre_activation(truth)[j]
    return bias


def _view(net, rng) -> tuple[np.ndarray | None, np.ndarray | None]:
    chance = rng.random()
    if chance < 0.1 and net.n_out > 1:
        mask = rng.random(net.n_out) < 0.6
        mask[int(rng.integers(net.n_out))] = True
        return mask, None
    if chance < 0.2:
        return None, np.round(rng.normal(size=(int(rng.integers(1, 4)), net.n_out)), 3) + 0.0
    return None, None


def _observation(net, truth, operator, rng) -> tuple[np.ndarray, bool]:
    y = net(truth)
    x = y if operator is None else operator @ y
    scale = max(1e-9, float(np.abs(x).max()))
    chance = rng.random()
    if chance < 0.4:
        return x, True
    if chance < 0.7:
        return x + scale * rng.choice([1e-9, 1e-6, 1e-3, 0.1]) * rng.normal(size=x.shape), False
    if chance < 0.8:
        return np.where(x == 0.0, -scale * rng.choice([0.0, 1e-7, 0.1]), x), False
    if chance < 0.9:
        return x - scale * rng.choice([1e-8, 0.5, 1.0]), False
    return scale * rng.normal(size=x.shape), False
