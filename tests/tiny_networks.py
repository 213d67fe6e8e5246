"""The table of networks that every encoding meets with every solver: each is small enough for brute force."""

import itertools

import numpy as np

import pyomo_relu as pr


def _random(sizes, slopes, seed, bias=0.5):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(m, n)) for n, m in itertools.pairwise(sizes)]
    return pr.Network.from_arrays(weights, [bias * rng.normal(size=m) for m in sizes[1:]], slopes)


NETWORKS = {
    "absolute value": pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]]),
    "one layer": _random((2, 5), 0.0, 1),
    "two layers": _random((2, 4, 3), 0.0, 2),
    "leaky": _random((2, 3, 3), 0.1, 3),
    "linear output": _random((2, 4, 2), (0.0, 1.0), 4),
    "mixed slopes, three layers": _random((2, 3, 2, 2), (0.0, 0.3, 0.0), 5),
    "a slope each": _random((2, 4, 3), (np.array([0.0, 0.2, 1.0, 0.0]), np.array([0.0, 1.0, 0.4])), 7),
    "a skip": pr.Network.from_arrays(  # (z, ReLU(W z)) and then z + V ReLU(W z)
        [np.vstack([np.eye(2), [[1.0, -1.0], [0.5, 1.0]]]), [[1.0, 0.0, 0.5, -1.0], [0.0, 1.0, 1.0, 1.0]]],
        slopes=[np.array([1.0, 1.0, 0.0, 0.0]), 0.0],
    ),
    "contracting": _random((3, 4, 2, 1), 0.0, 6),
    "dead and stable neurons": pr.Network.from_arrays(
        [[[1.0, 0.0], [0.0, 1.0], [0.1, 0.1], [1.0, -1.0]], [[1.0, -1.0, 2.0, 1.0], [-1.0, 0.5, 3.0, -1.0]]],
        [[10.0, -10.0, 0.0, 0.2], [-9.0, 9.5]],
    ),
    "zero weights": pr.Network.from_arrays([np.zeros((2, 2)), [[1.0, 1.0], [1.0, -1.0]]], [[1.0, -1.0], [0.0, 0.5]]),
}


def observation(name, noise=0.3):
    """Return a noisy observation of the named network, with a negative entry where there is room."""
    net = NETWORKS[name]
    rng = np.random.default_rng(len(name))
    return net(rng.uniform(-1.0, 1.0, net.n_in)) + noise * rng.normal(size=net.n_out)


def noisy(seed, noise=0.1, sizes=(3, 8, 20)):
    """Return a random network, what it gives but for noise of at most `noise`, and the code."""
    net = pr.Network.random(sizes, seed=seed)
    rng = np.random.default_rng(seed)
    z = rng.uniform(-1, 1, sizes[0])
    return net, net(z) + rng.uniform(-noise, noise, sizes[-1]), z


def clipped(seed):
    """Return a network and an observation whose negative noise is clipped away: signs do not settle its optimum.

    In the box from -1 to 1 bounds alone prove that of 4, 2 needs a search.
    """
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(4, 2)), rng.normal(size=(6, 4))]
    net = pr.Network.from_arrays(weights, [rng.normal(size=4), rng.normal(size=6)])
    return net, np.maximum(net(rng.uniform(-1, 1, 2)) + 0.3 * rng.normal(size=6), 0.0)
