"""
Bring your own network
======================

A decoder trained with scikit-learn, written to ONNX, read again and inverted. PyTorch files are read in the same way.
"""

# %%
# The 8 x 8 digits of scikit-learn, six numbers each by PCA, and a small network that draws the digit from the six.
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPRegressor

import pyomo_relu as pr

images = load_digits().data / 16.0
codes = PCA(6, whiten=True, random_state=0).fit_transform(images)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it is stopped before it has converged
    decoder = MLPRegressor(hidden_layer_sizes=(40,), max_iter=60, random_state=0).fit(codes, images)

# %%
# From the object, or from a file. What a reader does not understand is an error that names the node; no reader runs
# code from a file.
net = pr.load_network(decoder)
path = Path(tempfile.mkdtemp()) / "decoder.onnx"
net.save(path)
net = pr.load_network(path)
print(net)
print("the same outputs:", np.abs(net(codes) - decoder.predict(codes)).max() < 1e-12)

# %%
# With PyTorch (``pip install "pyomo-relu[torch]"``)::
#
#     net = pr.load_network(torch.nn.Sequential(torch.nn.Linear(6, 40), torch.nn.ReLU(), torch.nn.Linear(40, 64)))
#     net = pr.load_network("model.pt")                          # a saved Sequential, or a state dict:
#     net = pr.load_network("weights.pt", slopes=[0, 1])         # slope 0 is ReLU, 1 linear
#
# Six numbers from 64 pixels, of which a third is lost and the others are noisy:
rng = np.random.default_rng(0)
figure, panels = plt.subplots(3, 8, figsize=(9, 3.7), layout="constrained")
for column, i in enumerate(range(8)):
    mask = rng.random(64) > 1 / 3
    x = net(codes[i]) + rng.uniform(-0.05, 0.05, 64)
    result = pr.invert(net, x, pr.Exact(norm="inf"), mask=mask, box=(-5, 5), solver=pr.Solver(time_limit=10))
    for row, image in enumerate((np.where(mask, x, np.nan), net(result.z), net(codes[i]))):
        panels[row, column].imshow(image.reshape(8, 8), cmap="gray", vmin=0, vmax=1)
        panels[row, column].set(xticks=[], yticks=[], facecolor="#e8d9a8")
    panels[0, column].set_title(f"{result.status}", fontsize=8)
for row, name in enumerate(("seen", "inverted", "truth")):
    panels[row, 0].set_ylabel(name)
plt.show()
