# %% [markdown]
"""
See a pre-image
===============

Inversion asks for a code that meets an observation. The pre-image is all of them: a union of polytopes, one for each
activation pattern that meets it.
"""

# %% [markdown]
# A small random network with two inputs, and what noise of 0.1 leaves open of the code. Each piece in colour is a
# cell; behind it, in grey, the cells on which the network is linear.

# %%
import matplotlib.pyplot as plt
import numpy as np

import pyomo_relu as pr
from pyomo_relu.preimages.picture import draw_preimage

rng = np.random.default_rng(7)
net = pr.Network.from_arrays(
    [rng.normal(size=(10, 2)), rng.normal(size=(6, 10)) / 3, rng.normal(size=(1, 6))],
    [rng.normal(size=10), rng.normal(size=6) / 2, np.array([0.2])],
    slopes=[0.0, 0.0, 1.0],
)
x = net([1.0, -0.5])
thin = pr.preimage(net, x, box=(-4, 4))
thick = pr.preimage(net, x, box=(-4, 4), tol=0.1)
thin, thick

# %% [markdown]
# How far it reaches, whether two codes hang together, how much of the box it is:

# %%
print("z1 from, to:", thick.reach([1.0, 0.0]))
print("components:", thick.n_components, "- convex:", thick.convex)
print("area:", thick.volume(), "of", 8 * 8)

# %% [markdown]
# A colour a component.

# %%
figure, panels = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
for axes, found in zip(panels, (thin, thick), strict=True):
    draw_preimage(axes, found)
panels[0].set_title(f"G(z) = {x[0]:.2f}: {panels[0].get_title()}", fontsize=10)
panels[1].set_title(f"up to 0.1: {panels[1].get_title()}", fontsize=10)
plt.show()
