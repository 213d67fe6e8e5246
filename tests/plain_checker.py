"""A second checker of certificates, by the definition: plain fractions, nothing rounded, no integers, no shortcuts."""

from __future__ import annotations

from fractions import Fraction


class CrossedError(Exception):
    """Bounds cross."""


def proves(certificate):
    """Whether a certificate, well-formed, proves its bound."""
    layers = [
        (
            [list(map(Fraction, row)) for row in e["weight"]],
            list(map(Fraction, e["bias"])),
            list(map(Fraction, e["slopes"])),
        )
        for e in certificate["network"]
    ]
    subject = (layers, list(map(Fraction, certificate["observation"])), Fraction(certificate["bound"]))
    box = list(zip(map(Fraction, certificate["box"][0]), map(Fraction, certificate["box"][1]), strict=True))
    bounds = {(0, j): ends for j, ends in enumerate(box)}
    norm = certificate["norm"]
    try:
        _propagate(layers, bounds)
        _observe(subject, bounds)
        for facts in certificate["facts"]:
            _propagate(layers, bounds)
            for fact in facts:
                place, sign = (fact["layer"], fact["neuron"]), 1 if fact["side"] == "lower" else -1
                _learn(bounds, place, sign, _least(subject, norm, bounds, fact, (place, sign)))
        _propagate(layers, bounds)
        return _is_closed(subject, norm, bounds, certificate["tree"])
    except CrossedError:
        return True


def _is_closed(subject, norm, bounds, node):
    if "on" not in node and "off" not in node:
        value = _least(subject, norm, bounds, node, None)
        return value > 0 or (value == 0 and any(node["output"]))
    for side, sign in (("on", 1), ("off", -1)):
        within = dict(bounds)
        try:
            _learn(within, (node["layer"], node["neuron"]), sign, Fraction(0))
            _propagate(subject[0], within)
        except CrossedError:
            continue
        if side not in node or not _is_closed(subject, norm, within, node[side]):
            return False
    return True


def _learn(bounds, place, sign, value):
    low, high = bounds[place]
    bounds[place] = (max(low, value), high) if sign > 0 else (low, min(high, -value))
    if bounds[place][0] > bounds[place][1]:
        raise CrossedError


def _propagate(layers, bounds):
    for i, (weight, bias, _) in enumerate(layers, 1):
        size = len(weight[0])
        ends = [bounds[i - 1, j] for j in range(size)]
        if i > 1:
            before = layers[i - 2][2]
            ends = [tuple(max(t, s * t) for t in end) for end, s in zip(ends, before, strict=True)]
        for j, (row, b) in enumerate(zip(weight, bias, strict=True)):
            low = b + sum(min(w * one, w * two) for w, (one, two) in zip(row, ends, strict=True))
            high = b + sum(max(w * one, w * two) for w, (one, two) in zip(row, ends, strict=True))
            known = bounds.get((i, j), (low, high))
            bounds[i, j] = (max(low, known[0]), min(high, known[1]))
            if bounds[i, j][0] > bounds[i, j][1]:
                raise CrossedError


def _observe(subject, bounds):
    """Bound the last pre-activations, whose outputs are within the bound of x."""
    layers, x, most = subject
    last = len(layers)
    for j, (target, slope) in enumerate(zip(x, layers[-1][2], strict=True)):
        for sign, value in ((1, target - most), (-1, target + most)):
            if value > 0 or (value == 0 and (sign < 0 or slope > 0)):
                _learn(bounds, (last, j), sign, sign * value)
            elif slope > 0:
                _learn(bounds, (last, j), sign, sign * value / slope)
            elif sign < 0:
                raise CrossedError


def _least(subject, norm, bounds, node, target):
    """Bound ``target + a.|phi - x| - most ||a||*`` below, term by term."""
    layers, x, most = subject
    a = list(map(Fraction, node["output"]))
    total = -most * (max(abs(v) for v in a) if norm == "1" else sum(abs(v) for v in a))
    deviations, passed = dict(enumerate(a)), {}
    for i in range(len(layers), 0, -1):
        weight, bias, slopes = layers[i - 1]
        nu = list(map(Fraction, node["rows"][i - 1]))
        for j, v in enumerate(nu):
            low, high = bounds[i, j]
            slope = slopes[j]
            own = v - (target[1] if target and target[0] == (i, j) else 0)
            points = {low, high, min(max(Fraction(0), low), high)}
            if i == len(layers):
                bends = [x[j], x[j] / slope] if slope else [x[j]]
                points |= {min(max(t, low), high) for t in bends}
                costs = [deviations[j] * abs(max(t, slope * t) - x[j]) - own * t for t in points]
            else:
                costs = [passed[j] * max(t, slope * t) - own * t for t in points]
            total += min(costs) + v * bias[j]
        passed = {i_: sum(v * row[i_] for v, row in zip(nu, weight, strict=True)) for i_ in range(len(weight[0]))}
    for j, v in passed.items():
        low, high = bounds[0, j]
        own = v + (target[1] if target and target[0] == (0, j) else 0)
        total += min(own * low, own * high)
    return total
