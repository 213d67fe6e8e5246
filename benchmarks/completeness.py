"""Is what `preimage` says of itself true? Complete, components, convexity, uniqueness, against a brute force.

    python benchmarks/completeness.py --networks 20000

Random networks of several shapes, slopes and biases, with a code that is the truth, often exactly on kinks, so that
pre-activations of zero abound. The brute force shares no code with the package: for every activation pattern of the
hidden layers, the codes that meet the observation are a polytope, and SciPy's LPs tell its least violation, its
extents, and whether two of them meet. Between NOTHING and MUCH a number is not told from zero, and no claim is judged.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter

import networkx as nx
import numpy as np
from scipy.optimize import linprog

import pyomo_relu as pr

NOTHING, MUCH = 1e-10, 1e-5
HALF = 2.0
DUST, ROUNDING = 1e-9, 1e-14
SHARP = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}

SHAPES = {
    "2-5-3": ((2, 5, 3), 0.0),
    "2-6-3": ((2, 6, 3), 0.0),
    "2-6": ((2, 6), 0.0),
    "3-5-4": ((3, 5, 4), 0.0),
    "2-4-3, leaky": ((2, 4, 3), 0.1),
    "2-5-2, linear last": ((2, 5, 2), (0.0, 1.0)),
    "2-3-3-2, leaky within": ((2, 3, 3, 2), (0.0, 0.3, 0.0)),
    "1-5-3": ((1, 5, 3), 0.0),
}
KINDS = ("plain", "on kinks", "near twins", "integers", "tiny weights")


def draw(shape, kind, seed):
    """Return a network and a code."""
    sizes, slopes = SHAPES[shape]
    rng = np.random.default_rng([seed, list(SHAPES).index(shape), KINDS.index(kind)])
    z = rng.uniform(-1.0, 1.0, sizes[0])
    if kind == "integers":
        weights = [rng.integers(-2, 3, (m, n)).astype(float) for n, m in itertools.pairwise(sizes)]
        biases = [rng.integers(-1, 2, m).astype(float) for m in sizes[1:]]
        return pr.Network.from_arrays(weights, biases, slopes), np.round(z)
    weights = [rng.normal(size=(m, n)) for n, m in itertools.pairwise(sizes)]
    biases = [rng.normal(size=m) for m in sizes[1:]]
    if kind == "near twins":
        for weight, bias in zip(weights, biases, strict=True):
            weight[-1] = weight[0] * (1.0 + 1e-8 * rng.normal(size=weight.shape[1]))
            bias[-1] = bias[0]
    if kind == "tiny weights":
        for weight in weights:
            weight[rng.random(weight.shape) < 0.3] *= 10.0 ** rng.integers(-12, -6)
    if kind == "on kinks":
        h, per_layer = z, np.broadcast_to(slopes, len(weights))
        for weight, bias, slope in zip(weights, biases, per_layer, strict=True):
            on_kink = rng.random(len(bias)) < 0.4
            bias[on_kink] = -(h @ weight.T)[on_kink]
            t = h @ weight.T + bias
            h = np.maximum(t, slope * t)
    return pr.Network.from_arrays(weights, biases, slopes), z


class Piece:
    """The codes of one pattern of the hidden layers that meet the observation: ``rows z <= limits``, of length 1."""

    def __init__(self, rows, limits):
        lengths = np.linalg.norm(rows, axis=1)
        kept = lengths > 0.0
        self.least = float(np.max(-limits[~kept], initial=0.0))
        self.rows, self.limits = rows[kept] / lengths[kept, None], limits[kept] / lengths[kept]

    def violation(self, other=None):
        """Return the least violation of any row, and the code that has it."""
        rows = self.rows if other is None else np.vstack([self.rows, other.rows])
        limits = self.limits if other is None else np.concatenate([self.limits, other.limits])
        k = rows.shape[1]
        cost, matrix = np.append(np.zeros(k), 1.0), np.column_stack([rows, -np.ones(len(rows))])
        bounds = [(-HALF, HALF)] * k + [(0.0, None)]
        found = linprog(cost, matrix, limits, bounds=bounds, options=SHARP)
        if found.status != 0:  # too sharp for it
            found = linprog(cost, matrix, limits, bounds=bounds)
        return max(self.least, found.fun), found.x[:k]

    def range_of(self, direction, room=NOTHING):
        bounds, limits = [(-HALF, HALF)] * len(direction), self.limits + room
        ends = [linprog(sign * direction, self.rows, limits, bounds=bounds, options=SHARP) for sign in (1.0, -1.0)]
        return (ends[0].fun, -ends[1].fun) if all(end.status == 0 for end in ends) else None

    def includes(self, other):
        ranges = [other.range_of(row) for row in self.rows]
        return all(r is not None and r[1] <= limit + 1e-8 for r, limit in zip(ranges, self.limits, strict=True))


def pieces_of(net, x, tol):
    """Return the pieces that may hold codes, with their violations and codes."""
    *hidden, last = net
    found = []
    signs = [(True, False) if layer.slope < 1.0 else (True,) for layer in hidden]
    choices = [itertools.product(on, repeat=layer.n_out) for on, layer in zip(signs, hidden, strict=True)]
    low, high = x - tol, x + tol
    if last.slope == 0.0:
        low = np.where(low > 0.0, low, -np.inf)
    elif last.slope < 1.0:
        low, high = (np.where(end > 0.0, end, end / last.slope) for end in (low, high))
    for pattern in itertools.product(*choices):
        matrix, offset, rows, limits = np.eye(net.n_in), np.zeros(net.n_in), [], []
        for layer, on in zip(hidden, map(np.array, pattern), strict=True):
            matrix, offset = layer.weight @ matrix, layer.weight @ offset + layer.bias
            sign = np.where(on, -1.0, 1.0)
            if layer.slope < 1.0:
                rows.append(sign[:, None] * matrix)
                limits.append(-sign * offset)
            gain = np.where(on, 1.0, layer.slope)
            matrix, offset = gain[:, None] * matrix, gain * offset
        matrix, offset = last.weight @ matrix, last.weight @ offset + last.bias
        rows += [matrix, -matrix]
        limits += [high - offset, offset - low]
        every, most = np.vstack(rows), np.concatenate(limits)
        every, most = every[np.isfinite(most)], most[np.isfinite(most)]
        if (-HALF * np.abs(every).sum(axis=1) > most + MUCH).any():
            continue
        piece = Piece(every, most)
        missed, code = piece.violation()
        if missed <= MUCH:
            found.append((piece, missed, code))
    return found


def judged(net, z, tol, found):
    """Return (claim, whether it is true) for what can be told.

    Claims are about codes that meet x up to a billionth: what is true of those is true.
    """
    verdicts = dict(_judged(net, z, tol, found))
    if not all(verdicts.values()):
        wider = dict(_judged(net, z, tol, found, DUST * max(1.0, float(np.abs(net(z)).max()))))
        verdicts = {name: is_true or wider.get(name, False) for name, is_true in verdicts.items()}
    return list(verdicts.items())


def _judged(net, z, tol, found, dust=0.0):
    x = net(z)
    if found.complete:
        yield "complete: the truth", found.contains(z)

    def meets(missed, code):
        """Whether there is a code: an LP's may miss x by its tolerance, and is one if it misses x by rounding."""
        rounding = dust + ROUNDING * max(1.0, float(np.abs(x).max()))
        return missed <= NOTHING and float(np.abs(net(code) - x).max()) <= tol + rounding

    near = pieces_of(net, x, tol + dust)
    pieces = [piece for piece in near if meets(*piece[1:])]
    codes, sure = [code for _, _, code in pieces], len(pieces) == len(near)
    if found.complete:
        yield "complete: a code of every piece", all(_near(found, code) for code in codes)
    graph = nx.empty_graph(len(pieces))
    for (i, one), (j, two) in itertools.combinations(enumerate(pieces), 2):
        if not nx.has_path(graph, i, j):
            both = one[0].violation(two[0])
            if meets(*both):
                graph.add_edge(i, j)
            elif both[0] <= MUCH:
                sure = False
    if found.complete and found.n_components is not None and sure:
        yield "components", found.n_components == nx.number_connected_components(graph)
    middles = [(a + b) / 2.0 for a, b in itertools.combinations(codes, 2)]
    missed = max((float(np.abs(net(m) - x).max()) - tol for m in middles), default=0.0)
    if found.convex:
        yield "convex", missed <= MUCH and (not sure or nx.number_connected_components(graph) <= 1)
    elif found.convex is False and sure:
        yield (
            "not convex",
            not any(all(piece is other or piece.includes(other) for other, _, _ in pieces) for piece, _, _ in pieces),
        )
    if found.unique is not None and pieces:
        ranges = [[piece.range_of(axis) for piece, _, _ in pieces] for axis in np.eye(net.n_in)]
        known = [[r for r in part if r is not None] for part in ranges]
        width = max((max(r[1] for r in part) - min(r[0] for r in part) for part in known if part), default=0.0)
        if found.unique:
            yield "unique", width <= 1e-4
        elif sure:
            yield "not unique", width > 1e-8 or _has_two_codes(net, x, tol, found)


