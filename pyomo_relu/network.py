"""`Network`: a feed-forward ReLU network, frozen and checked; it knows no Pyomo."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from pyomo_relu import io
from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.layer import Layer, as_code
from pyomo_relu.streams import stream
from pyomo_relu.validation import FloatArray, as_count


@dataclass(frozen=True, eq=False)
class Network:
    """A feed-forward network G of dense ReLU, LeakyReLU or linear layers (M1).

    Parameters
    ----------
    layers : sequence of Layer
        First layer first; each layer's ``n_in`` is the ``n_out`` of the one before.

    Raises
    ------
    ShapeError
        If two neighbours do not fit.
    InputError
        If there is no layer, or one is none: arrays are for :meth:`from_arrays`.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> net([-3.0]).tolist(), net([[1.0], [-2.0]]).tolist()
    ([3.0], [[1.0], [2.0]])
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        layers = tuple(self.layers)
        if not layers:
            raise InputError("a network needs at least one layer")
        for i, layer in enumerate(layers, start=1):
            if not isinstance(layer, Layer):
                raise InputError(
                    f"layer {i} is no Layer but {type(layer).__name__}: use Network.from_arrays for arrays"
                )
        for i, (before, after) in enumerate(itertools.pairwise(layers), start=2):
            if before.n_out != after.n_in:
                raise ShapeError(f"layer {i} expects {after.n_in} inputs, layer {i - 1} gives {before.n_out}")
        object.__setattr__(self, "layers", layers)

    @classmethod
    def from_arrays(
        cls, weights: Sequence[Any], biases: Sequence[Any] | None = None, slopes: float | Sequence[Any] = 0.0
    ) -> Network:
        """Build a network from its arrays.

        Parameters
        ----------
        weights : sequence of array_like
            ``weights[i]`` has shape (n_i, n_{i-1}); what SciPy holds sparse stays so.
        biases : sequence of array_like, optional
            ``biases[i]`` has shape (n_i,); an entry may be None for zero.
        slopes : float or sequence of (float or array_like of shape (n_i,))
            Slope left of zero, one for all layers or one a layer, and that one for all neurons or one a neuron:
            0 ReLU, (0, 1) LeakyReLU, 1 linear.

        Returns
        -------
        Network

        Raises
        ------
        ShapeError, InputError
            If lengths or shapes do not fit, or an entry is not a finite real number.
        """
        n = len(weights)
        if biases is not None and len(biases) != n:
            raise ShapeError(f"got {n} weights but {len(biases)} biases")
        each: list[Any] = list(slopes) if np.iterable(slopes) else [slopes] * n
        if len(each) != n:
            raise ShapeError(f"got {n} weights but {len(each)} slopes")
        layers = []
        for i in range(n):
            try:
                layers.append(Layer(weights[i], None if biases is None else biases[i], each[i]))
            except InputError as error:
                raise type(error)(f"layer {i + 1}: {error}") from error
        return cls(tuple(layers))

    @classmethod
    def random(cls, sizes: Sequence[int], slopes: float | Sequence[Any] = 0.0, *, seed: int) -> Network:
        """Draw a bias-free Gaussian network: the entries of W_i, shape (n_i, n_{i-1}), from N(0, 1/n_{i-1}).

        With a variance of one over the columns a row of W_i z is as large as an entry of z, so that outputs are of
        the order of one in whatever depth. The paper's section 5.1 has N(0, 1/n_i), one over the rows. Without biases
        the two differ by the factor ``sqrt(n_{i-1} / n_i)`` of a layer alone, which scales the output: relative errors
        against relative noise are the same, a step of gradient descent is not.

        Parameters
        ----------
        sizes : sequence of int
            ``(k, n_1, ..., n_d)``.
        slopes : float or sequence of float
            As in :meth:`from_arrays`.
        seed : int
            0 or more. Its numbers are those of no other generator: a code from ``numpy.random.default_rng(seed)`` has
            nothing to do with the weights.

        Returns
        -------
        Network

        Raises
        ------
        InputError
            If a size is not a positive integer, there are fewer than two, the seed is not a non-negative integer, or
            a slope lies outside [0, 1].

        Examples
        --------
        >>> Network.random((2, 6, 3), seed=0).sizes
        (2, 6, 3)
        """
        if len(sizes) < 2:
            raise InputError(f"sizes must be two or more positive integers, got {tuple(sizes)}")
        sizes = [as_count(n, "a size", 1) for n in sizes]
        rng = stream("network", as_count(seed, "seed", 0))
        weights = [rng.normal(0.0, n_in**-0.5, (n_out, n_in)) for n_in, n_out in itertools.pairwise(sizes)]
        return cls.from_arrays(weights, slopes=slopes)

    @property
    def n_in(self) -> int:
        """Size of the code, k."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """Size of the output, n."""
        return self.layers[-1].n_out

    @property
    def sizes(self) -> tuple[int, ...]:
        """``(k, n_1, ..., n_d)``."""
        return (self.n_in, *(layer.n_out for layer in self.layers))

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases; of sparse layers, the weights that are not zero."""
        return sum(layer.n_weights + layer.n_out for layer in self.layers)

    def __call__(self, z: Any) -> FloatArray:
        """Return G(z); `z` has shape (k,) or (N, k), the result (n,) or (N, n)."""
        h = as_code(z, self.n_in)
        for layer in self.layers:
            h = layer(h)
        return h

    def pre_activations(self, z: Any) -> list[FloatArray]:
        """Return ``weight @ h + bias`` of every layer at the code `z`, shape (k,) or (N, k)."""
        h, found = as_code(z, self.n_in), []
        for layer in self.layers:
            found.append(layer.pre_activation(h))
            h = layer.activation(found[-1])
        return found

    def __getitem__(self, i: int) -> Layer:
        return self.layers[i]

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __repr__(self) -> str:
        shape = "-".join(map(str, self.sizes))
        return f"Network({shape}, {', '.join(str(layer.activation) for layer in self.layers)})"

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to `path`, atomically; the suffix (``.npz``, ``.onnx``) picks the format.

        Parameters
        ----------
        path : path
            ``.npz`` or ``.onnx``; both hold float64.

        Raises
        ------
        NetworkFileError
            If the suffix is another one.
        MissingDependencyError
            If the package for that format is not installed.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Network.random((2, 4), seed=0).save(f"{folder}/net.npz")
        ...     load_network(f"{folder}/net.npz")
        Network(2-4, ReLU)
        """
        io.write_layers(path, self.layers)


def load_network(source: Any, *, slopes: float | Sequence[float] | None = None) -> Network:
    """Read a network from a file, or from a PyTorch or scikit-learn object.

    Parameters
    ----------
    source : path, torch.nn.Sequential or sklearn.neural_network.MLPRegressor
        A path's suffix picks the reader: ``.npz``, ``.onnx``, ``.pt``/``.pth``.
    slopes : float or sequence of float, optional
        Activations, for files that hold none (a PyTorch state dict); an error for all others.

    Returns
    -------
    Network

    Raises
    ------
    NetworkFileError
        If the file is damaged or holds anything that is not understood: nothing is dropped.
    MissingDependencyError
        If the format's package is not installed; the message has the pip line.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.npz"
    >>> Network.random((2, 6, 3), seed=0).save(path)
    >>> load_network(path)
    Network(2-6-3, ReLU, ReLU)
    """
    return Network(io.read_layers(source, slopes=slopes))
