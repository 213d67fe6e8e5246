"""The front door: inputs, results, certificates."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.sparse import csr_array

import pyomo_relu as pr

NET = pr.Network.random((3, 12, 20), seed=0)
Z = np.array([0.5, -1.0, 0.25])


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        ([1.0, 2.0], {}, "observation has 2 entries, expected 20"),
        (np.zeros((4, 5)), {}, "observation must have 1 axis, got shape"),
        ([], {}, "empty"),
        (np.full(20, np.nan), {}, "20 entries that are not finite, the first at 0"),
        (np.array([None] * 20), {}, "dtype object"),
        (["a"] * 20, {}, "real numbers"),
        (np.zeros(20), {"mask": np.zeros(20, bool)}, "observes nothing"),
        (np.zeros(20), {"mask": np.full(20, 0.5)}, "0 and 1"),
        (np.zeros(20), {"mask": np.ones(19, bool)}, "mask has 19 entries, expected 20"),
        (np.zeros(2), {"operator": np.zeros((2, 19))}, "operator has 19 columns, the network 20 outputs"),
        (np.zeros(3), {"operator": np.zeros((2, 20))}, "observation has 3 entries, expected 2"),
        (np.zeros(20), {"operator": np.eye(20), "mask": np.ones(20, bool)}, "not both"),
        (np.zeros(20), {"box": (1, -1)}, "exceeds upper"),
        (np.zeros(20), {"solver": "simplex"}, "unknown solver 'simplex'; known: highs"),
        (np.zeros(20), {"solver": 3}, "solver must be a name or a Solver"),
        (np.zeros(20), {"method": "exact"}, "method must be Layerwise"),
        (np.zeros(20), {"method": pr.Exact}, r"method is the class Exact: write Exact\(\)"),
        (np.ma.array(np.zeros(20), mask=np.arange(20) < 3), {}, r"masked array.*mask=~x\.mask"),
        (np.zeros(20), {"mask": csr_array(np.eye(20))}, "mask is a sparse matrix: give it dense"),
        (np.full(20, 2**53 + 1), {}, "observation has the integer 9007199254740993"),
    ],
)
def test_bad_input_is_refused_in_one_line(x, options, message):
    with pytest.raises(pr.InputError, match=message) as caught:
        pr.invert(NET, x, **options)
    assert "\n" not in str(caught.value)


def test_classes_are_no_methods_and_no_formulations():
    with pytest.raises(pr.InputError, match=r"formulation is the class LayerL1: write LayerL1\(\)"):
        pr.Layerwise([pr.LayerLinf(), pr.LayerL1])
    with pytest.raises(pr.InputError, match=r"method is the class Hybrid: write Hybrid\(\)"):
        pr.invert_many(NET, np.zeros((1, 20)), pr.Hybrid)
    with pytest.raises(pr.InputError, match="projection is the class Descent"):
        pr.ProjectedGradient(pr.Descent)


@pytest.mark.parametrize("norm", [1, np.int64(1), np.float32(1.0), Fraction(1), "1"])
def test_a_norm_may_be_any_real_number_of_that_value(norm):
    assert pr.Exact(norm=norm) == pr.Exact(norm=1)


@pytest.mark.parametrize("norm", [True, np.bool_(True), 3, 1.5, "l1", None])
def test_other_norms_are_refused(norm):
    with pytest.raises(pr.InputError, match="norm must be 'inf', 1, 2 or 'huber:<delta>'"):
        pr.Exact(norm=norm)


@pytest.mark.parametrize(
    ("status", "is_found"), [(pr.Status.TIME_LIMIT, True), (pr.Status.LIMIT, True), (pr.Status.INTERRUPTED, False)]
)
def test_a_layer_that_met_a_limit_passes_on_its_best_code(scripted, status, is_found):
    """The second LP of the last layer ends early; the first layer is asked unless somebody pressed Ctrl-C."""

    def stopped_in_the_second(solve):
        outcome = solve.honestly()
        return replace(outcome, status=status) if solve.number == 2 else outcome

    scripted(stopped_in_the_second, by="highs")
    rng = np.random.default_rng(0)
    x = NET(np.ones(NET.n_in)) + 0.1 * rng.normal(size=20)
    result = pr.invert(NET, x, pr.Layerwise(pr.LayerLinf()), solver="scripted")
    assert result.status is status
    assert result.message == f"layer {len(NET)}"
    assert (result.z is not None) is is_found
    assert result.dual_bound > 0.0
    assert [report.layer for report in result.layers] == ([2, 1] if is_found else [2])


def test_network_must_be_one():
    with pytest.raises(pr.InputError, match=r"must be a pyomo_relu\.Network, got ndarray"):
        pr.invert(np.eye(2), [1.0, 2.0])


def test_result_of_an_exact_observation():
    result = pr.invert(NET, NET(Z))
    assert result.status is pr.Status.SOLVED
    assert result.realizable is True
    assert result.gap == 0.0
    np.testing.assert_allclose(result.z, Z, atol=1e-8)
    assert any("only code" in claim.text for claim in result.certificate.verified)
    assert result.raise_for_status() is result
    read = json.loads(result.to_json())
    assert read["status"] == "solved"
    assert read["z"] == result.z.tolist()
    assert [layer["layer"] for layer in read["layers"]] == [2, 1]
    assert [layer["unique"] for layer in read["layers"]] == [True, True]


def test_residual_is_that_of_the_forward_pass_and_the_bound_is_below():
    x = NET(Z) + np.random.default_rng(0).uniform(-0.1, 0.1, 20)
    for method in (pr.Layerwise(), pr.Layerwise(pr.LayerL1()), pr.Exact("inf"), pr.Exact(1), pr.Exact(2), pr.Descent()):
        result = pr.invert(NET, x, method, box=(-3, 3))
        assert result.status.ok
        p = np.inf if result.norm == "inf" else result.norm
        assert result.residual == np.linalg.norm(NET(result.z) - x, p)
        assert result.dual_bound <= result.residual
        assert result.gap >= 0.0


def test_exact_is_at_least_as_near_as_every_other_method():
    x = NET(Z) + np.random.default_rng(1).uniform(-0.1, 0.1, 20)
    for norm, p in (("inf", np.inf), (1, 1), (2, 2)):
        exact = pr.invert(NET, x, pr.Exact(norm), box=(-3, 3))
        assert exact.status is pr.Status.OPTIMAL
        assert exact.gap < 1e-4
        for method in (pr.Layerwise(), pr.Layerwise(pr.LayerL1()), pr.Descent()):
            other = pr.invert(NET, x, method, box=(-3, 3))
            assert exact.residual <= np.linalg.norm(NET(other.z) - x, p) + 1e-6


def test_layerwise_takes_one_formulation_a_layer():
    result = pr.invert(NET, NET(Z), pr.Layerwise([pr.LinearSolve(), pr.LayerLinf()]))
    assert result.status is pr.Status.SOLVED
    np.testing.assert_allclose(result.z, Z, atol=1e-8)
    with pytest.raises(pr.InputError, match="got 1 formulations for 2 layers"):
        pr.invert(NET, NET(Z), pr.Layerwise([pr.LinearSolve()]))
    with pytest.raises(pr.InputError, match="formulation must be"):
        pr.Layerwise("linf")


def test_linear_solve_cannot_hold_a_box():
    with pytest.raises(pr.InputError, match="box must be left out: LinearSolve"):
        pr.invert(NET, NET(Z), pr.Layerwise(pr.LinearSolve()), box=(-1, 1))


def test_nonnegative_codes_lower_the_expansion_that_is_needed():
    """The last layer expands by 7/4: too little for the paper's variant, enough where codes are held above zero."""
    found = {True: 0, False: 0}
    for seed in range(6):
        net = pr.Network.random((10, 120, 210), seed=seed)
        z = np.random.default_rng(seed).normal(size=10)
        for nonnegative in found:
            result = pr.invert(net, net(z), pr.Layerwise(nonnegative=nonnegative))
            found[nonnegative] += result.z is not None and bool(np.abs(result.z - z).max() < 1e-6)
    assert found == {True: 6, False: 0}


