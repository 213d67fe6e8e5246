"""What is true of a case, without the package: patterns enumerated, one LP a cell, and codes re-evaluated in fractions.

Whatever a float found is only a code: what it proves is its residual in fractions. A lower bound is false where a known
code of its scope has a smaller one, so that the codes of all methods are put in here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import linprog, minimize
from scipy.sparse import issparse

from .cases import Case

WIDE = 1000.0
"""Where there is no box, codes of at most this size are looked for."""

TOLERANCES = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}

SOLVED_EXACTLY = 3
"""Cells whose tight rows are solved in fractions, the best first."""

Row = tuple[list[Fraction], Fraction]
"""Of ``row . z + constant``."""


@dataclass(frozen=True, eq=False)
class Known:
    """A code, its output and how much each entry misses x by, weighed, without any rounding."""

    z: tuple[Fraction, ...]
    output: tuple[Fraction, ...]
    misses: tuple[Fraction, ...]
    in_box: bool

    @cached_property
    def inf(self) -> Fraction:
        return max(self.misses)

    @cached_property
    def one(self) -> Fraction:
        return sum(self.misses, Fraction(0))

    @cached_property
    def two(self) -> Fraction:
        """The square."""
        return sum((m * m for m in self.misses), Fraction(0))

    def residual(self, norm: object) -> Fraction:
        """Return the residual; squared for p = 2 and Huber's function."""
        kind, _, delta = str(norm).partition(":")
        if kind == "huber":
            return self._huber(Fraction(float(delta)))
        return {"inf": self.inf, "1": self.one, "2": self.two}[kind]

    def _huber(self, delta: Fraction) -> Fraction:
        return sum((m * m if m <= delta else delta * (2 * m - delta) for m in self.misses), Fraction(0))


@dataclass(frozen=True, eq=False)
class Cell:
    """A pattern that some code has: ``rows z <= right`` in floats, of entries of at most 1, and the outputs exactly."""

    rows: np.ndarray
    right: np.ndarray
    outputs: list[Row]
    exact: list[Row]
    inside: np.ndarray


@dataclass(frozen=True, eq=False)
class _Signs:
    """The signs that were given so far, as exact sides and as rows, and codes that have them."""

    exact: list[Row]
    rows: list[np.ndarray]
    right: list[float]
    samples: np.ndarray

    def matrix(self, k: int) -> np.ndarray:
        return np.array(self.rows).reshape(-1, k)


def power(value: float | Fraction, norm: object) -> Fraction:
    """Return a bound in the terms of :meth:`Known.residual`: squared for p = 2 and Huber's function."""
    exact = Fraction(value)
    return exact * exact if str(norm) == "2" or str(norm).startswith("huber") else exact


