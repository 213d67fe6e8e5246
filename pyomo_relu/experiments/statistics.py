"""Medians, quartiles and shares of rows, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pyomo_relu.experiments.experiment import Row


def select(rows: Iterable[Row], **wanted: Any) -> list[Row]:
    """Return the rows with these values.

    Parameters
    ----------
    rows : iterable of dict
    **wanted : values
        By their keys.

    Examples
    --------
    >>> select([{"k": 1, "error": 0.5}, {"k": 2, "error": 0.1}], k=2)
    [{'k': 2, 'error': 0.1}]
    """
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def distinct(rows: Iterable[Row], key: str) -> list[Any]:
    """Return the values of a key, in the order in which they come.

    Parameters
    ----------
    rows : iterable of dict
    key : str

    Examples
    --------
    >>> distinct([{"k": 2}, {"k": 1}, {"k": 2}], "k")
    [2, 1]
    """
    return list(dict.fromkeys(row[key] for row in rows))


HIGH_IS_GOOD = frozenset({"psnr"})


def median(rows: Sequence[Row], key: str = "error") -> float:
    """Return the median, of an even number the mean of the two in the middle; NaN for no rows.

    A row without a value counts as the worst there is: infinite, a PSNR as minus infinity. Leaving failures
    out would flatter a method.

    Parameters
    ----------
    rows : sequence of dict
    key : str

    Examples
    --------
    >>> median([{"error": 1.0}, {"error": 2.0}]), median([{"error": 1.0}, {"error": None}])
    (1.5, inf)
    >>> median([{"psnr": 20.0}, {"psnr": None}], "psnr")
    -inf
    """
    values = _sorted(rows, key)
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2.0 if values else math.nan


def quartiles(rows: Sequence[Row], key: str = "error") -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile; NaN for no rows. Failures count as in :func:`median`.

    The outer two are values of rows: the least that a quarter, or three quarters, of them do not exceed.

    Examples
    --------
    >>> quartiles([{"error": 1.0}, {"error": 2.0}, {"error": None}])
    (1.0, 2.0, inf)
    """
    values = _sorted(rows, key)
    if not values:
        return math.nan, math.nan, math.nan
    low, high = (values[math.ceil(share * len(values)) - 1] for share in (0.25, 0.75))
    return low, median(rows, key), high


def _sorted(rows: Sequence[Row], key: str) -> list[float]:
    worst = -math.inf if key in HIGH_IS_GOOD else math.inf
    return sorted(worst if row[key] is None else row[key] for row in rows)


def share(rows: Sequence[Row], largest: float) -> float:
    """Return which part of the rows has an error of at most `largest`; NaN for no rows.

    Examples
    --------
    >>> share([{"error": 1.0}, {"error": None}], 2.0)
    0.5
    """
    if not rows:
        return math.nan
    return sum(bool(row["error"] is not None and row["error"] <= largest) for row in rows) / len(rows)


def loglog_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the slope of log y against log x by least squares; NaN for fewer than two finite points.

    Examples
    --------
    >>> round(loglog_slope([0.1, 1.0, 10.0], [0.02, 0.2, 2.0]), 9)
    1.0
    """
    points = [(a, b) for a, b in zip(x, y, strict=True) if 0.0 < a < math.inf and 0.0 < b < math.inf]
    if len(points) < 2:
        return math.nan
    logs = np.log(np.array(points))
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])


def within_sampling(found: float, expected: float, runs: int) -> bool:
    """Whether a share of `runs` is within three standard deviations of a probability, and one run.

    Examples
    --------
    >>> within_sampling(0.97, 0.982, 200), within_sampling(0.9, 0.982, 200)
    (True, False)
    """
    return abs(found - expected) <= 3.0 * math.sqrt(expected * (1.0 - expected) / runs) + 1.0 / runs


def text(value: float | None, form: str = ".3g") -> str:
    """Write a number, ``-`` for none, ``no code`` for an infinite error.

    Examples
    --------
    >>> text(0.12345), text(None), text(math.inf)
    ('0.123', '-', 'no code')
    """
    if value is None or math.isnan(value):
        return "-"
    return "no code" if math.isinf(value) else format(value, form)
