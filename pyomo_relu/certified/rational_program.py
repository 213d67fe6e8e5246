"""Exact inversion as a rational MILP in a file, for a solver with exact arithmetic.

::

    min e  (p = inf)   or   sum e_j  (p = 1)
    t_i = W_i h_{i-1} + b_i,   h_0 = z,   h = t where lower >= 0,   h = slope t where upper <= 0,   else, d binary:
    h >= t,   h >= slope t,   h <= t - (1 - slope) lower (1 - d),   h <= slope t + (1 - slope) upper d
    e >= h_d - x,   e >= x - h_d

The bounds of t are interval arithmetic in fractions, rounded outwards. The file is in the LP format, with numbers such
as 3/4: that is what SCIP reads in its exact mode, which its wheels have not. Nothing here depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from pyomo_relu.atomic import atomic_write
from pyomo_relu.certified.bound_claim import claim_of
from pyomo_relu.certified.checker import BoundClaim, Bounds
from pyomo_relu.network import Network
from pyomo_relu.norms import as_norm

Terms = list[tuple[Fraction, str]]

ONE = Fraction(1)


def write_rational_program(
    path: str | PathLike[str], net: Network, x: Any, box: Any, norm: Literal["inf", 1] = "inf"
) -> None:
    """Write the program of :func:`rational_program`; the file is written whole or not at all.

    Parameters
    ----------
    path : path
        Best ``.lp``, by which SCIP knows the format.
    net, x, box, norm
        As there.

    Raises
    ------
    ShapeError, InputError
        As there, or if the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "net.lp"
    ...     write_rational_program(path, Network.from_arrays([[[1.0], [-1.0]]]), [0.5, 0.0], (-1, 1))
    ...     path.read_text().split()[0]
    'minimize'
    """
    text = rational_program(net, x, box, norm)
    with atomic_write(Path(path)) as file:
        file.write(text.encode("ascii") + b"\n")


def rational_program(net: Network, x: Any, box: Any, norm: Literal["inf", 1] = "inf") -> str:
    """Return ``min ||G(z) - x||`` over a box as a MILP with rational numbers, in the LP format.

    Parameters
    ----------
    net : Network
    x : array_like, shape (n,)
    box : Box or pair (lower, upper)
        Bounded.
    norm : "inf" or 1

    Returns
    -------
    str
        Variables ``z_j``; ``t_i_j``, ``h_i_j``, ``d_i_j`` of neuron j (from 0) in layer i (from 1); ``e`` or ``e_j``.

    Raises
    ------
    ShapeError, InputError
        If an input does not fit, or the box is not bounded.

    Examples
    --------
    >>> print(rational_program(Network.from_arrays([[[0.75]]]), [-0.5], (-1, 1)))
    minimize
     e
    subject to
     1 t_1_0 - 3/4 z_0 = 0
     1 h_1_0 - 1 t_1_0 >= 0
     1 h_1_0 >= 0
     1 h_1_0 - 1 t_1_0 + 3/4 d_1_0 <= 3/4
     1 h_1_0 - 3/4 d_1_0 <= 0
     1 e - 1 h_1_0 >= 1/2
     1 e + 1 h_1_0 >= -1/2
    bounds
     -1 <= z_0 <= 1
     t_1_0 free
     h_1_0 free
    binary
     d_1_0
    end
    """
    claim, _ = claim_of(net, x, 1.0, box, norm)
    bounds = claim.tightened([claim.box])
    neurons = [(i, j) for i, layer in enumerate(claim.layers, start=1) for j in range(len(layer.bias))]
    deviations = as_norm(norm).deviation_names(len(claim.x))
    lines = ["minimize", *_broken(list(dict.fromkeys(deviations))), "subject to"]
    lines += _network_rows(claim, bounds)
    for j, target in enumerate(claim.x):
        e, h = deviations[j], f"h_{len(claim.layers)}_{j}"
        lines += [_row([(ONE, e), (-ONE, h)], ">=", -target), _row([(ONE, e), (ONE, h)], ">=", target)]
    lines += ["bounds", *(f" {low} <= z_{j} <= {high}" for j, (low, high) in enumerate(claim.box))]
    lines += [f" {kind}_{i}_{j} free" for i, j in neurons for kind in "th"]
    binaries = [f" d_{i}_{j}" for i, j in neurons if _is_open(claim.layers[i - 1].slopes[j], *bounds[i][j])]
    return "\n".join([*lines, *(["binary", *binaries] if binaries else []), "end"])


def _network_rows(claim: BoundClaim, bounds: Bounds) -> Iterator[str]:
    before = [f"z_{j}" for j in range(len(claim.box))]
    for i, layer in enumerate(claim.layers, start=1):
        for j, (weights, bias) in enumerate(zip(layer.rows, layer.bias, strict=True)):
            inputs = [(Fraction(-w, layer.scale), name) for w, name in zip(weights, before, strict=True)]
            yield _row([(ONE, f"t_{i}_{j}"), *inputs], "=", bias)
            yield from _activation_rows(layer.slopes[j], *bounds[i][j], f"{i}_{j}")
        before = [f"h_{i}_{j}" for j in range(len(layer.bias))]


def _activation_rows(slope: Fraction, low: Fraction, high: Fraction, name: str) -> Iterator[str]:
    t, h, d = f"t_{name}", f"h_{name}", f"d_{name}"
    if not _is_open(slope, low, high):
        yield _row([(ONE, h), (-ONE if low >= 0 else -slope, t)], "=", Fraction(0))
        return
    yield _row([(ONE, h), (-ONE, t)], ">=", Fraction(0))
    yield _row([(ONE, h), (-slope, t)], ">=", Fraction(0))
    yield _row([(ONE, h), (-ONE, t), (-(1 - slope) * low, d)], "<=", -(1 - slope) * low)
    yield _row([(ONE, h), (-slope, t), (-(1 - slope) * high, d)], "<=", Fraction(0))


def _is_open(slope: Fraction, low: Fraction, high: Fraction) -> bool:
    return low < 0 < high and slope < 1


def _row(terms: Terms, sense: str, right: Fraction) -> str:
    parts = [f"{'-' if factor < 0 else '+'} {abs(factor)} {name}" for factor, name in terms if factor]
    return f" {' '.join(parts).removeprefix('+ ')} {sense} {right}"


def _broken(names: list[str]) -> list[str]:
    """Return a sum of names, one a line."""
    return [f" {names[0]}", *(f" + {name}" for name in names[1:])]
