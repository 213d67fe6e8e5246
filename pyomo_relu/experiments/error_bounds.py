"""Theorems 3 and 4: how far from the truth the layer-wise LPs' code can be under noise."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pyomo_relu.box import Box
from pyomo_relu.experiments.constants import expansion_l1, expansion_linf
from pyomo_relu.experiments.experiment import Finding, Row
from pyomo_relu.experiments.instances import noise
from pyomo_relu.experiments.statistics import median, text
from pyomo_relu.experiments.style import COLORS
from pyomo_relu.formulations import LayerFormulation, LayerL1, LayerLinf
from pyomo_relu.network import Network
from pyomo_relu.norms import NormName, norm_of
from pyomo_relu.solvers import Solver
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True)
class ErrorBound:
    """The error of a code against its bound.

    Parameters
    ----------
    name : str
    setting : str
    sizes : tuple of int
        Of the networks, whose weights are from N(0, 1).
    kind : "uniform" or "gaussian"
        Of the noise.
    norm : "inf" or 1
        Of noise, error and bound.
    formulation : LayerFormulation
    constant : callable
        The constant of the assumption for some rows, or a lower bound on it.
    """

    name: str
    setting: str
    sizes: tuple[int, ...]
    kind: str
    norm: NormName
    formulation: LayerFormulation
    constant: Callable[[FloatArray], float]
    places: ClassVar[Sequence[float]] = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)

    def perform(self, at: float, rng: np.random.Generator) -> list[Row]:
        """Invert layer by layer, and carry along how far each estimate can be from the truth.

        With an observation within eps of the truth, and an estimate within d of the observation on the rows I that
        are on at the truth, ``||W_I (z - z*)|| <= d + eps``. The paper has 2 eps in place of d + eps.
        """
        net = Network.from_arrays([rng.normal(size=(n, k)) for k, n in itertools.pairwise(self.sizes)])
        truth = rng.normal(size=net.n_in)
        hidden = [truth, net[0](truth), net(truth)]
        target = hidden[-1] + noise(self.kind, at, net.n_out, rng)
        size = norm_of(target - hidden[-1], self.norm)
        bound, product, holds = size, 1.0, True
        for i in reversed(range(len(net))):
            answer = self.formulation.solve(net[i], target, Box.everything(self.sizes[i]), Solver())
            if answer.status is Status.INTERRUPTED:
                raise KeyboardInterrupt
            rows = answer.active & (hidden[i + 1] > 0.0)
            constant = self.constant(net[i].weight[rows])
            if answer.code is None or constant == 0.0:
                return [{"noise": size, "error": None, "bound": None, "stated": None, "assumed": False}]
            deviation = norm_of((net[i].pre_activation(answer.code) - target)[rows], self.norm)
            # The theorem asks for signals well above the noise; the rows that have them are what the constant is about.
            holds = holds and int((hidden[i + 1] > 2.0 * bound).sum()) > self.sizes[i]
            bound, product = (deviation + bound) / constant, product * constant
            target = answer.code
        error, stated = norm_of(target - truth, self.norm), 2.0 ** len(net) * size / product
        return [{"noise": size, "error": error, "bound": bound, "stated": stated, "assumed": holds}]

    def facts(self, at: float, rows: Sequence[Row]) -> tuple[str, str]:
        """Return the median error, and the median bounds."""
        bounds = f"median bound {text(median(rows, 'bound'))}, as stated {text(median(rows, 'stated'))}"
        return f"median error {text(median(rows))}", bounds

    def finding(self, rows: Sequence[Row]) -> Finding:
        """Count the errors above their bounds."""
        bounded = [row for row in rows if row["bound"] is not None]
        assumed = [row for row in bounded if row["assumed"]]
        broken, over = _above(bounded, "bound"), _above(assumed, "stated")
        looseness = median([{"error": row["bound"] / row["error"]} for row in bounded])
        measured = (
            f"error above the bound for the rows that occurred in {broken} of {len(bounded)} runs, above the bound as "
            f"stated in {over} of the {len(assumed)} whose signals are large enough; the bound is {looseness:.0f} "
            "times the error"
        )
        said = f"{self.name.capitalize()} bounds the error"
        return Finding(said, measured, broken == 0 and over == 0 if bounded else None)

    def draw(self, rows: Sequence[Row], axes: Any) -> None:
        """Draw error and bounds over the noise."""
        bounded = [row for row in rows if row["bound"] is not None]
        labels = {"error": "error", "bound": "bound for the rows that occurred", "stated": "bound as stated"}
        for color, (key, label) in zip(COLORS, labels.items(), strict=False):
            axes.plot([row["noise"] for row in bounded], [row[key] for row in bounded], ".", color=color, label=label)
        axes.set(xscale="log", yscale="log", xlabel="norm of the noise", ylabel="norm of the error")
        axes.set_title(self.name.capitalize())


THEOREM_3 = ErrorBound(
    "theorem 3",
    "8-40-200, weights N(0, 1), uniform noise, linf LP (exact schedule), codes of either sign; the constant is that of "
    "the rows that each layer's LP held from both sides and that are on at the truth too, by k LPs",
    (8, 40, 200),
    "uniform",
    "inf",
    LayerLinf(),
    expansion_linf,
)

THEOREM_4 = ErrorBound(
    "theorem 4",
    "5-25-125, weights N(0, 1), Gaussian noise, l1 LP; the constant as for theorem 3, bounded from below by one LP",
    (5, 25, 125),
    "gaussian",
    1,
    LayerL1(),
    expansion_l1,
)


def _above(rows: Sequence[Row], bound: str) -> int:
    return sum(row["error"] > row[bound] * (1.0 + 1e-6) + 1e-9 for row in rows)
