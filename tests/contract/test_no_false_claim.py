"""Two thousand random small networks against brute force: every optimum right, every bound below it."""

import itertools

import brute_force
import numpy as np
import pytest

import pyomo_relu as pr

BATCHES, EACH = 20, 100


def random_case(seed):
    """Draw a network (depth 1-4, any slopes, often biases), a noisy observation, a norm, a box, perhaps a mask."""
    rng = np.random.default_rng(seed)
    depth = int(rng.integers(1, 5))
    sizes = [int(rng.integers(1, 4))]
    neurons = 7
    for left in range(depth, 0, -1):
        most = max(1, min(4, neurons - (left - 1)))
        sizes.append(int(rng.integers(1, most + 1)))
        neurons -= sizes[-1]
    slopes = [float(rng.choice([0.0, 0.0, 0.0, 0.1, 0.5, 1.0])) for _ in range(depth)]
    weights = [rng.normal(size=(m, n)) for n, m in itertools.pairwise(sizes)]
    if rng.random() < 0.3:
        weights = [np.round(w) for w in weights]
    biases = [rng.normal(size=m) * rng.choice([0.0, 0.5]) for m in sizes[1:]]
    net = pr.Network.from_arrays(weights, biases, slopes)
    noise = rng.choice([0.0, 0.01, 0.3, 2.0])
    x = net(rng.uniform(-1, 1, sizes[0])) + noise * rng.normal(size=sizes[-1])
    mask = None
    if sizes[-1] > 1 and rng.random() < 0.3:
        mask = rng.random(sizes[-1]) < 0.6
        mask[int(rng.integers(sizes[-1]))] = True
    box = sorted(rng.uniform(-3, 3, 2)) if rng.random() < 0.7 else (-100.0, 100.0)
    return net, x, mask, (float(box[0]), float(box[1])), ["inf", 1][int(rng.integers(2))]


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_false_claim(batch):
    wrong = []
    for seed in range(batch * EACH, (batch + 1) * EACH):
        net, x, mask, box, norm = random_case(seed)
        result = pr.invert(net, x, pr.Exact(norm, starts=3), mask=mask, box=box)
        matrix = np.eye(net.n_out) if mask is None else np.eye(net.n_out)[mask]
        best = brute_force.optimum(net, matrix @ x, norm, *box, matrix=matrix)
        scale = max(1.0, best)
        right = (
            result.status is pr.Status.OPTIMAL
            and abs(result.residual - best) <= 1e-6 * scale
            and result.dual_bound <= best + 1e-6 * scale
            and (result.realizable is not True or best <= 1e-6 * max(1.0, float(np.abs(matrix @ x).max())))
            and (result.realizable is not False or best > 1e-6)
        )
        if not right:
            wrong.append((seed, net, norm, box, best, result))
    assert not wrong