def _near(found, code):
    return found.contains(code) or any(cell.contains(code, 1e-6) for cell in found.cells)


def _has_two_codes(net, x, tol, found):
    """Whether two codes of cells that are not near to each other meet x up to a billionth."""
    codes = np.vstack([cell.vertices for cell in found.cells if cell.is_bounded])
    meeting = codes[np.abs(net(codes) - x).max(axis=1) <= tol + DUST * max(1.0, float(np.abs(x).max()))]
    return len(meeting) > 1 and float(np.ptp(meeting, axis=0).max()) > 1e-8


def trial(shape, kind, tol, seed):
    """Return what was claimed, what of it was false, and the seconds that it took."""
    net, z = draw(shape, kind, seed)
    started = time.process_time()
    found = pr.preimage(net, net(z), (-HALF, HALF), tol)
    seconds = time.process_time() - started
    verdicts = list(judged(net, z, tol, found))
    said = {
        "complete": found.complete,
        "components told": found.n_components is not None,
        "convexity told": found.convex is not None,
        "uniqueness told": found.unique is not None,
    }
    return said, verdicts, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    told, claims, false, times, networks = Counter(), Counter(), [], [], Counter()
    cases = itertools.cycle(itertools.product(SHAPES, KINDS, (0.0, 0.1)))
    for number, (shape, kind, tol) in zip(range(arguments.networks), cases, strict=False):
        seed = arguments.seed + number // (len(SHAPES) * len(KINDS) * 2)
        said, verdicts, seconds = trial(shape, kind, tol, seed)
        networks[kind] += 1
        times.append(seconds)
        told.update((kind, name) for name, is_told in said.items() if is_told)
        claims.update(name for name, _ in verdicts)
        for name, is_true in verdicts:
            if not is_true:
                false.append((name, shape, kind, tol, seed))
                print("FALSE", *false[-1], flush=True)
    names = ("complete", "components told", "convexity told", "uniqueness told")
    print("| kind | networks |", " | ".join(names), "|")
    for kind, count in networks.items():
        print(f"| {kind} | {count} |", " | ".join(str(told[kind, name]) for name in names), "|")
    print("claims judged:", dict(claims), "false:", len(false), f"median {np.median(times):.4f} s a call")


if __name__ == "__main__":
    main()
