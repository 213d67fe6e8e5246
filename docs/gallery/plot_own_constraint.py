# %% [markdown]
"""
Extend the model with your own constraint
=========================================

``Exact.model`` returns a plain Pyomo model of the whole network. What you know besides is a constraint like any other.
"""

# %% [markdown]
# A network with two inputs, so that everything can be drawn. The model holds every code in the box.

# %%
import matplotlib.pyplot as plt
import numpy as np
from pyomo.environ import Constraint, SolverFactory, value

import pyomo_relu as pr

net = pr.Network.random((2, 12, 30), seed=5)
x = net([1.2, 0.8]) + np.random.default_rng(0).normal(0, 0.3, 30)
model = pr.Exact(norm=1).model(net, x, box=(-2, 2))
for part in model.component_objects(Constraint, descend_into=True):
    print(part.name, len(part))

# %% [markdown]
# As it stands, its optimum is what ``invert`` finds.

# %%
solver = SolverFactory("pyomo_relu_scip")
solver.solve(model)
free = np.array([value(model.z[i]) for i in range(2)])
print(free, value(model.objective), pr.invert(net, x, pr.Exact(norm=1), box=(-2, 2)).residual)

# %% [markdown]
# Now say that the code lies on or below a line, and that a hidden neuron is off: a statement about the inside of the
# network, which no other way of inversion takes. ``layer[1]`` is the first layer; its ``positive`` are the outputs of
# the neurons that can be on and off in the box.

# %%
neuron = min(model.layer[1].positive)
model.my_line = Constraint(expr=model.z[0] + 2 * model.z[1] <= 1.0)
model.my_neuron = Constraint(expr=model.layer[1].positive[neuron] <= 0.0)
solver.solve(model)
held = np.array([value(model.z[i]) for i in range(2)])
print(held, value(model.objective))
print(f"neuron {neuron}: {net[0](held)[neuron]:.2g}; by a forward pass: {np.abs(net(held) - x).sum():.6f}")

# %% [markdown]
# The residual over all codes; white: where both constraints hold.

# %%
grid = np.linspace(-2, 2, 301)
codes = np.stack(np.meshgrid(grid, grid), axis=-1)
residual = np.abs(net(codes.reshape(-1, 2)) - x).sum(axis=1).reshape(301, 301)
allowed = (codes[..., 0] + 2 * codes[..., 1] <= 1.0) & (
    net[0](codes.reshape(-1, 2))[:, neuron].reshape(301, 301) <= 0.0
)
figure, axes = plt.subplots(figsize=(6.4, 5), layout="constrained")
drawn = axes.contourf(grid, grid, residual, levels=30, cmap="viridis")
axes.contourf(grid, grid, np.where(allowed, 1.0, np.nan), levels=[0, 2], colors="white", alpha=0.35)
axes.plot(*free, "o", color="tab:orange", ms=9, mec="black", label="optimum")
axes.plot(*held, "s", color="red", ms=9, mec="black", label="optimum under both constraints")
axes.set(xlabel="z1", ylabel="z2", aspect="equal")
axes.legend(loc="lower left")
figure.colorbar(drawn, label="residual, p = 1")
plt.show()
