"""The coNP-hard family: the pre-image is convex iff the formula is unsatisfiable, and witnesses hold in Fractions."""

import itertools

import numpy as np
import pytest

from pyomo_relu import rational
from reductions import CNF, ConvexityFamily, ConvexityVerdict, DepthTwo, ThreeSat, check_preimage_convexity

INSTANCES, PARTS = 100, 10


def small_formula(seed):
    """Draw one to three variables and few clauses; about half of the formulas are satisfiable."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 4))
    clauses = []
    for _ in range(int(rng.integers(1, 4 * k))):
        variables = rng.choice(k, size=int(rng.integers(1, min(k, 2) + 1)), replace=False) + 1
        clauses.append(tuple(int(v) * int(rng.choice([-1, 1])) for v in variables))
    return CNF(k, tuple(clauses))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_the_pre_image_is_convex_iff_the_formula_is_unsatisfiable(part):
    verdicts = set()
    for seed in range(part, INSTANCES, PARTS):
        formula = small_formula(seed)
        satisfiable = any(formula.satisfied_by(a) for a in itertools.product([False, True], repeat=formula.n_variables))
        form = ("empty", "nonempty")[seed % 2]
        via = (ThreeSat(), DepthTwo("zero"))[seed // 2 % 2]
        instance = ConvexityFamily(form, via).reduce(formula)
        box = (-1, 2) if instance.box is None else instance.box
        found = check_preimage_convexity(instance.network, instance.observation, box)
        wanted = ConvexityVerdict.NONCONVEX if satisfiable else ConvexityVerdict.CONVEX
        assert found.verdict is wanted, (seed, formula, found)
        verdicts.add(wanted)
        if satisfiable:
            assert found.proved
            one, other = found.exact
            middle = [(a + b) / 2 for a, b in zip(one, other, strict=True)]
            assert rational.residual(instance.network, one, instance.observation) == 0
            assert rational.residual(instance.network, other, instance.observation) == 0
            assert rational.residual(instance.network, middle, instance.observation) > 0
    assert len(verdicts) == 2