def test_a_mask_hides_what_is_not_observed():
    mask = np.arange(20) % 5 != 0
    x = np.where(mask, NET(Z), np.nan)
    for method, options in ((pr.Layerwise(), {}), (pr.Exact("inf"), {"box": (-3, 3)})):
        result = pr.invert(NET, x, method, mask=mask, **options)
        assert result.status.ok
        np.testing.assert_allclose(result.z, Z, atol=1e-6)


def test_an_operator_is_a_linear_layer():
    operator = np.random.default_rng(0).normal(size=(30, 20))
    result = pr.invert(NET, operator @ NET(Z), pr.Exact("inf"), operator=operator, box=(-3, 3))
    assert result.status is pr.Status.OPTIMAL
    assert result.realizable is True
    np.testing.assert_allclose(result.z, Z, atol=1e-5)


def test_the_shape_of_a_failure():
    layer = pr.Layer([[1.0], [-1.0]])
    result = pr.invert_layer(layer, [1.0, 1.0])
    assert result.status is pr.Status.DEGENERATE
    assert "tells little of the code" in result.status.advice
    with pytest.raises(pr.StatusError, match="degenerate"):
        result.raise_for_status()


def test_noise_of_the_papers_size_leaves_an_error_of_the_papers_order():
    """Figure 1 of the paper: uniform noise 0.01 on 20-100-500 gives relative errors of the order of 3e-2."""
    errors = []
    for seed in range(5):
        net = pr.Network.random((20, 100, 500), seed=seed)
        rng = np.random.default_rng(1000 + seed)
        z = rng.normal(size=20)
        result = pr.invert(net, net(z) + rng.uniform(-0.01, 0.01, 500))
        assert result.status is pr.Status.SOLVED
        errors.append(np.linalg.norm(result.z - z) / np.linalg.norm(z))
    assert 1e-3 < np.median(errors) < 5e-2


@pytest.mark.slow
def test_two_hundred_random_networks_are_inverted():
    """The paper's 20-100-500 networks: x = G(z*) gives z* back, all of them."""
    errors = []
    for seed in range(200):
        net = pr.Network.random((20, 100, 500), seed=seed)
        z = np.random.default_rng(1000 + seed).normal(size=20)
        result = pr.invert(net, net(z))
        assert result.status is pr.Status.SOLVED
        errors.append(np.abs(result.z - z).max())
    assert max(errors) <= 1e-6
