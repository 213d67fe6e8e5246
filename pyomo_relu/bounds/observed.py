"""Bounds that the observation gives: from the output back to the code, and forwards again.

Inversion knows its output. Where some code has residual U, every code at least as good
meets ``|G(z)_j - x_j| <= U``, which bounds the last pre-activations. Where the rows that
are then known to be active have full column rank, their pseudo-inverse bounds the layer's
input, the activation's inverse the pre-activation before, and so on to the code itself.
"""

from __future__ import annotations

import numpy as np

from pyomo_relu.bounds.crown import crown_bounds
from pyomo_relu.bounds.intersection import CrossedBoundsError, intersect
from pyomo_relu.bounds.region import Region
from pyomo_relu.bounds.sought import Sought
from pyomo_relu.box import Box
from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.norms import Norm, NormName, SumNorm, as_norm
from pyomo_relu.rank import svd_flops
from pyomo_relu.rounding import gamma, over_up, times_down, times_up
from pyomo_relu.tube import NO_TUBE, Tube
from pyomo_relu.validation import FloatArray

ROUNDS = 4


def deviation_caps(
    layer: Layer,
    x: FloatArray,
    incumbent: float,
    norm: Norm | NormName,
    tube: Tube = NO_TUBE,
    weights: FloatArray | float = 1.0,
) -> FloatArray:
    """Return the most that each output of the last layer may miss `x` by, shape (n,); never more than `tube`.

    Where they add up, the others' least deviations, ``max(-x_i, 0)`` for ReLU, are taken off the budget.

    Parameters
    ----------
    layer : Layer
        The last one.
    x : array, shape (n,)
    incumbent : float
        A residual that some code reaches.
    norm : Norm, or its name
    tube : Tube
        The most that single outputs may deviate, and which of them count.
    weights : array, shape (n,), or 1.0
        What deviations are multiplied by before they are measured.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> deviation_caps(Layer(np.eye(2)), np.array([1.0, -0.5]), 2.0, 1).round(9).tolist()
    [1.5, 2.0]
    """
    least = times_down(layer.activation.sign_bound(x), weights) * tube.counts
    return over_up(tube.caps(as_norm(norm).caps(least, incumbent)), weights)


def ball_slopes(norm: SumNorm, caps: FloatArray, weights: FloatArray | float) -> FloatArray:
    """Return the slopes of the ball of a budget where no output misses by more than its cap, rounded down."""
    return times_down(norm.slopes(times_up(caps, weights)), weights)


def observed_region(network: Network, region: Region, sought: Sought, deadline: Deadline = NO_LIMIT) -> Region | None:
    """Bound the codes of a region that are sought, from the observation backwards.

    Parameters
    ----------
    network : Network
    region : Region
        It need not be bounded.
    sought : Sought
    deadline : Deadline
        What would not be done before it is left out: the region is wider then, and perhaps not bounded.

    Returns
    -------
    Region or None
        Sound in the real numbers: rounding errors are bounded and added. None proves that there are no such codes.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [2.0]]])
    >>> anywhere = Region.everything(net, Box.everything(1))
    >>> region = observed_region(net, anywhere, Sought(np.array([1.0, 2.0]), "inf", 0.1))
    >>> region.code.lower.round(2).tolist(), region.code.upper.round(2).tolist()
    ([0.95], [1.05])
    """
    if sought.most < 0.0:
        return None
    try:
        return _observed_region(network, region, sought, deadline)
    except CrossedBoundsError:
        return None


def _observed_region(network: Network, region: Region, sought: Sought, deadline: Deadline) -> Region:
    x = sought.x
    caps = deviation_caps(network[-1], x, sought.most, sought.norm, sought.tube, sought.weights)
    error = gamma(1) * (np.abs(x) + caps)
    last = Box(*network[-1].activation.before(x - caps - error, x + caps + error))
    code, bounds = region.code, list(region.pre_activations)
    bounds[-1] = intersect(bounds[-1], last)
    for _ in range(ROUNDS):
        size = _size(code, bounds)
        for i in reversed(range(len(network))):
            inputs = _solve_back(network[i], bounds[i], deadline)
            if i == len(network) - 1 and sought.sum is not None:
                sharper = _solve_back_in_ball(network[i], bounds[i], sought, sought.sum, caps, deadline)
                inputs = sharper if inputs is None else inputs if sharper is None else intersect(inputs, sharper)
            if inputs is None:
                continue
            if i == 0:
                code = intersect(code, inputs)
            else:
                before = network[i - 1].activation.before(inputs.lower, inputs.upper)
                bounds[i - 1] = intersect(bounds[i - 1], Box(*before))
        if code.is_bounded:
            bounds = list(crown_bounds(network, code, bounds, deadline))
        if _size(code, bounds) == size:
            break
    return Region(code, tuple(bounds))


