"""How the figures look."""

from __future__ import annotations

from typing import Any

COLORS = ("#1f6fb4", "#e07b00", "#2c8a3f", "#b3261e", "#8e44ad", "#9a7b00", "#00838f", "#111111")
"""One a method, in the order of an experiment's methods."""


def bare_axes(axes: Any) -> None:
    """Leave out what carries no information."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.grid(True, lw=0.4, alpha=0.5)
    axes.set_axisbelow(True)
