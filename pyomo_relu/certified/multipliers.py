"""Good multipliers for a certificate: the duals of one LP over the code and the open neurons.

With u the code and the outputs of open hidden neurons, and ``t = T u + c`` for every pre-activation::

    h >= t,  h >= slope t,  h <= chord(t)       open hidden neurons
    e_j >= envelope of |phi(t_j) - x_j|         outputs; one e for p = inf; sum e <= bound
    lower <= t <= upper                         where the box of u does not say so

Every row but the envelopes may be missed by s, at a price, so that there are always duals, and finite ones. What they
prove is for :mod:`pyomo_relu.certified.checker` to evaluate. Derived for this project.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np

from pyomo_relu.bounds import Region
from pyomo_relu.bounds.affine_form import affine_network
from pyomo_relu.box import Box
from pyomo_relu.certified.checker import BoundClaim, Bounds, Multipliers, Place
from pyomo_relu.errors import InputError
from pyomo_relu.linear_program import LinearProgram
from pyomo_relu.network import Network
from pyomo_relu.norms import as_norm
from pyomo_relu.validation import FloatArray

PRICE = 1e4
"""Of missing rows by one, beside a target or a residual of one."""


class DualProgram:
    """The relaxation of a network within bounds, as an LP whose duals are a certificate's multipliers.

    Parameters
    ----------
    claim : BoundClaim
    net : Network
        The claim's.
    bounds : Bounds

    Attributes
    ----------
    code, hidden, outputs : list of (int, int)
        What may be bounded: the code, the open hidden neurons, the open outputs.

    Raises
    ------
    InputError
        If a bound is beyond floats.
    LinearProgramError
        If HiGHS fails.
    """

    def __init__(self, claim: BoundClaim, net: Network, bounds: Bounds) -> None:
        self._claim, self._net = claim, net
        boxes = [_floats(ends) for ends in bounds]
        self._form = affine_network(net, Region(boxes[0], tuple(boxes[1:])))
        self._boxes = boxes[1:]
        self.code: list[Place] = [(0, j) for j in range(net.n_in)]
        places = [[(i, int(j)) for j in index] for i, index in enumerate(self._form.open_neurons, start=1)]
        self.hidden: list[Place] = [place for part in places[:-1] for place in part]
        self.outputs: list[Place] = places[-1]
        self._first_e = self._form.box.size
        deviations = as_norm(claim.norm).deviation_names(net.n_out)
        names = list(dict.fromkeys(deviations))
        self._e = [self._first_e + names.index(name) for name in deviations]
        self._s = self._first_e + len(names)
        self._rows: list[FloatArray] = []
        self._limits: list[tuple[float, float]] = []
        self._uses: list[tuple[int, int, float, bool]] = []
        for i in range(len(net)):
            self._intervals(i)
        self._triangles()
        for j in range(net.n_out):
            self._deviation(j)
        budget = np.zeros(self._s + 1)
        budget[self._first_e : self._s], budget[self._s] = 1.0, -1.0
        self._rows.append(budget)
        self._limits.append((-np.inf, np.inf))
        limits, free = np.array(self._limits), np.full(self._s + 1 - self._first_e, np.inf)
        self._program = LinearProgram(
            np.array(self._rows),
            limits[:, 0],
            limits[:, 1],
            np.concatenate([self._form.box.lower, np.zeros(free.size)]),
            np.concatenate([self._form.box.upper, free]),
        )

    def residual(self) -> tuple[Multipliers, Place | None]:
        """Return the multipliers of the least residual, and the open neuron that is furthest from its activation."""
        cost = np.zeros(self._s + 1)
        cost[self._first_e : self._s], cost[self._s] = 1.0, PRICE
        _, point = self._program.maximum(-cost)
        return self._multipliers(None), None if point is None else self._furthest(point)

    def bound_of(self, place: Place, sign: int) -> Multipliers:
        """Return the multipliers that bound ``sign * entry`` from below, over residuals up to the claim's bound."""
        cost = np.zeros(self._s + 1)
        cost[: self._first_e] = sign * self._row(place)
        cost[self._s] = PRICE
        self._program.bound_row(len(self._rows) - 1, -np.inf, float(self._claim.bound))
        self._program.maximum(-cost)
        found = self._multipliers((place, sign))
        self._program.bound_row(len(self._rows) - 1, -np.inf, np.inf)
        return found

    def _row(self, place: Place) -> FloatArray:
        number, j = place
        if number > 0:
            return np.asarray(self._form.pre_activations[number - 1].matrix[j])
        return np.asarray(np.eye(self._first_e)[j])

    def _intervals(self, i: int) -> None:
        """Add ``lower <= t <= upper`` where the box of u allows more."""
        rows, box = self._form.pre_activations[i], self._form.box
        middle, radius = (box.lower + box.upper) / 2.0, (box.upper - box.lower) / 2.0
        centre, reach = rows.matrix @ middle + rows.shift, np.abs(rows.matrix) @ radius
        room = 1e-9 * (1.0 + reach)
        for j in np.flatnonzero(self._boxes[i].lower > centre - reach + room):
            self._add(i, int(j), 1.0, self._boxes[i].lower[j], np.inf)
        for j in np.flatnonzero(self._boxes[i].upper < centre + reach - room):
            self._add(i, int(j), 1.0, -np.inf, self._boxes[i].upper[j])

    def _triangles(self) -> None:
        pairs = zip(self._net, self._boxes, strict=True)
        chords = [layer.activation.chord(box.lower, box.upper)[0] for layer, box in pairs]
        for own, (number, j) in enumerate(self.hidden, start=self._net.n_in):
            slope, high = float(self._net[number - 1].activation.slope[j]), float(self._boxes[number - 1].upper[j])
            chord = float(chords[number - 1][j])
            self._add(number - 1, j, -1.0, 0.0, np.inf, own)
            if slope > 0.0:
                self._add(number - 1, j, -slope, 0.0, np.inf, own)
            self._add(number - 1, j, -chord, -np.inf, (1.0 - chord) * high, own)

    def _deviation(self, j: int) -> None:
        """Add the sides of the convex envelope of ``|phi(t_j) - x_j|``."""
        i, slope, x = len(self._net) - 1, float(self._net[-1].activation.slope[j]), float(self._claim.x[j])
        e = self._e[j]
        corners = _corners(float(self._boxes[i].lower[j]), float(self._boxes[i].upper[j]), x, slope)
        if len(corners) == 1:
            self._add(i, j, 0.0, corners[0][1], np.inf, e)
        for (t, value), (other, last) in itertools.pairwise(corners):
            steep = (last - value) / (other - t)
            self._add(i, j, -steep, value - steep * t, np.inf, e)

    def _add(self, i: int, j: int, factor: float, low: float, high: float, other: int | None = None) -> None:
        """Add ``low <= factor t_ij + v[other] <= high``; a row without an `e` may be missed by s."""
        rows = self._form.pre_activations[i]
        row = np.zeros(self._s + 1)
        row[: self._first_e] = factor * rows.matrix[j]
        if other is not None:
            row[other] += 1.0
        is_deviation = other is not None and other >= self._first_e
        if not is_deviation:
            row[self._s] = 1.0 if high == np.inf else -1.0
        shift = factor * float(rows.shift[j])
        self._rows.append(row)
        self._limits.append((low - shift, high - shift))
        self._uses.append((i, j, factor, is_deviation))

    def _furthest(self, point: FloatArray) -> Place | None:
        """Return the open neuron whose relaxation is worth most: by how far it is off, times what it weighs next."""
        gaps = []
        for own, place in enumerate(self.hidden, start=self._net.n_in):
            number, j = place
            weight = float(abs(self._net[number].weight[:, [j]]).sum())
            gaps.append((abs(float(point[own]) - self._activated(place, point)) * weight, place))
        for place in self.outputs:
            target = self._e[place[1]]
            miss = abs(self._activated(place, point) - float(self._claim.x[place[1]]))
            gaps.append((max(0.0, miss - float(point[target])), place))
        return max(gaps)[1] if gaps else None

    def _activated(self, place: Place, point: FloatArray) -> float:
        """Return phi(t) of a neuron at a point of the LP."""
        number, j = place
        t = float(self._row(place) @ point[: self._first_e] + self._form.pre_activations[number - 1].shift[j])
        return max(t, float(self._net[number - 1].activation.slope[j]) * t)

    def _multipliers(self, target: tuple[Place, int] | None) -> Multipliers:
        """Turn the duals into multipliers: what is not open passes them on to the layer before."""
        duals = self._program.row_duals
        net = self._net
        if duals.size != len(self._rows) or not np.isfinite(duals).all():
            return zeros(self._claim)
        used = [np.zeros(layer.n_out) for layer in net]
        deviations = np.zeros(net.n_out)
        for y, (i, j, factor, is_deviation) in zip(duals[:-1], self._uses, strict=True):
            used[i][j] -= y * factor
            if is_deviation:
                deviations[j] += y
        if self._claim.norm == "1":
            # The dual norm is the largest of them, so that all may be as large.
            deviations[:] = max(deviations.max(), 0.0)
        if target is not None and target[0][0] > 0:
            used[target[0][0] - 1][target[0][1]] += target[1]
        for i in range(len(net) - 1, 0, -1):
            a = net[i].weight.T @ used[i]
            gain = net[i - 1].activation.gain(self._boxes[i - 1].lower >= 0.0)
            gain[self._form.open_neurons[i - 1]] = 0.0
            used[i - 1] += gain * a
        return _fractions(deviations), [_fractions(row) for row in used]


