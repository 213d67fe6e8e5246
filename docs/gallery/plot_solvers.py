"""
Swap the solver and compare
===========================

A solver is a word. Which of them run here is found out by solving a linear program of two variables, and what each can
take is compared with what the model needs before anything is built.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import pyomo_relu as pr
from pyomo_relu.solvers import BACKENDS

names = pr.available_solvers()
for name in names:
    takes = ", ".join(sorted(map(str, BACKENDS[name].supports)))
    print(f"{BACKENDS[name].title} {BACKENDS[name].version()}: {takes}")

# %%
# One network and one noisy observation; a linear program for each layer, and the mixed-integer program of p = 1,
# whose bounds come from the box alone, so that there is something left to prove.
net = pr.Network.random((3, 8, 20), seed=0)
x = net([1.0, -1.0, 0.5]) + np.random.default_rng(0).uniform(-0.3, 0.3, 20)
jobs = {"layer-wise LPs": pr.Layerwise(pr.LayerL1()), "exact, p = 1, plain": pr.Exact(1, bounds="crown")}
seconds, residuals = {}, {}
for name in names:
    for job, method in jobs.items():
        result = pr.invert(net, x, method, box=(-3, 3), solver=pr.Solver(name, time_limit=5))
        seconds[job, name], residuals[job, name] = result.seconds, result.residual
        print(f"{job}, {name}: {result.status}, {result.residual:.6f}")

# %%
# All answers are recomputed by a forward pass, whoever gave them, so that they can be compared.
for job in jobs:
    found = [residuals[job, name] for name in names]
    print(f"{job}: residuals agree within {max(found) - min(found):.1e}")

# %%
# What a solver cannot take is said before it is called:
try:
    pr.invert(net, x, pr.Exact(1, encoding="sos1"), box=(-3, 3), solver="highs")
except pr.CapabilityError as error:
    print(error)

# %%
# Seconds with the time to build the model, one run each: a picture of this machine, not a benchmark.
figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
places = np.arange(len(names))
for shift, job in zip((-0.2, 0.2), jobs, strict=True):
    axes.bar(places + shift, [seconds[job, name] for name in names], width=0.38, label=job)
axes.set_xticks(places, [BACKENDS[name].title for name in names])
axes.set(ylabel="seconds", yscale="log", title="The same question to every solver that runs here")
axes.legend()
plt.show()
