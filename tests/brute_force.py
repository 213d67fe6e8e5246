"""The exact optimum of a tiny inversion, by all activation patterns: shares no code with the package's models."""

import itertools

import numpy as np
from scipy.optimize import linprog, minimize


def optimum(net, x, norm, lower, upper, matrix=None, met=None):
    """Return min ||A G(z) - x|| over the box, by one convex program for each activation pattern.

    Parameters
    ----------
    met : (array of bool, array, float), optional
        Outputs that must be, up to a number, what the array says.
    """
    matrix = np.eye(net.n_out) if matrix is None else np.asarray(matrix, dtype=float)
    lower, upper = np.broadcast_to(lower, net.n_in), np.broadcast_to(upper, net.n_in)
    best = np.inf
    for affine, offset, rows, right in cells(net, met):
        slack = right + 1e-9
        best = min(best, _cell_optimum(matrix @ affine, matrix @ offset - x, rows, slack, norm, lower, upper))
    return best


def cells(net, met=None):
    """Yield (C, c, R, r) for every pattern: G(z) = C z + c where R z <= r, and in `met` of :func:`optimum`."""
    which, target, within = (np.zeros(net.n_out, dtype=bool), np.zeros(net.n_out), 0.0) if met is None else met
    # Of all neurons, linear ones have one choice.
    choices = [[(True,) if s == 1.0 else (True, False) for s in layer.activation.slope] for layer in net]
    for pattern in itertools.product(*(itertools.product(*choice) for choice in choices)):
        affine, offset = np.eye(net.n_in), np.zeros(net.n_in)
        rows, right = [], []
        for layer, signs in zip(net, pattern, strict=True):
            on = np.array(signs)
            affine, offset = layer.weight @ affine, layer.weight @ offset + layer.bias
            sign, bent = np.where(on, -1.0, 1.0), layer.activation.slope < 1.0
            rows.append((sign[:, None] * affine)[bent])
            right.append((-sign * offset)[bent])
            gain = np.where(on, 1.0, layer.activation.slope)
            affine, offset = gain[:, None] * affine, gain * offset
        held, missed = affine[which], (target - offset)[which]
        yield (
            affine,
            offset,
            np.vstack([*rows, held, -held]),
            np.concatenate([*right, missed + within, within - missed]),
        )


def _cell_optimum(affine, offset, rows, right, norm, lower, upper):
    k, m = affine.shape[1], len(offset)
    bounds = list(zip(lower, upper, strict=True))
    inside = linprog(np.zeros(k), A_ub=rows, b_ub=right, bounds=bounds)
    if inside.status == 2:
        return np.inf
    assert inside.status == 0, inside.message
    if norm == 2:
        return _least_squares(affine, offset, rows, right, bounds, inside.x)
    extra = 1 if norm == "inf" else m
    spread = np.ones((m, 1)) if norm == "inf" else np.eye(m)
    matrix = np.block([[affine, -spread], [-affine, -spread], [rows, np.zeros((len(rows), extra))]])
    found = linprog(
        np.r_[np.zeros(k), np.ones(extra)],
        A_ub=matrix,
        b_ub=np.r_[-offset, offset, right],
        bounds=bounds + [(0, None)] * extra,
    )
    assert found.status == 0, found.message
    return found.fun


def _least_squares(affine, offset, rows, right, bounds, start):
    found = minimize(
        lambda z: np.sum((affine @ z + offset) ** 2),
        start,
        jac=lambda z: 2.0 * affine.T @ (affine @ z + offset),
        method="SLSQP",
        bounds=bounds,
        constraints=[{"type": "ineq", "fun": lambda z: right - rows @ z, "jac": lambda z: -rows}],
        options={"ftol": 1e-15, "maxiter": 500},
    )
    feasible = (rows @ found.x <= right + 1e-7).all()
    return np.sqrt(found.fun) if feasible else np.inf


def huber_optimum(net, x, delta, lower, upper, matrix=None, met=None):
    """Return the root of twice the least sum of Huber's function, by one convex program for each pattern."""
    matrix, best = np.eye(net.n_out) if matrix is None else matrix, np.inf
    for affine, offset, rows, right in cells(net, met):
        bounds = [(lower, upper)] * net.n_in
        inside = linprog(np.zeros(net.n_in), A_ub=rows, b_ub=right + 1e-9, bounds=bounds)
        if inside.status == 0:
            found = _huber(matrix @ affine, matrix @ offset - x, rows, right + 1e-9, bounds, delta)
            best = min(best, found)
    return best


def _huber(affine, offset, rows, right, bounds, delta):
    """Minimise over the code, the small parts and the excesses of the deviations: a quadratic program."""
    (m, k), eye = affine.shape, np.eye(len(offset))
    none = np.zeros((len(rows), m))
    sides = np.block([[rows, none, none], [affine, -eye, -eye], [-affine, -eye, -eye]])
    limits = np.r_[right, -offset, offset]
    start = linprog(
        np.r_[np.zeros(k), np.ones(2 * m)],
        A_ub=sides,
        b_ub=limits,
        bounds=[*bounds, *[(0, delta)] * m, *[(0, None)] * m],
    )
    assert start.status == 0, start.message
    cost = np.r_[np.zeros(k + m), np.full(m, 2.0 * delta)]
    square = np.r_[np.zeros(k), np.ones(m), np.zeros(m)]
    found = minimize(
        lambda v: square @ (v * v) + cost @ v,
        start.x,
        jac=lambda v: 2.0 * square * v + cost,
        method="SLSQP",
        bounds=[*bounds, *[(0, delta)] * m, *[(0, None)] * m],
        constraints=[{"type": "ineq", "fun": lambda v: limits - sides @ v, "jac": lambda v: -sides}],
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return np.sqrt(found.fun) if (sides @ found.x <= limits + 1e-7).all() else np.inf