class Truth:
    """What is known of a case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        net = case.net
        self.layers = [
            (
                [[Fraction(w) for w in row] for row in layer.dense().tolist()],
                [Fraction(b) for b in layer.bias.tolist()],
                [Fraction(s) for s in layer.activation.slope.tolist()],
            )
            for layer in net
        ]
        mask = case.mask if case.weights is None else case.weights != 0.0
        seen = None if mask is None else np.flatnonzero(mask).tolist()
        self._seen, self._operator = seen, None
        if case.operator is not None:
            dense = case.operator.toarray() if issparse(case.operator) else case.operator
            self._operator = [[Fraction(a) for a in row] for row in dense.tolist()]
        x = case.x if seen is None else case.x[seen]
        weights = np.ones(len(x)) if case.weights is None else case.weights[seen]
        self._weights = [Fraction(weight) for weight in weights.tolist()]
        self.x = [weight * Fraction(value) for weight, value in zip(self._weights, x.tolist(), strict=True)]
        self.size = float(np.abs(weights * x).max())
        self.known: dict[tuple[Fraction, ...], Known] = {}
        self.lower, self.upper = (-WIDE, WIDE) if case.box is None else case.box

    # ---- codes

    @property
    def scale(self) -> float:
        return max(1.0, self.size)

    @property
    def met(self) -> Fraction:
        """Below this x counts as met, as the package defines it."""
        return Fraction(1e-6 * max(1e-3, self.size))

    def pre_activations(self, z: Sequence[Fraction]) -> list[list[Fraction]]:
        """Return the pre-activations of every layer at a code."""
        h, found = list(z), []
        for weight, bias, slopes in self.layers:
            t = [sum(map(lambda a, b: a * b, row, h), b) for row, b in zip(weight, bias, strict=True)]
            h = [v if v >= 0 else slope * v for v, slope in zip(t, slopes, strict=True)]
            found.append(t)
        return found

    @property
    def beyond_sign(self) -> bool:
        """Whether x has an entry that no code gives: one below zero, of a ReLU, by however little."""
        if self._operator is not None:
            return False
        slopes = self.layers[-1][2]
        seen = range(len(slopes)) if self._seen is None else self._seen
        return any(slopes[j] == 0 and x < 0 for j, x in zip(seen, self.x, strict=True))

    def output(self, z: Sequence[Fraction]) -> list[Fraction]:
        """Return what is observed at a code, weighed."""
        h = [v if v >= 0 else s * v for v, s in zip(self.pre_activations(z)[-1], self.layers[-1][2], strict=True)]
        return [w * v for w, v in zip(self._weights, self._observed(h), strict=True)]

    def _observed(self, h: list[Fraction]) -> list[Fraction]:
        if self._seen is not None:
            return [h[j] for j in self._seen]
        if self._operator is not None:
            return [sum((a * b for a, b in zip(row, h, strict=True)), Fraction(0)) for row in self._operator]
        return h

    def add(self, z: Sequence[float | Fraction]) -> Known:
        """Evaluate a code, and keep it."""
        code = tuple(Fraction(v) for v in z)
        if code not in self.known:
            output = self.output(code)
            misses = tuple(abs(y - x) for y, x in zip(output, self.x, strict=True))
            box = self.case.box
            within = box is None or all(Fraction(box[0]) <= v <= Fraction(box[1]) for v in code)
            self.known[code] = Known(code, tuple(output), misses, within)
        return self.known[code]

    def best(self, norm: object, where: Callable[[Known], bool] = lambda known: known.in_box) -> Known | None:
        """Return the nearest known code of a scope."""
        return min((k for k in self.known.values() if where(k)), key=lambda k: k.residual(norm), default=None)

    # ---- cells

    @cached_property
    def cells(self) -> list[Cell]:
        """All patterns that codes of the box have."""
        return list(self._enumerated())

    def _enumerated(self) -> Iterator[Cell]:
        k = self.case.net.n_in
        rng = np.random.default_rng(0)
        start = rng.uniform(self.lower, self.upper, (64, k))
        if self.case.box is None:
            start = np.vstack([start, rng.normal(size=(64, k))])
        start = np.vstack([start, self.case.truth[None, :]])
        one = [[Fraction(int(i == j)) for j in range(k)] for i in range(k)]
        yield from self._grow(0, [(row, Fraction(0)) for row in one], _Signs([], [], [], start))

    def _grow(self, number: int, h: list[Row], so_far: _Signs) -> Iterator[Cell]:
        """Go through a layer's neurons, on and off, with the codes that are known to have the signs so far."""
        if number == len(self.layers):
            outputs = self.observed_rows(h)
            yield Cell(
                so_far.matrix(len(outputs[0][0])), np.array(so_far.right), outputs, so_far.exact, so_far.samples[0]
            )
            return
        weight, bias, _ = self.layers[number]
        t = [_combined(row, h, b) for row, b in zip(weight, bias, strict=True)]
        yield from self._split(number, t, [], so_far)

    def _split(self, number: int, t: list[Row], done: list[Row], so_far: _Signs) -> Iterator[Cell]:
        """Give the next neuron of a layer both of its signs that some code has."""
        if len(done) == len(t):
            yield from self._grow(number + 1, done, so_far)
            return
        slope, (row, constant) = self.layers[number][2][len(done)], t[len(done)]
        size = max(map(abs, row))
        if slope == 1 or size == 0:
            gain = Fraction(1) if constant >= 0 else slope
            kept = (row, constant) if slope == 1 else (row, gain * constant)
            yield from self._split(number, t, [*done, kept], so_far)
            return
        a, b = np.array([float(v / size) for v in row]), _float(constant / size)
        values = so_far.samples @ a + b
        for sign in (1, -1):
            samples = so_far.samples[sign * values > 0.0]
            if not len(samples):
                found = self._farthest(sign * a, sign * b, so_far)
                if found is None:
                    continue
                samples = found
            gain = Fraction(1) if sign == 1 else slope
            kept = [gain * v for v in row], gain * constant
            side = [sign * v for v in row], sign * constant
            signs = _Signs([*so_far.exact, side], [*so_far.rows, -sign * a], [*so_far.right, sign * b], samples)
            yield from self._split(number, t, [*done, kept], signs)

    def _farthest(self, a: np.ndarray, b: float, so_far: _Signs) -> np.ndarray | None:
        """Return the code with the largest ``a z + b``, where that is positive."""
        if not np.isfinite(b):
            return None
        found = self._linear(-a, so_far.matrix(len(a)), np.array(so_far.right))
        return found[None, :] if found is not None and a @ found + b > 1e-12 * max(1.0, abs(b)) else None

    def _linear(self, cost, rows, right, extra: int = 0) -> np.ndarray | None:
        bounds = [(self.lower, self.upper)] * self.case.net.n_in + [(0.0, None)] * extra
        keep = np.isfinite(right) & np.isfinite(rows).all(axis=1)
        found = linprog(cost, A_ub=rows[keep], b_ub=right[keep], bounds=bounds, options=TOLERANCES)
        return found.x if found.status == 0 else None

    def observed_rows(self, h: list[Row]) -> list[Row]:
        """Return the rows of what is observed, weighed."""
        found = self._observed_rows(h)
        return [([w * v for v in row], w * b) for w, (row, b) in zip(self._weights, found, strict=True)]

    def _observed_rows(self, h: list[Row]) -> list[Row]:
        if self._seen is not None:
            return [h[j] for j in self._seen]
        if self._operator is not None:
            return [_combined(row, h, Fraction(0)) for row in self._operator]
        return h

    # ---- the nearest codes

    def search(self) -> None:
        """Put in the nearest codes of every cell, for all norms; of the best cells those with tight rows exactly."""
        self.add(self.case.truth.tolist())
        huber = f"huber:{self.case.delta!r}"
        found: dict[str, list[tuple[Fraction, Cell, np.ndarray]]] = {"inf": [], "1": [], "2": [], huber: []}
        for cell in self.cells:
            matrix, target, unit = self._deviations(cell)
            for norm, codes in found.items():
                z = np.clip(self._nearest(cell, matrix, target, norm, unit), self.lower, self.upper)
                codes.append((self.add(z.tolist()).residual(norm), cell, z))
        for norm in ("inf", "1"):
            for _, cell, z in sorted(found[norm], key=lambda entry: entry[0])[:SOLVED_EXACTLY]:
                for code in self._exact(cell, z, norm):
                    self.add(code)

    def _deviations(self, cell: Cell) -> tuple[np.ndarray, np.ndarray, float]:
        """Return C and x - c in a unit that suits floats."""
        unit = max([Fraction(1, 10**30), *(max(map(abs, row)) for row, _ in cell.outputs)])
        matrix = np.array([[float(v / unit) for v in row] for row, _ in cell.outputs])
        target = np.array([_float((x - c) / unit) for (_, c), x in zip(cell.outputs, self.x, strict=True)])
        return matrix, target, float(unit)

    def _nearest(self, cell: Cell, matrix: np.ndarray, target: np.ndarray, norm: str, unit: float = 1.0) -> np.ndarray:
        if not np.isfinite(target).all() or np.abs(target).max() > 1e15:
            return cell.inside
        if norm == "2":
            return self._least_squares(cell, matrix, target)
        if norm.startswith("huber"):
            delta = float(norm.partition(":")[2]) / unit
            return self._huber(cell, matrix, target, delta, self._least_squares(cell, matrix, target))
        m, k = matrix.shape
        extra = 1 if norm == "inf" else m
        spread = np.ones((m, 1)) if norm == "inf" else np.eye(m)
        rows = np.block([[matrix, -spread], [-matrix, -spread], [cell.rows, np.zeros((len(cell.rows), extra))]])
        found = self._linear(np.r_[np.zeros(k), np.ones(extra)], rows, np.r_[target, -target, cell.right], extra)
        return cell.inside if found is None else found[:k]

    def _least_squares(self, cell, matrix, target) -> np.ndarray:
        free = np.linalg.lstsq(matrix, target, rcond=None)[0]
        if (cell.rows @ free <= cell.right).all() and (free >= self.lower).all() and (free <= self.upper).all():
            return free
        return self._smooth(
            cell,
            cell.inside,
            lambda z: float(np.sum((matrix @ z - target) ** 2)),
            lambda z: 2.0 * matrix.T @ (matrix @ z - target),
        )

    def _huber(self, cell, matrix, target, delta: float, start: np.ndarray) -> np.ndarray:
        def cost(z: np.ndarray) -> float:
            r = np.abs(matrix @ z - target)
            return float(np.where(r <= delta, r * r, delta * (2.0 * r - delta)).sum())

        slope = lambda z: 2.0 * matrix.T @ np.clip(matrix @ z - target, -delta, delta)  # noqa: E731
        # Where squares mean nothing beside absolute values, from the best of these.
        starts = start, self._nearest(cell, matrix, target, "1")
        ends = [*starts, *(self._smooth(cell, z, cost, slope) for z in starts)]
        return min(ends, key=cost)

    def _smooth(self, cell, start, cost, slope) -> np.ndarray:
        found = minimize(
            cost,
            start,
            jac=slope,
            method="SLSQP",
            bounds=[(self.lower, self.upper)] * len(start),
            constraints=[{"type": "ineq", "fun": lambda z: cell.right - cell.rows @ z, "jac": lambda z: -cell.rows}]
            if len(cell.rows)
            else [],
            options={"ftol": 1e-15, "maxiter": 200},
        )
        return found.x if np.isfinite(found.x).all() else cell.inside

    def _exact(self, cell: Cell, z: np.ndarray, norm: str) -> Iterator[list[Fraction]]:
        """Yield codes at which the rows that are nearly tight are tight exactly."""
        k, one, none = len(z), Fraction(1), Fraction(0)
        code = [Fraction(v) for v in z.tolist()]
        planes: list[tuple[list[Fraction], Fraction]] = []
        last = [none] if norm == "inf" else []
        for row, constant in cell.exact:
            planes.append(([*row, *last], -constant))
        planes += [([*row, *last], limit) for row, limit in self._walls(k)]
        if norm == "inf":
            code.append(max(abs(_value(output, code) - x) for output, x in zip(cell.outputs, self.x, strict=True)))
        for (row, constant), x in zip(cell.outputs, self.x, strict=True):
            if norm == "inf":
                planes += [([*row, -one], x - constant), ([*row, one], x - constant)]
            else:
                planes.append((row, x - constant))

        solved = solve_tight(sorted(planes, key=lambda plane: _distance(plane, code)), len(code))
        if solved is not None:
            yield solved[:k]

    def _walls(self, k: int) -> list[tuple[list[Fraction], Fraction]]:
        """Return the box as planes."""
        axes = [[Fraction(int(i == j)) for j in range(k)] for i in range(k)]
        return [(axis, Fraction(end)) for axis in axes for end in (self.lower, self.upper)]

    # ---- the set of codes that are near enough

    def farthest(self, norm: object, level: float) -> None:
        """Put in the codes that reach farthest along the axes, of those within a level (p = inf, 1)."""
        if str(norm) not in ("inf", "1"):
            return
        for cell in self.cells:
            matrix, target, unit = self._deviations(cell)
            m, k = matrix.shape
            near = self._nearest(cell, matrix, target, str(norm))
            if np.abs(matrix @ near - target).max() * unit > level:
                continue
            extra = 0 if str(norm) == "inf" else m
            if extra:
                rows = np.block(
                    [[matrix, -np.eye(m)], [-matrix, -np.eye(m)], [cell.rows, np.zeros((len(cell.rows), m))]]
                )
                rows = np.vstack([rows, np.r_[np.zeros(k), np.ones(m)]])
                right = np.r_[target, -target, cell.right, level / unit]
            else:
                rows = np.vstack([matrix, -matrix, cell.rows])
                right = np.r_[target + level / unit, level / unit - target, cell.right]
            for axis in (*np.eye(k), *-np.eye(k)):
                found = self._linear(np.r_[-axis, np.zeros(extra)], rows, right, extra)
                if found is not None:
                    for step in (1.0, 1.0 - 1e-9, 1.0 - 1e-6):
                        self.add(np.clip(near + step * (found[:k] - near), self.lower, self.upper).tolist())

    def parts(self, tol: float, slack: float) -> list[Part]:
        """Return the parts of the pre-image, one a cell, whose rows may be missed by `slack`."""
        found = []
        for cell in self.cells:
            rows, right, possible = [*cell.rows], [*cell.right], True
            for (row, constant), x in zip(cell.outputs, self.x, strict=True):
                size = max(map(abs, row))
                if size == 0:
                    possible &= abs(constant - x) <= Fraction(tol) + Fraction(slack) * Fraction(self.scale)
                    continue
                a, b = np.array([float(v / size) for v in row]), _float((x - constant) / size)
                room = _float(Fraction(tol) / size)
                rows, right = [*rows, a, -a], [*right, b + room, room - b]
            if not possible:
                continue
            part = self._part(np.array(rows).reshape(-1, self.case.net.n_in), np.array(right), slack)
            if part is not None:
                level = Fraction(tol)
                planes = [(row, -constant) for row, constant in cell.exact]
                for (row, constant), x in zip(cell.outputs, self.x, strict=True):
                    planes += [(row, x - constant + room) for room in ({level, -level})]
                found.append(replace(part, planes=tuple(planes)))
        return found

    def point_of(self, part: Part) -> Known:
        """Return the better one of a part's point and of that at which its tight rows are tight exactly."""
        code = [Fraction(v) for v in part.point.tolist()]
        found = [self.add(np.clip(part.point, self.lower, self.upper).tolist())]
        planes = [*part.planes, *self._walls(len(code))]
        solved = solve_tight(sorted(planes, key=lambda plane: _distance(plane, code)), len(code))
        if solved is not None:
            found.append(self.add(solved))
        return min(found, key=lambda known: (not known.in_box, known.inf))

    def spread(self, parts: list[Part]) -> float:
        """Return how wide the parts are together, along the axes."""
        widest = 0.0
        for axis in np.eye(self.case.net.n_in):
            ends = [
                self._linear(sign * axis, part.rows, part.right + part.missed) for part in parts for sign in (1.0, -1.0)
            ]
            values = [float(axis @ end) for end in ends if end is not None]
            widest = max(widest, max(values, default=0.0) - min(values, default=0.0))
        return widest

    def _part(self, rows, right, slack) -> Part | None:
        wide = np.hstack([rows, -np.ones((len(rows), 1))])
        found = self._linear(np.r_[np.zeros(rows.shape[1]), 1.0], wide, right, 1)
        return Part(rows, right, found[:-1], found[-1]) if found is not None and found[-1] <= slack else None

    def components(self, parts: list[Part], slack: float) -> int:
        """Return the number of connected components, where parts that come within `slack` of each other meet."""
        of = list(range(len(parts)))

        def root(i: int) -> int:
            while of[i] != i:
                i = of[i]
            return i

        for i, first in enumerate(parts):
            for j in range(i):
                if root(i) != root(j):
                    rows, right = np.vstack([first.rows, parts[j].rows]), np.r_[first.right, parts[j].right]
                    if self._part(rows, right, slack) is not None:
                        of[root(i)] = root(j)
        return len({root(i) for i in range(len(parts))})


