"""Every reduction of formulas against brute force, exact rationals and its own theorem."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyomo_relu as pr
from pyomo_relu.rational import forward, residual
from reductions import (
    CNF,
    REDUCTIONS,
    BiasFree,
    BinaryCode,
    BoxForm,
    DepthTwo,
    LeakyDepthTwo,
    MaxSat,
    ThreeSat,
    obfuscate,
)

ALL = [
    *REDUCTIONS.values(),
    ThreeSat(norm=1),
    LeakyDepthTwo(0.75),
    LeakyDepthTwo(0.1),
]
EXACT_IN_FLOAT = [reduction for reduction in ALL if reduction != LeakyDepthTwo(0.1)]
SQUARE = CNF(2, [(1, 2), (-1, 2), (1, -2), (-1, -2)])
CUBE = CNF(3, [(a, 2 * b // abs(b), 3 * c) for a in (1, -1) for b in (1, -1) for c in (1, -1)])


def all_points(k):
    return np.array(np.meshgrid(*[[0.0, 1.0]] * k, indexing="ij")).reshape(k, -1).T


def as_codes(reduction, points):
    return np.column_stack((np.ones(len(points)), points)) if isinstance(reduction, BiasFree) else points


def residuals(instance, codes):
    return np.linalg.norm(
        instance.network(codes) - instance.observation, np.inf if instance.gap_norm == "inf" else 1, axis=1
    )


def exact_residual(instance, z):
    return residual(instance.network, z, instance.observation, instance.gap_norm)


@pytest.mark.parametrize("reduction", EXACT_IN_FLOAT, ids=str)
def test_binary_codes_meet_the_observation_iff_they_are_models(reduction, formulas):
    for cnf, models in formulas:
        instance = reduction.reduce(cnf)
        codes = as_codes(reduction, all_points(cnf.n_variables))
        # Weights and codes are small multiples of 1/16, so that float64 makes no rounding error.
        found = residuals(instance, codes)
        assert ((found == 0.0) == models).all(), cnf
        assert (found[~models] >= instance.gap).all(), cnf
        assert exact_residual(instance, codes[len(codes) // 3]) == Fraction(float(found[len(codes) // 3]))


@pytest.mark.slow
@pytest.mark.parametrize("reduction", ALL, ids=str)
def test_binary_codes_in_exact_rationals(reduction, formulas):
    for cnf, models in formulas:
        instance = reduction.reduce(cnf)
        for point, is_model in zip(all_points(cnf.n_variables), models, strict=True):
            z = as_codes(reduction, point[None])[0]
            exact = exact_residual(instance, z)
            assert (exact == 0) == is_model
            assert is_model or exact >= Fraction(instance.gap)
            lifted = reduction.lift(instance, z)
            expected = [bool(value) for value in point]
            assert lifted == (expected if is_model or isinstance(reduction, MaxSat) else None)


@st.composite
def formula_and_code(draw):
    """A formula, and a rational code, more often near a binary point than far from all."""
    k = draw(st.integers(1, 5))
    literal = st.integers(1, k).flatmap(lambda i: st.sampled_from([i, -i]))
    clauses = draw(st.lists(st.lists(literal, max_size=3).map(tuple), max_size=10))
    scale = draw(st.sampled_from([Fraction(1, 20), Fraction(1, 3), Fraction(3)]))
    offset = st.fractions(-1, 1, max_denominator=12).map(lambda t: t * scale)
    code = [draw(st.integers(0, 1)) + draw(offset) for _ in range(k)]
    return CNF(k, tuple(clauses)), code, draw(st.fractions(Fraction(1, 2), 2, max_denominator=5))


@pytest.mark.parametrize("reduction", ALL, ids=str)
@given(drawn=formula_and_code())
@settings(max_examples=150, deadline=None)
def test_a_residual_below_the_gap_gives_a_model(reduction, drawn):
    cnf, code, unit = drawn
    instance = reduction.reduce(cnf)
    if instance.box is not None:
        code = [min(max(value, Fraction(0)), Fraction(1)) for value in code]
    if instance.binary:
        code = [Fraction(round(value)) for value in code]
    if isinstance(reduction, BiasFree):
        code = [unit, *(unit * value for value in code)]
    exact = exact_residual(instance, code)
    lifted = reduction.lift(instance, code)
    if exact < Fraction(instance.gap):
        assert lifted is not None
        assert cnf.satisfied_by(lifted)
    if isinstance(reduction, MaxSat):
        assert reduction.violated_weight(cnf, lifted) <= exact


@given(drawn=formula_and_code())
@settings(max_examples=300, deadline=None)
def test_three_sat_has_one_component_a_model(drawn):
    cnf, code, _ = drawn
    instance = ThreeSat().reduce(cnf)
    points = [[bool(value) for value in point] for point in all_points(cnf.n_variables)]
    models = [point for point in points if cnf.satisfied_by(point)]
    holding = [model for model in models if ThreeSat.component(model).contains(np.array(code))]
    assert len(holding) == (1 if exact_residual(instance, code) == 0 else 0)
    for model in models:
        # Pushed outwards, away from the other side, the code stays in the component.
        outer = [1 + abs(value) if true else -abs(value) for value, true in zip(code, model, strict=True)]
        assert exact_residual(instance, outer) == 0
    boxes = [ThreeSat.component(model) for model in models]
    for i, one in enumerate(boxes):
        assert all((np.maximum(one.lower - two.upper, two.lower - one.upper) >= 1.0).any() for two in boxes[:i])


@given(drawn=formula_and_code())
@settings(max_examples=200, deadline=None)
def test_depth_two_pre_images_are_the_models_alone(drawn):
    cnf, code, _ = drawn
    for reduction in (DepthTwo("zero"), DepthTwo("one"), LeakyDepthTwo(0.3)):
        met = exact_residual(reduction.reduce(cnf), code) == 0
        assert met == (set(code) <= {0, 1} and cnf.satisfied_by([value == 1 for value in code]))


def test_the_gaps_of_three_sat_are_attained():
    ninth = [Fraction(1, 9)] * 3
    weights = ThreeSat().reduce(CUBE)
    assert len(set(weights.source.clauses)) == 8
    assert residual(weights.network, ninth, weights.observation) == Fraction(2, 3)
    assert residual(weights.network, [0, 0, 0], weights.observation, 1) == 1
    assert Fraction(weights.gap) <= Fraction(2, 3) < Fraction(np.nextafter(weights.gap, 1.0))


def test_duplicate_literals_would_shrink_the_gap():
    doubled = CNF(1, [(1, 1), (-1, -1)])
    instance = ThreeSat(norm=1).reduce(doubled)
    assert min(exact_residual(instance, [Fraction(i, 20)]) for i in range(21)) == 1
    # With the rows of the formula as it is, z = 1/2 would satisfy both clauses.
    assert instance.network[1].weight[0, 0] == -1.0


@pytest.mark.parametrize("reduction", ALL, ids=str)
def test_sizes_are_as_stated(reduction):
    k, m = 3, 8
    stated = {
        "three-sat": (k, 2 * k, m + 2 * k, m + k, 2),
        "depth-two": (k, 4 * k + m, 1),
        "depth-two-one": (k, 4 * k + m, 1),
        "bias-free": (k + 1, 4 * k + m + 1, 1),
        "leaky": (k, 8 * k + 2 * m, 1),
        "box": (k, k + m + 1, 1),
        "binary": (k, m),
        "max-sat": (k, 4 * k + m, 1),
    }
    instance = reduction.reduce(CUBE)
    assert instance.network.sizes == stated[reduction.name]
    assert instance.name == reduction.name
    assert instance.source is CUBE


def test_bias_free_networks_have_no_bias():
    instance = BiasFree().reduce(CUBE)
    assert not any(layer.bias.any() for layer in instance.network)
    assert BiasFree().lift(instance, [0, 1, 1, 1]) is None
    assert forward(instance.network, [-2, 1, -1, 1]) == [0]


def test_leaky_gap_is_rounded_down():
    gap = LeakyDepthTwo(0.1).reduce(SQUARE).gap
    assert 0 <= 1 - Fraction(0.1) ** 2 - Fraction(gap) < Fraction(1, 2**52)


@given(
    clauses=st.lists(st.lists(st.sampled_from([1, -1, 2, -2, 3, -3]), max_size=3).map(tuple), min_size=1, max_size=8),
    data=st.data(),
)
@settings(max_examples=100, deadline=None)
def test_max_sat_minimum_is_the_least_violated_weight(clauses, data):
    cnf = CNF(3, tuple(clauses))
    weight = st.integers(1, 9).map(lambda n: Fraction(n, 2))
    reduction = MaxSat(data.draw(st.lists(weight, min_size=len(clauses), max_size=len(clauses))))
    instance = reduction.reduce(cnf)
    points = all_points(3)
    costs = [reduction.violated_weight(cnf, [bool(value) for value in point]) for point in points]
    assert [Fraction(float(value)) for value in residuals(instance, points)] == costs
    z = data.draw(st.lists(st.fractions(-2, 3, max_denominator=9), min_size=3, max_size=3))
    assert exact_residual(instance, z) >= reduction.violated_weight(cnf, reduction.lift(instance, z)) >= min(costs)


@pytest.mark.parametrize("reduction", [r for r in ALL if not isinstance(r, BinaryCode)], ids=str)
@pytest.mark.parametrize("cnf", [CNF(3, [(1, 2), (-1, 3), (-2, -3), (2, 3)]), SQUARE], ids=["sat", "unsat"])
def test_exact_inversion_tells_the_two_apart(reduction, cnf):
    instance = reduction.reduce(cnf)
    box = (-1.0, 2.0) if instance.box is None else instance.box
    result = pr.invert(instance.network, instance.observation, pr.Exact(norm=instance.gap_norm), box=box)
    if cnf is SQUARE:
        assert result.dual_bound is not None
        assert result.dual_bound >= instance.gap * 0.99
    else:
        assert result.residual < instance.gap / 2
        assert cnf.satisfied_by(reduction.lift(instance, result.z))


def test_binary_code_is_only_hard_on_the_lattice():
    instance = BinaryCode().reduce(SQUARE)
    assert instance.binary
    assert exact_residual(instance, [Fraction(1, 2)] * 2) == 0
    assert BinaryCode().lift(instance, [0.5, 0.5]) is None
    assert BinaryCode().reduce(CNF(2, ())).network([1.0, 0.0]).tolist() == [0.0]


@pytest.mark.parametrize("reduction", ALL, ids=str)
def test_bad_input_is_refused(reduction):
    instance = reduction.reduce(SQUARE)
    size = instance.network.n_in
    for z in ([0.0] * (size + 1), [0.0] * (size - 1)):
        with pytest.raises(pr.ShapeError, match=f"code has {len(z)} entries, expected {size}"):
            reduction.lift(instance, z)
    with pytest.raises(pr.InputError, match="not a finite real number"):
        reduction.lift(instance, [float("nan")] * size)
    with pytest.raises(pr.InputError, match="without variables"):
        reduction.reduce(CNF(0, ()))
    with pytest.raises(pr.InputError, match=r"expected a reductions\.CNF, got str"):
        reduction.reduce("p cnf 1 0")
    if not isinstance(reduction, MaxSat):
        assert reduction.lift(instance, [1.0] * size) is None


@pytest.mark.parametrize("reduction", ALL, ids=str)
def test_a_network_that_would_not_fit_is_refused(reduction):
    wide = CNF(50_000, tuple((i, i + 1) for i in range(1, 2_000)))
    with pytest.raises(pr.InputError, match="weights, over 50000000"):
        reduction.reduce(wide)


def test_parameters_are_checked():
    with pytest.raises(pr.InputError, match="norm must be"):
        ThreeSat(norm=2)
    with pytest.raises(pr.InputError, match="form must be"):
        DepthTwo(form="two")
    with pytest.raises(pr.InputError, match="slope must lie between 0 and 1"):
        LeakyDepthTwo(1.0)
    with pytest.raises(pr.InputError, match="weights must be positive"):
        MaxSat([1, 0])
    with pytest.raises(pr.InputError, match="weights must be numbers, one a clause, got 5"):
        MaxSat(weights=5)
    assert MaxSat(weights=(i for i in (1, 2))) == MaxSat([1, 2])
    with pytest.raises(pr.ShapeError, match="got 1 weights for 4 clauses"):
        MaxSat([1]).reduce(SQUARE)
    with pytest.raises(pr.InputError, match="scale the weights to integers"):
        MaxSat([0.1, 0.2, 1, 1]).reduce(CNF(1, [(1,), (1,), (-1,), (-1,)]))
    with pytest.raises(pr.InputError, match="too large"):
        MaxSat([10**400]).reduce(CNF(1, [(1,)]))


@pytest.mark.parametrize("reduction", ALL, ids=str)
def test_obfuscated_instances_compute_the_same(reduction, formulas):
    rng = np.random.default_rng(5)
    for seed, (cnf, _) in enumerate(formulas[:12]):
        plain = reduction.reduce(cnf)
        other = obfuscate(plain, seed=seed)
        again = obfuscate(plain, seed=seed)
        for one, two in zip(other.network, again.network, strict=True):
            assert (one.weight == two.weight).all()
        z = [Fraction(int(n), 12) for n in rng.integers(-12, 25, plain.network.n_in)]
        assert forward(other.network, z) == forward(plain.network, z)
        assert reduction.lift(other, z) == reduction.lift(plain, z)
        assert (other.gap, other.name, other.source) == (plain.gap, plain.name, plain.source)
    with pytest.raises(pr.InputError, match="split must lie in"):
        obfuscate(plain, seed=0, split=1.5)


def test_obfuscation_splits_and_rescales():
    plain = BoxForm().reduce(CUBE)
    other = obfuscate(plain, seed=1, split=0.5)
    assert other.network.sizes == (3, 18, 1)
    assert len(set(np.abs(other.network[0].weight).ravel())) > 4
    assert obfuscate(plain, seed=1, split=0.0).network.sizes == plain.network.sizes
