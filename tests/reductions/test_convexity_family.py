"""The pre-image is convex iff the formula is unsatisfiable: by counting models, and by midpoints."""

import itertools
from fractions import Fraction

import pytest

import pyomo_relu as pr
from pyomo_relu.rational import residual
from reductions import CNF, BiasFree, BoxForm, ConvexityFamily, DepthTwo, LeakyDepthTwo, ThreeSat, models


@pytest.mark.parametrize("via", [ThreeSat(), DepthTwo(), DepthTwo("one"), LeakyDepthTwo(), BoxForm()], ids=str)
@pytest.mark.parametrize("form", ["empty", "nonempty"])
def test_components_and_midpoints(form, via, formulas):
    reduction = ConvexityFamily(form, via)
    for cnf, table in formulas[:40]:
        instance = reduction.reduce(cnf)
        count = int(table.sum())
        codes = list(models(reduction.formula(cnf)))
        assert len(codes) == (2 * count if form == "empty" else 1 + count)
        for code in codes:
            assert residual(instance.network, code, instance.observation) == 0
        lifted = [reduction.lift(instance, code) for code in codes]
        assert sum(model is not None for model in lifted) >= len(codes) - 1
        assert all(model is None or cnf.satisfied_by(model) for model in lifted)
        # Two models differ in some variable, in which their midpoint is 1/2.
        for one, two in itertools.pairwise(codes):
            middle = [Fraction(a + b, 2) for a, b in zip(one, two, strict=True)]
            assert residual(instance.network, middle, instance.observation) > 0
        assert (instance.gap > 0) == (form == "empty")


def test_parameters_are_checked():
    with pytest.raises(pr.InputError, match="form must be"):
        ConvexityFamily("other")
    with pytest.raises(pr.InputError, match="via must be"):
        ConvexityFamily(via=BiasFree())
    instance = ConvexityFamily().reduce(CNF(1, ()))
    with pytest.raises(pr.ShapeError, match="code has 1 entries, expected 2"):
        ConvexityFamily().lift(instance, [0.0])
