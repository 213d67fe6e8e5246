"""Exact re-checks of what LPs in float64 say of a pre-image: every float64 is a rational number, and so is the rest.

A code is in the pre-image; a cell has a point, or is empty; codes with given phases miss the observation by at least so
much. Derived for this project.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Literal

from pyomo_relu.box import Box
from pyomo_relu.certified import checker
from pyomo_relu.certified.bound_claim import claim_of
from pyomo_relu.certified.checker import Empty, Place
from pyomo_relu.certified.multipliers import DualProgram
from pyomo_relu.certified.rational_system import Feasibility, decide
from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.inversion.pattern import Pattern
from pyomo_relu.network import Network
from pyomo_relu.rational import as_fractions, residual
from pyomo_relu.validation import as_number


def is_code(net: Network, x: Iterable[Any], z: Iterable[Any], box: Any = None, tol: float | Fraction = 0) -> bool:
    """Whether z lies in the pre-image, ``|G(z)_j - x_j| <= tol`` for all j and z in the box, without any rounding.

    Parameters
    ----------
    net : Network
    x : sequence of int, float or Fraction, length n
    z : sequence of int, float or Fraction, length k
    box : Box or pair (lower, upper), optional
    tol : int, float or Fraction

    Returns
    -------
    bool

    Raises
    ------
    ShapeError, InputError
        If an input does not fit.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> is_code(net, [Fraction(1, 3)], [Fraction(-1, 3)]), is_code(net, [Fraction(1, 3)], [-1 / 3])
    (True, False)
    """
    code = as_fractions(z, net.n_in, "code")
    if box is not None:
        within = Box.of(box, net.n_in)
        if any(not low <= v <= high for v, low, high in zip(code, within.lower, within.upper, strict=True)):
            return False
    allowed = _tolerance(tol)
    return allowed is None or residual(net, code, x) <= allowed


def cell_system(
    net: Network, x: Iterable[Any], pattern: Pattern, box: Any = None, tol: float | Fraction = 0
) -> tuple[list[list[Fraction]], list[Fraction]]:
    """Return the closed cell of an activation pattern as ``rows z <= limits``, without any rounding.

    Parameters
    ----------
    net : Network
    x : sequence of int, float or Fraction, length n
    pattern : tuple of bool array, one a layer
        Which pre-activations are positive or zero; as a :class:`~pyomo_relu.preimages.Cell` has it.
    box : Box or pair (lower, upper), optional
    tol : int, float or Fraction
        Infinite for the whole activation region.

    Returns
    -------
    rows : list of m lists of k Fractions
    limits : list of m Fractions
        Neurons that are not linear, layer by layer; the box; each output, from above and from below.

    Raises
    ------
    ShapeError, InputError
        If an input does not fit.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> rows, limits = cell_system(net, [2.0], tuple(t > 0.0 for t in net.pre_activations([-3.0])))
    >>> [(str(row[0]), str(limit)) for row, limit in zip(rows, limits)]
    [('1', '0'), ('1', '0'), ('1', '0'), ('-1', '2'), ('1', '-2')]
    """
    target = as_fractions(x, net.n_out, "observation")
    if [len(on) for on in pattern] != list(net.sizes[1:]):
        raise ShapeError(f"pattern has layers of {[len(on) for on in pattern]} neurons, expected {list(net.sizes[1:])}")
    rows: list[list[Fraction]] = []
    limits: list[Fraction] = []
    zero, one = Fraction(0), Fraction(1)
    # The outputs so far as affine functions of z, the constant last.
    h = [[one if i == j else zero for j in range(net.n_in + 1)] for i in range(net.n_in)]
    for layer, on in zip(net, pattern, strict=True):
        t = [_combined(row, h) for row in layer.dense().tolist()]
        for affine, bias in zip(t, layer.bias.tolist(), strict=True):
            affine[-1] += Fraction(bias)
        h = []
        for j, (affine, is_on) in enumerate(zip(t, on, strict=True)):
            sign, slope = -1 if is_on else 1, layer.activation.fraction(j)
            if slope < 1:
                rows.append([sign * v for v in affine[:-1]])
                limits.append(-sign * affine[-1])
            h.append(affine if is_on else [slope * v for v in affine])
    if box is not None:
        _add_box(rows, limits, Box.of(box, net.n_in))
    allowed = _tolerance(tol)
    if allowed is not None:
        for affine, value in zip(h, target, strict=True):
            for sign in (1, -1):
                rows.append([sign * v for v in affine[:-1]])
                limits.append(sign * (value - affine[-1]) + allowed)
    return rows, limits


def decide_cell(
    net: Network, x: Iterable[Any], pattern: Pattern, box: Any = None, tol: float | Fraction = 0
) -> Feasibility:
    """Prove that the closed cell of an activation pattern has a point, or that it is empty.

    Parameters
    ----------
    net, x, pattern, box, tol
        As for :func:`cell_system`.

    Returns
    -------
    Feasibility
        A rational point, or Farkas multipliers of the rows of :func:`cell_system`; either is checked.

    Raises
    ------
    ShapeError, InputError
        If an input does not fit.

    Notes
    -----
    With tol = 0 and more active outputs than entries of the code, an observation that was rounded is not met
    exactly, and its cells are empty: then that is what is proved.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[3.0, 1.0]]])
    >>> left, right = (tuple(t > 0.0 for t in net.pre_activations([z])) for z in (-1.0, 1.0))
    >>> decide_cell(net, [1.0], right).point
    (Fraction(1, 3),)
    >>> decide_cell(net, [1.0], left, box=(0, 1)).is_empty
    True
    """
    rows, limits = cell_system(net, x, pattern, box, tol)
    # A linear network without an observation or a box: the cell is all of the space.
    return decide(rows, limits) if rows else Feasibility((Fraction(0),) * net.n_in, None)


def leaf_bound(
    net: Network,
    x: Any,
    box: Any,
    norm: Literal["inf", 1] = "inf",
    phases: Mapping[Place, bool] | None = None,
) -> Fraction | None:
    """Return an exact lower bound of ``||G(z) - x||`` over the codes of a box whose neurons have given phases.

    Parameters
    ----------
    net : Network
    x : array_like, shape (n,)
    box : Box or pair (lower, upper)
        Bounded.
    norm : "inf" or 1
    phases : dict, optional
        Of neurons by (layer, row), layers counted from 1: True for t >= 0, False for t <= 0.

    Returns
    -------
    Fraction or None
        What the duals of one LP prove, evaluated in fractions; never above the optimum. None proves that there is no
        such code.

    Raises
    ------
    ShapeError, InputError
        If an input does not fit, or the box is not bounded.
    LinearProgramError
        If HiGHS fails.

    Examples
    --------
    >>> net = Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> leaf_bound(net, [-0.5], (-3, 3)), leaf_bound(net, [5.0], (-3, 3), phases={(1, 0): True, (1, 1): False})
    (Fraction(1, 2), Fraction(2, 1))
    """
    claim, _ = claim_of(net, x, 1.0, box, norm)
    try:
        bounds = claim.tightened([claim.box])
        for (layer, row), on in (phases or {}).items():
            if not (1 <= layer <= len(net) and 0 <= row < net[layer - 1].n_out):
                raise InputError(f"phases has neuron ({layer}, {row}), which the network has not")
            bounds = checker.with_fact(bounds, (layer, row), 1 if on else -1, Fraction(0))
        bounds = claim.tightened(bounds)
    except Empty:
        return None
    multipliers, _ = DualProgram(claim, net, bounds).residual()
    price = claim.dual(multipliers[0])
    # The claim's own bound of 1 is taken off by `least`.
    value = claim.least(bounds, multipliers) + price
    if price == 0:
        return None if value > 0 else Fraction(0)
    return max(value / price, Fraction(0))


def _tolerance(tol: float | Fraction) -> Fraction | None:
    """Return the tolerance as a fraction, None for an infinite one."""
    as_number(tol, "tol", most=math.inf)
    return None if tol == math.inf else Fraction(tol)


def _combined(weights: list[float], rows: list[list[Fraction]]) -> list[Fraction]:
    """Return the sum of rows, each times its weight."""
    used = [(Fraction(weight), row) for weight, row in zip(weights, rows, strict=True) if weight]
    return [sum((weight * row[j] for weight, row in used), Fraction(0)) for j in range(len(rows[0]))]


def _add_box(rows: list[list[Fraction]], limits: list[Fraction], box: Box) -> None:
    for sign, ends in ((1, box.upper), (-1, box.lower)):
        for i, end in enumerate(ends.tolist()):
            if math.isfinite(end):
                rows.append([Fraction(sign if i == j else 0) for j in range(box.size)])
                limits.append(sign * Fraction(end))
