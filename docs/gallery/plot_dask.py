"""
Many observations on Dask
=========================

``invert_many`` takes any executor: processes of this machine, MPI, or a Dask cluster. The answers do not depend on
it, bit for bit, and a run that was killed goes on where it stopped.
"""

# %%
# A cluster of two workers on this machine. For a real one give its address:
# ``Client("tcp://10.0.0.1:8786").get_executor()``.
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from distributed import Client, SubprocessCluster

import pyomo_relu as pr
from pyomo_relu.generator import mnist_generator

N = 100  # ten thousand take a hundred times as long, and as many workers as there are
net = mnist_generator()
Z = np.random.default_rng(0).normal(size=(N, net.n_in))
X = net(Z) + np.random.default_rng(1).uniform(-0.01, 0.01, (N, net.n_out))
X[17, 400] = np.nan

# %%
# The store keeps a line for each result as it comes. One observation is bad: it becomes a failure, with its number
# and a reason, and the others do not notice.
store = Path(tempfile.mkdtemp()) / "run"
started = time.perf_counter()
with SubprocessCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:
    batch = pr.invert_many(net, X, pr.Descent(starts=2), box=(-4, 4), executor=client.get_executor(), store=store)
print(f"{len(batch)} observations in {time.perf_counter() - started:.1f} s, with the start of the cluster")
print(batch.failures[0])

# %%
# Again, with ``resume``: only what is missing is done, here with the repaired observation left out.
again = pr.invert_many(net, X, pr.Descent(starts=2), box=(-4, 4), store=store, resume=True)
print(all(np.array_equal(one.z, two.z) for one, two in zip(batch, again, strict=True) if one.z is not None))

# %%
# Where starts led elsewhere, the residual says so, without the truth.
done = ~np.isnan(batch.residuals)
errors = np.linalg.norm(batch.codes - Z, axis=1) / np.linalg.norm(Z, axis=1)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
left.semilogy(batch.residuals[done], errors[done], "o", ms=4, alpha=0.6, color="tab:orange")
left.set(xlabel="residual (2-norm)", ylabel="relative error of the code", title=f"{done.sum()} of {N} observations")
right.hist([answer.seconds for answer in batch if answer.z is not None], bins=30, color="tab:blue")
right.set(xlabel="seconds", ylabel="observations", title="time of each")
plt.show()
