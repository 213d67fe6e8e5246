"""
Is it convex?
=============

The pre-image of one layer is a polytope. Two layers are enough to make one that is connected and not convex, or in
pieces. ``check_preimage_convexity`` decides it: with two codes and their midpoint as the witness, checked in exact
rational arithmetic; or the search ends without one, and then bounds prove it, or SCIP is trusted up to a tolerance.
"""

# %%
# Networks whose pre-images are known come with the package.
import matplotlib.pyplot as plt

import pyomo_relu as pr
from pyomo_relu.preimages.picture import draw_preimage
from reductions import EXAMPLES, check_preimage_convexity

names = ("two-half-planes", "sphere-2d", "ball")
verdicts = {}
for name in names:
    example = EXAMPLES[name]
    verdicts[name] = check_preimage_convexity(example.network, example.x, example.box)
    print(f"{name}: {example.text}", verdicts[name], sep="\n   ")

# %%
# Why that may be believed:
for claim in verdicts["two-half-planes"].certificate.claims:
    print(claim)

# %%
# The witness in black: both ends meet x, the midpoint does not.
figure, panels = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
for axes, (name, verdict) in zip(panels, verdicts.items(), strict=True):
    example = EXAMPLES[name]
    draw_preimage(axes, pr.preimage(example.network, example.x, example.box))
    if verdict.z1 is not None:
        axes.plot(*zip(verdict.z1, verdict.z2, strict=True), "o--", color="black", ms=5, lw=1, zorder=9)
        axes.plot(*verdict.midpoint, "x", color="black", ms=9, mew=2, zorder=9)
    axes.set_title(f"{name}: {verdict.verdict}", fontsize=11)
plt.show()