@dataclass(frozen=True, eq=False)
class Part:
    """``rows z <= right``, of entries of at most 1; a point of it, and by how much that misses a row."""

    rows: np.ndarray
    right: np.ndarray
    point: np.ndarray
    missed: float
    planes: tuple[Any, ...] = ()


def _combined(weights, h: list[Row], bias: Fraction) -> Row:
    row = [Fraction(0)] * len(h[0][0])
    constant = bias
    for w, (entries, offset) in zip(weights, h, strict=True):
        if w:
            row = [r + w * e for r, e in zip(row, entries, strict=True)]
            constant += w * offset
    return row, constant


def _value(row: Row, z) -> Fraction:
    return sum((a * b for a, b in zip(row[0], z, strict=False)), row[1])


def _distance(plane: tuple[list[Fraction], Fraction], point: Sequence[Fraction]) -> Fraction:
    """Return by how much a point misses a plane, in the plane's own size; much where that is no plane."""
    row, limit = plane
    size = max(map(abs, row))
    missed = abs(sum((a * b for a, b in zip(row, point, strict=True)), -limit))
    return missed / size if size else Fraction(10**9)


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else -float("inf")


def solve_tight(planes: Sequence[tuple[list[Fraction], Fraction]], size: int) -> list[Fraction] | None:
    """Return the point where the first `size` independent planes meet."""
    done: dict[int, list[Fraction]] = {}
    for row, limit in planes:
        _eliminate(done, [*row, limit], size)
        if len(done) == size:
            return [done[place][-1] for place in range(size)]
    return None


def null_directions(rows: list[list[Fraction]], size: int) -> list[list[Fraction]]:
    """Return a basis of the directions along which no row changes."""
    done: dict[int, list[Fraction]] = {}
    for row in rows:
        _eliminate(done, row, size)
    found = []
    for free in sorted(set(range(size)) - done.keys()):
        direction = [Fraction(int(i == free)) for i in range(size)]
        for place, row in done.items():
            direction[place] = -row[free]
        found.append(direction)
    return found


def _eliminate(done: dict[int, list[Fraction]], row: Sequence[Fraction], size: int) -> None:
    """Put a row, with whatever follows its `size` entries, among rows that are reduced, by their pivots."""
    left = list(row)
    for place, other in done.items():
        left = _less(left, left[place], other)
    pivot = next((i for i in range(size) if left[i]), None)
    if pivot is not None:
        unit = [v / left[pivot] for v in left]
        for place, other in done.items():
            done[place] = _less(other, other[pivot], unit)
        done[pivot] = unit


def _less(row: list[Fraction], factor: Fraction, other: list[Fraction]) -> list[Fraction]:
    return [a - factor * b for a, b in zip(row, other, strict=True)] if factor else row