def _floats(ends: list[tuple[Fraction, Fraction]]) -> Box:
    try:
        lower, upper = (np.array([float(v) for v in end]) for end in zip(*ends, strict=True))
    except OverflowError as error:
        raise InputError("pre-activations reach beyond 1e308 in this box: give a smaller box") from error
    return Box(lower, upper)


def zeros(claim: BoundClaim) -> Multipliers:
    """Return multipliers that are zero."""
    zero = Fraction(0)
    return [zero] * len(claim.x), [[zero] * len(layer.bias) for layer in claim.layers]


def _fractions(values: FloatArray) -> list[Fraction]:
    return [Fraction(v) for v in values.tolist()]


def _corners(low: float, high: float, x: float, slope: float) -> list[tuple[float, float]]:
    """Return the corners of the convex envelope of ``|phi(t) - x|`` over ``[low, high]``."""
    bend = x if x >= 0.0 else x / slope if slope else 0.0
    hull: list[tuple[float, float]] = []
    for t in sorted({low, high, *(t for t in (0.0, bend) if low < t < high)}):
        point = (t, abs(max(t, slope * t) - x))
        while len(hull) > 1 and _turns_right(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _turns_right(one: tuple[float, float], two: tuple[float, float], three: tuple[float, float]) -> bool:
    return (two[1] - one[1]) * (three[0] - one[0]) >= (three[1] - one[1]) * (two[0] - one[0])
