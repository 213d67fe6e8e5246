"""
In-paint it
===========

Half of a digit is hidden. A mask leaves out the rows of the last layer that were not seen; what is left still has
more equations than unknowns, and the hidden half follows from the code.
"""

# %%
# ``mask`` is True where a pixel was observed. What stands in the other pixels does not matter, not even NaN.
import matplotlib.pyplot as plt
import numpy as np

import pyomo_relu as pr
from pyomo_relu.generator import mnist_generator, mnist_latents

net, truth = mnist_generator(), mnist_latents()[5]
seen = np.ones((28, 28), dtype=bool)
seen[14:] = False
x = np.where(seen.ravel(), net(truth), np.nan)

result = pr.invert(net, x, pr.Hybrid(), mask=seen.ravel(), box=(-4, 4))
print(result.status, result.residual, result.realizable)
print("error of the code:", np.abs(result.z - truth).max())

# %%
# With noise in the half that was seen, the code is no longer exact. Two estimates: least squares, and the code whose
# largest deviation is least, which is proved.
noisy = x + np.random.default_rng(1).uniform(-0.05, 0.05, x.size)
denoised = pr.invert(net, noisy, pr.Hybrid(norm=2), mask=seen.ravel(), box=(-4, 4))
nearest = pr.invert(net, noisy, pr.Exact(norm="inf"), mask=seen.ravel(), box=(-4, 4))
print(nearest.status, nearest.residual)

# %%
# The orange line is the edge of what was seen.
images = {"seen": noisy, "least squares": net(denoised.z), "exact, p = inf": net(nearest.z), "truth": net(truth)}
figure, panels = plt.subplots(1, 4, figsize=(9, 2.7), layout="constrained")
for axes, (name, image) in zip(panels, images.items(), strict=True):
    axes.imshow(image.reshape(28, 28), cmap="gray", vmin=0, vmax=1)
    axes.axhline(13.5, color="tab:orange", lw=1)
    axes.set_title(name, fontsize=11)
    axes.set(xticks=[], yticks=[])
plt.show()
