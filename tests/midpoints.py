"""Networks of small integers, and the check of a pair that refutes convexity."""

import itertools

import numpy as np
import pytest

import pyomo_relu as pr
from pyomo_relu.rational import residual


def assert_witness(found, net, x):
    """The pair stands on its own: exact passes, outside of what found it."""
    z1, z2 = found.exact
    middle = [(a + b) / 2 for a, b in zip(z1, z2, strict=True)]
    missed = max(residual(net, z1, x), residual(net, z2, x))
    violation = residual(net, middle, x)
    assert float(violation) == found.violation
    assert violation > 1000 * missed
    assert found.proved == (missed == 0)
    assert all(low <= v <= high for z in (z1, z2) for low, v, high in zip(*bounds_of(found.box, z), strict=True))
    assert np.abs(net(found.midpoint) - x).max() == pytest.approx(found.violation, rel=1e-6, abs=1e-12)


def bounds_of(box, z):
    return box.lower.tolist(), z, box.upper.tolist()


def integer_network(seed, sizes):
    rng = np.random.default_rng(seed)
    weights = [rng.integers(-2, 3, (m, n)) for n, m in itertools.pairwise(sizes)]
    biases = [rng.integers(-1, 2, m) for m in sizes[1:]]
    net = pr.Network.from_arrays(weights, biases)
    return net, net(rng.integers(-1, 2, sizes[0]))
