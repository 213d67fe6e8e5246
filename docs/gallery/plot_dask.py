"""
Ten thousand observations on Dask
=================================

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

N = 10_000
net = pr.Network.random((5, 16, 100), seed=0)
Z = np.random.default_rng(0).normal(size=(N, net.n_in))
X = net(Z)
X[17, 40] = np.nan

# %%
# The observations are exact, so that two linear solves invert each (Theorem 2), in half a millisecond. Under noise
# each layer takes an LP instead: the same call with ``pr.Layerwise()``, and some 30 milliseconds each.
#
# The store keeps a line for each result as it comes. One observation is bad: it becomes a failure, with its number
# and a reason, and the others do not notice. ``chunk`` is what a worker gets at a time: large, for such small work.
method = pr.Layerwise(pr.LinearSolve())
store = Path(tempfile.mkdtemp()) / "run"
started = time.perf_counter()
with (
    SubprocessCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
    Client(cluster) as client,
):
    executor = client.get_executor()
    batch = pr.invert_many(net, X, method, executor, store=store, chunk=250)
print(f"{time.perf_counter() - started:.1f} s, with the start of the cluster")
print(batch.summary()["statuses"])
print(batch.failures[0])

# %%
# Again, with ``resume``, and without the cluster: what the store holds is read, and only what failed is tried again.
again = pr.invert_many(net, X, method, store=store, resume=True)
print(np.array_equal(again.codes, batch.codes, equal_nan=True))

# %%
# Five numbers take five active neurons. Where fewer are active, the code is not determined, and the status says so
# (``rank_deficient``); all others are exact.
answers = [answer for answer in batch if isinstance(answer, pr.Result)]
solved = np.array([answer.status.ok for answer in answers])
active = np.array([int((net[0](z) > 0).sum()) for z in np.delete(Z, 17, axis=0)])
errors = np.linalg.norm(batch.codes - Z, axis=1) / np.linalg.norm(Z, axis=1)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
left.hist(
    [active[solved], active[~solved]],
    bins=np.arange(-0.5, 17),
    stacked=True,
    color=["tab:blue", "tab:orange"],
    label=["solved", "rank-deficient"],
)
left.set(xlabel="active neurons of the first layer", ylabel="observations")
left.set_xticks(range(0, 17, 2))
left.legend()
right.hist(np.log10(errors[np.isfinite(errors)]), bins=40, color="tab:blue")
right.set(xlabel="log10 of the relative error of the code", ylabel="observations")
plt.show()
