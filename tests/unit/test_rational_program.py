"""The rational MILP in a file, read again in fractions: codes are feasible, its optimum is that of the inversion."""

from __future__ import annotations

import re
from fractions import Fraction

import brute_force
import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from tiny_networks import NETWORKS, observation

import pyomo_relu as pr
from pyomo_relu.certified.rational_program import rational_program, write_rational_program
from pyomo_relu.rational import residual

TERM = re.compile(r"([+-]?) ?([0-9]+(?:/[0-9]+)?) (\w+)")


def read(text):
    """Return objective names, rows of (terms, sense, right), bounds and binaries of an LP file, in fractions."""
    part, objective, rows, bounds, binary = None, [], [], {}, []
    for line in text.splitlines():
        if not line.startswith(" "):
            part = line
        elif part == "minimize":
            objective.append(line.split()[-1])
        elif part == "subject to":
            left, sense, right = re.fullmatch(r" (.+) (<=|>=|=) (-?[0-9/]+)", line).groups()
            terms = [(Fraction(sign + value), name) for sign, value, name in TERM.findall(left)]
            assert " ".join(left.split()) == left
            rows.append((terms, sense, Fraction(right)))
        elif part == "bounds" and "free" not in line:
            low, name, high = re.fullmatch(r" (-?[0-9/]+) <= (\w+) <= (-?[0-9/]+)", line).groups()
            bounds[name] = (Fraction(low), Fraction(high))
        elif part == "bounds":
            bounds[line.split()[0]] = (-np.inf, np.inf)
        else:
            binary.append(line.strip())
    return objective, rows, bounds, binary


def values_of(net, z, x, norm, objective):
    """Return what the variables are at a code, in fractions."""
    found = {f"z_{j}": v for j, v in enumerate(z)}
    h = list(z)
    for i, layer in enumerate(net, 1):
        t = [
            sum((Fraction(w) * v for w, v in zip(row, h, strict=True)), Fraction(b))
            for row, b in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
        ]
        h = [max(v, Fraction(s) * v) for v, s in zip(t, layer.activation.slope.tolist(), strict=True)]
        for j, (one, two) in enumerate(zip(t, h, strict=True)):
            found |= {f"t_{i}_{j}": one, f"h_{i}_{j}": two, f"d_{i}_{j}": Fraction(one > 0)}
    misses = [abs(v - Fraction(target)) for v, target in zip(h, x.tolist(), strict=True)]
    return found | ({"e": max(misses)} if norm == "inf" else dict(zip(objective, misses, strict=True)))


@pytest.mark.parametrize("norm", ["inf", 1])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_code_is_feasible_in_it_without_rounding(name, norm):
    net, x = NETWORKS[name], observation(name)
    objective, rows, _, _ = read(rational_program(net, x, (-2, 2), norm))
    rng = np.random.default_rng(0)
    for _ in range(20):
        z = [Fraction(int(v), 97) for v in rng.integers(-194, 195, net.n_in)]
        values = values_of(net, z, x, norm, objective)
        for terms, sense, right in rows:
            left = sum(factor * values[name] for factor, name in terms)
            assert {"<=": left <= right, ">=": left >= right, "=": left == right}[sense]
        assert sum(values[e] for e in objective) == residual(net, z, x.tolist(), norm)


@pytest.mark.parametrize("norm", ["inf", 1])
@pytest.mark.parametrize("name", NETWORKS)
def test_its_optimum_is_that_of_the_inversion(name, norm):
    net, x = NETWORKS[name], observation(name)
    objective, rows, bounds, binary = read(rational_program(net, x, (-2, 2), norm))
    names = sorted({name for terms, _, _ in rows for _, name in terms} | set(bounds))
    index = {name: i for i, name in enumerate(names)}
    matrix, low, high = np.zeros((len(rows), len(names))), np.full(len(rows), -np.inf), np.full(len(rows), np.inf)
    for line, (terms, sense, right) in enumerate(rows):
        for factor, variable in terms:
            matrix[line, index[variable]] += float(factor)
        if sense != "<=":
            low[line] = float(right)
        if sense != ">=":
            high[line] = float(right)
    ends = [(0, 1) if n in binary else bounds.get(n, (0, np.inf)) for n in names]
    found = milp(
        np.array([float(n in objective) for n in names]),
        constraints=LinearConstraint(matrix, low, high),
        bounds=Bounds([float(a) for a, _ in ends], [float(b) for _, b in ends]),
        integrality=np.array([n in binary for n in names], dtype=int),
    )
    assert found.status == 0
    assert found.fun == pytest.approx(brute_force.optimum(net, x, norm, -2.0, 2.0), abs=1e-6)


def test_it_is_written_whole(tmp_path):
    net = NETWORKS["absolute value"]
    write_rational_program(tmp_path / "program.lp", net, [0.1], (-1, 1), 1)
    assert (tmp_path / "program.lp").read_text() == rational_program(net, [0.1], (-1, 1), 1) + "\n"
    assert str(Fraction(0.1)) in rational_program(net, [0.1], (-1, 1), 1)
    with pytest.raises(pr.InputError, match="box must be given, and bounded"):
        rational_program(net, [0.1], None)
