"""Corollary 1: the constant of Assumption 2 does not vanish as Gaussian layers grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from pyomo_relu.experiments.constants import expansion_linf
from pyomo_relu.experiments.experiment import Finding, Row
from pyomo_relu.experiments.statistics import distinct, median, select
from pyomo_relu.experiments.style import COLORS


class Corollary1:
    """c_inf of the active rows of one layer."""

    name: ClassVar[str] = "corollary 1"
    setting: ClassVar[str] = "c_inf of the active rows of one layer k-5k, weights N(0, 1)"
    places: ClassVar[Sequence[float]] = (4, 8, 16, 32)

    def perform(self, at: float, rng: np.random.Generator) -> list[Row]:
        """Draw a layer and a code of `at` entries."""
        k = int(at)
        weight, truth = rng.normal(size=(5 * k, k)), rng.normal(size=k)
        on = weight[weight @ truth > 0.0]
        return [{"constant": expansion_linf(on), "active": len(on)}]

    def facts(self, at: float, rows: Sequence[Row]) -> tuple[str, str]:
        """Return the median and the least."""
        return f"c_inf: median {median(rows, 'constant'):.3f}, least {_least(rows):.3f}", "bounded away from 0"

    def finding(self, rows: Sequence[Row]) -> Finding:
        """Compare the least constants of the smallest and of the largest layer."""
        least = {k: _least(select(rows, at=k)) for k in distinct(rows, "at")}
        told = ", ".join(f"k = {k}: {value:.2f}" for k, value in least.items())
        agrees = least[max(least)] >= 0.5 * least[min(least)]
        said = "Corollary 1: c_inf of Gaussian rows stays above a constant"
        return Finding(said, f"least of all runs, {told}", agrees)

    def draw(self, rows: Sequence[Row], axes: Any) -> None:
        """Draw every constant over k."""
        constants = [row["constant"] for row in rows]
        axes.plot([row["at"] for row in rows], constants, ".", color=COLORS[0], label="of the active rows")
        axes.set_xscale("log", base=2)
        axes.set(xticks=self.places, xticklabels=self.places, xlabel="k", ylabel="c_inf", ylim=(0.0, None))
        axes.set_title("Corollary 1")


def _least(rows: Sequence[Row]) -> float:
    return float(min(row["constant"] for row in rows))
