# %% [markdown]
"""
Denoise a digit exactly
=======================

A generator of digits, an image with noise of up to 0.1 in every pixel, and three answers: the paper's
layer-wise linear programs, the code that is nearest in the largest deviation, and least squares.
"""

# %% [markdown]
# The shipped generator draws MNIST digits from codes of 20 numbers. The noise is bounded, and we know the bound.

# %%
import matplotlib.pyplot as plt
import numpy as np

import pyomo_relu as pr
from pyomo_relu.generator import mnist_generator, mnist_latents

net, truth = mnist_generator(), mnist_latents()[3]
noise = np.random.default_rng(0).uniform(-0.1, 0.1, net.n_out)
x = net(truth) + noise
net

# %% [markdown]
# Layer by layer: one linear program for the 784 pixels, then one for the 60 hidden neurons. The first knows nothing
# of the second, and pays for it.

# %%
layerwise = pr.invert(net, x, pr.Layerwise(pr.LayerLinf()))

# %% [markdown]
# Exactly: a mixed-integer program over the whole network, which is proved here without a search. ``dual_bound`` is
# what no code in the box can beat.

# %%
exact = pr.invert(net, x, pr.Exact(norm="inf"), box=(-4, 4))
print(exact.status, exact.residual, exact.dual_bound)
print(exact.certificate)

# %% [markdown]
# Least squares, by L-BFGS from ten starts: no proof, but the right estimator for noise in so many pixels.

# %%
descent = pr.invert(net, x, pr.Descent(), box=(-4, 4))

# %% [markdown]
# The number below each image is its distance from the clean digit, in dB: more is better.

# %%
answers = {"layer-wise LPs": layerwise, "exact, p = inf": exact, "least squares": descent}
images = {"observed": x, "truth": net(truth)} | {name: net(answer.z) for name, answer in answers.items()}
figure, panels = plt.subplots(1, len(images), figsize=(10, 2.6), layout="constrained")
for axes, (name, image) in zip(panels, images.items(), strict=True):
    axes.imshow(image.reshape(28, 28), cmap="gray", vmin=0, vmax=1)
    error = np.mean((image - net(truth)) ** 2)
    axes.set_title(name, fontsize=11)
    axes.set_xlabel("" if error == 0 else f"{-10 * np.log10(error):.1f} dB")
    axes.set(xticks=[], yticks=[])
plt.show()