def _size(code: Box, bounds: list[Box]) -> tuple[float, ...]:
    return tuple(float(np.sum(b.upper - b.lower)) if b.is_bounded else np.inf for b in (code, *bounds))


def _pseudo_inverse(weight: FloatArray, deadline: Deadline) -> tuple[FloatArray, FloatArray] | None:
    """Return P and row sums of ``|I - P W|`` (with its own rounding), or None where W lacks column rank, or time."""
    if len(weight) < weight.shape[1] or not deadline.affords(svd_flops(*weight.shape)):
        return None
    inverse: FloatArray = np.asarray(np.linalg.pinv(weight), dtype=np.float64)
    defect = np.abs(np.eye(weight.shape[1]) - inverse @ weight)
    defect += gamma(len(weight)) * (np.abs(inverse) @ np.abs(weight))
    rows = defect.sum(axis=1)
    return (inverse, rows) if rows.max() < 0.5 else None


def _enclose(inverse: FloatArray, defect: FloatArray, middle: FloatArray, radius: FloatArray, reach: FloatArray) -> Box:
    """Return a box around every h with ``h = P m + (I - P W) h``, ``|h - P m| <= radius`` up to that defect.

    ``|h|_max <= |P m + radius|_max / (1 - |defect|)`` bounds the second term.
    """
    centre = inverse @ middle
    error = gamma(inverse.shape[1]) * (np.abs(inverse) @ reach)
    largest = (np.abs(centre) + radius + error).max() / (1.0 - defect.max())
    wide = radius + error + defect * largest
    wide = wide + gamma(1) * (np.abs(centre) + wide)
    return Box(centre - wide, centre + wide)


def _solve_back(layer: Layer, bound: Box, deadline: Deadline) -> Box | None:
    """Bound the layer's input by the rows whose pre-activation is bounded on both sides."""
    rows = np.isfinite(bound.lower) & np.isfinite(bound.upper)
    rows &= (bound.lower > 0.0) | ~layer.activation.cuts
    found = _pseudo_inverse(layer.dense(rows), deadline)
    if found is None:
        return None
    inverse, defect = found
    low, high = bound.lower[rows] - layer.bias[rows], bound.upper[rows] - layer.bias[rows]
    radius = np.abs(inverse) @ ((high - low) / 2.0) * (1.0 + gamma(inverse.shape[1]))
    reach = np.maximum(np.abs(low), np.abs(high)) + np.abs(layer.bias[rows])
    return _enclose(inverse, defect, (low + high) / 2.0, radius, reach)


def _solve_back_in_ball(
    layer: Layer, bound: Box, sought: Sought, norm: SumNorm, caps: FloatArray, deadline: Deadline
) -> Box | None:
    """Do the same for the last layer where all deviations share what the residual may be."""
    x, weights = sought.x, np.broadcast_to(sought.weights, sought.x.shape)
    rows = np.where(layer.activation.cuts, (bound.lower > 0.0) & (x > 0.0), ~layer.activation.bends)
    rows &= sought.tube.counts
    found = _pseudo_inverse(layer.dense(rows), deadline)
    if found is None:
        return None
    inverse, defect = found
    dual = norm.ball.dual(inverse / ball_slopes(norm, caps[rows], weights[rows]), axis=1)
    radius = dual * sought.most * (1.0 + gamma(inverse.shape[1]))
    target = x[rows] - layer.bias[rows]
    reach = np.abs(x[rows]) + np.abs(layer.bias[rows]) + caps[rows]
    return _enclose(inverse, defect, target, radius, reach)
