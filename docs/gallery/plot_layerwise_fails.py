"""
When does layer-wise inversion fail, and what to do
===================================================

A ReLU hides what is negative: of a layer's n outputs about half tell their pre-activation. As long as these are as
many as the layer's inputs, an exact output is inverted, layer by layer; below that its active rows alone do not tell
the code. The threshold is sharp, and follows the binomial distribution.
"""

# %%
# Networks k-100-300 with random weights. Every row of the first layer is on with probability 1/2, so that inversion
# succeeds with probability ``P(Bin(100, 1/2) >= k)``, equation (M8).
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import binom

import pyomo_relu as pr

sizes, runs = range(30, 71, 4), 12


def recovered(k, seed, method):
    net = pr.Network.random((k, 100, 300), seed=seed)
    truth = np.random.default_rng([seed, k]).normal(size=k)
    z = pr.invert(net, net(truth), method).z
    return z is not None and np.abs(z - truth).max() < 1e-6


linear = pr.Layerwise(pr.LinearSolve())
share = [np.mean([recovered(k, seed, linear) for seed in range(runs)]) for k in sizes]
law = binom.sf(np.array(sizes) - 1, 100, 0.5)

# %%
# A layer that fails says so. Its status is an answer, never a wrong code:
net = pr.Network.random((65, 100, 300), seed=0)
failed = pr.invert(net, net(np.ones(65)), linear)
print(failed.status, "-", failed.message)
print(failed.status.advice)

# %%
# Noise is the other way to fail. The outer layer is asked for 100 hidden values, each as noisy as it likes, although
# only 20 numbers are behind them. What to do: ask for the code, not for the layers.
methods = {
    "layer by layer": pr.Layerwise(pr.LayerLinf()),
    "least squares (Descent)": pr.Descent(),
    "exact, p = inf": pr.Exact(norm="inf"),
}
levels = [0.001, 0.003, 0.01, 0.03]
net = pr.Network.random((20, 100, 300), seed=1)
truth = np.random.default_rng(1).normal(size=20)
errors = {name: [] for name in methods}
for level in levels:
    x = net(truth) + np.random.default_rng(2).uniform(-level, level, 300)
    for name, method in methods.items():
        result = pr.invert(net, x, method, solver=pr.Solver(time_limit=5))
        errors[name].append(np.linalg.norm(result.z - truth) / np.linalg.norm(truth))

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
left.plot(sizes, law, color="0.6", lw=5, label="P(Bin(100, 1/2) >= k)")
left.plot(sizes, share, "o", color="tab:orange", label=f"recovered, of {runs}")
left.set(xlabel="size of the code, k", ylabel="share", title="Exact outputs: a sharp threshold")
left.legend()
for name, values in errors.items():
    right.loglog(levels, values, "o-", label=name)
right.set(xlabel="noise", ylabel="relative error of the code", title="Noise: look at the whole network")
right.legend()
plt.show()
