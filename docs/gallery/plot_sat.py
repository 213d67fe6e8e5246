"""
Solve a SATLIB-style formula through a network
==============================================

Theorem 1 of the paper: inverting four layers is NP-hard. Here is the reduction at work. A 3SAT formula becomes a
network with two outputs, and a code that meets x = (m, k) is a satisfying assignment.
"""

# %%
# A random formula of the size of SATLIB's family uf20: 20 variables, 91 clauses, satisfiable. A file is read by
# ``CNF.from_dimacs("uf20-01.cnf")``.
import matplotlib.pyplot as plt
import numpy as np

from reductions import CNF, ThreeSat, decide, planted_cnf

cnf, planted = planted_cnf(20, 91, seed=0)
reduction = ThreeSat()
instance = reduction.reduce(cnf)
print(instance.network, "x =", instance.observation)

# %%
# ``decide`` asks whether any code misses x by less than half of the gap, 2/3: below it every code rounds to an
# assignment that satisfies the formula, which is checked on the formula itself.
answer = decide(cnf, reduction)
print(answer.verdict, answer.assignment)
model = np.array(answer.assignment, dtype=float)
print("residual at the assignment:", np.abs(instance.network(model) - instance.observation).max())

# %%
# An unsatisfiable one: no code comes nearer than the gap.
contradiction = CNF(2, [(1, 2), (-1, 2), (1, -2), (-1, -2)])
print(decide(contradiction, reduction).verdict)

# %%
# That this is possible does not make it a way to solve SAT: :doc:`../reductions` has the measurements.
#
# A slice through the code: two variables move, the others stay at the assignment. Dark is near x. The pre-image,
# where the residual is 0, is made of whole quadrants, one for each assignment of the two that satisfies the formula;
# between them the residual rises.
grid = np.linspace(-0.75, 1.75, 201)
first, second = np.meshgrid(grid, grid)


def residuals(instance, code, i, j):
    codes = np.tile(code, (first.size, 1))
    codes[:, i], codes[:, j] = first.ravel(), second.ravel()
    return np.abs(instance.network(codes) - instance.observation).max(axis=1).reshape(first.shape)


unsatisfiable = reduction.reduce(contradiction)
slices = {
    "20 variables, 91 clauses: satisfiable": residuals(instance, model, 0, 1),
    "four contradicting clauses: unsatisfiable": residuals(unsatisfiable, np.zeros(2), 0, 1),
}
figure, panels = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for axes, (title, values) in zip(panels, slices.items(), strict=True):
    drawn = axes.contourf(first, second, values, levels=np.linspace(0, 3, 26), cmap="magma", extend="max")
    axes.contour(first, second, values, levels=[2 / 3 - 1e-9], colors="white", linewidths=1.2)
    axes.set(title=title, xlabel="first variable", ylabel="second variable", aspect="equal")
figure.colorbar(drawn, ax=panels, label="residual; white line: the gap, 2/3")
plt.show()
