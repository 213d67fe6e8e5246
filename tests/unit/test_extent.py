"""The extent of the optimal set: against all activation patterns, samples, and solvers that lie or are stopped."""

import json
import signal
import warnings

import numpy as np
import pytest
from brute_force import cells
from scipy.optimize import linprog
from scripted_solver import Solve
from tiny_networks import NETWORKS, noisy, observation

import pyomo_relu as pr
from pyomo_relu.norms import norm_of
from pyomo_relu.solvers import Outcome

ABSOLUTE = NETWORKS["absolute value"]


def extremes_of_cells(net, x, norm, level, direction, tube=np.inf, box=2.0):
    """Return the least and the greatest d.z where ||G(z) - x|| <= level, one LP a pattern and side; p = inf, 1."""
    m = len(x)
    found = []
    for affine, offset, rows, right in cells(net):
        spread = np.eye(m)
        total = np.r_[np.zeros(net.n_in), np.ones(m)] if norm == 1 else np.zeros(net.n_in + m)
        matrix = np.block([[affine, -spread], [-affine, -spread], [rows, np.zeros((len(rows), m))], [total]])
        limits = np.r_[x - offset, offset - x, right, level]
        bounds = [(-box, box)] * net.n_in + [(0, min(level, tube))] * m
        for sign in (1.0, -1.0):
            cost = np.r_[sign * direction, np.zeros(m)]
            end = linprog(cost, A_ub=matrix, b_ub=limits, bounds=bounds)
            assert end.status in (0, 2), end.message
            if end.status == 0:
                found.append(sign * end.fun)
    return min(found), max(found)


@pytest.mark.parametrize("norm", ["inf", 1])
@pytest.mark.parametrize("name", ["absolute value", "one layer", "two layers", "leaky", "linear output"])
def test_both_sides_agree_with_every_activation_pattern(name, norm):
    net, x = NETWORKS[name], observation(name)
    found = pr.extent(net, x, pr.Exact(norm), tol=0.05, box=(-2, 2))
    assert found.status is pr.Status.OPTIMAL
    for i, direction in enumerate(np.eye(net.n_in)):
        low, high = extremes_of_cells(net, x, norm, found.level, direction)
        assert found.lower[i] <= low + 1e-7
        assert found.upper[i] >= high - 1e-7
        assert found.attained_lower[i] == pytest.approx(low, abs=1e-4)
        assert found.attained_upper[i] == pytest.approx(high, abs=1e-4)
        assert found.lower[i] == pytest.approx(low, abs=1e-4)
        assert found.upper[i] == pytest.approx(high, abs=1e-4)


def test_directions_of_any_length():
    net, x = NETWORKS["two layers"], observation("two layers")
    directions = np.array([[1.0, 1.0], [30.0, -10.0], [0.0, 0.5]])
    found = pr.extent(net, x, pr.Exact(1), tol=0.05, directions=directions, box=(-2, 2))
    assert found.directions.tolist() == directions.tolist()
    for i, direction in enumerate(directions):
        low, high = extremes_of_cells(net, x, 1, found.level, direction)
        assert found.lower[i] <= low + 1e-6
        assert found.upper[i] >= high - 1e-6
        assert [found.attained_lower[i], found.attained_upper[i]] == pytest.approx([low, high], abs=1e-3)


def test_a_tube_bounds_every_single_output():
    net, x = NETWORKS["two layers"], observation("two layers", noise=0.1)
    tube = 1.2 * pr.invert(net, x, pr.Exact("inf"), box=(-2, 2)).residual
    found = pr.extent(net, x, pr.Exact(1, tube=tube), tol=0.05, box=(-2, 2))
    for i, direction in enumerate(np.eye(2)):
        low, high = extremes_of_cells(net, x, 1, found.level, direction, tube=tube)
        assert found.lower[i] <= low + 1e-7
        assert found.upper[i] >= high - 1e-7
    assert (np.abs(net(found.codes.reshape(-1, 2)) - x) <= tube + 1e-6).all()


def test_the_second_norm_makes_the_set_smaller():
    net, x, _ = noisy(0)
    whole = pr.extent(net, x, pr.Exact("inf"), tol=1e-3, box=(-2, 2))
    nearest = pr.extent(net, x, pr.Exact("inf", then=1), tol=1e-3, box=(-2, 2))
    assert nearest.norm == 1
    assert (nearest.width <= whole.width + 1e-3).all()
    codes = nearest.codes.reshape(-1, 3)
    # One forward pass a code: sums over several at once are rounded otherwise, and some codes lie on the level.
    assert all(np.abs(net(z) - x).sum() <= nearest.level for z in codes)
    assert (np.abs(net(codes) - x).max(axis=1) <= nearest.residual + 1e-3).all()


@pytest.mark.parametrize("norm", ["inf", 1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_no_sample_of_the_set_lies_beyond_and_every_end_is_a_code_of_it(seed, norm):
    net, x, _ = noisy(seed)
    found = pr.extent(net, x, pr.Exact(norm), tol=0.02, box=(-2, 2))
    assert found.status is pr.Status.OPTIMAL
    assert found.level == found.residual + 0.02
    spread = np.abs(found.codes - found.result.z).max()
    samples = found.result.z + np.random.default_rng(seed).uniform(-spread, spread, (20000, 3))
    inside = samples[[norm_of(y - x, norm) <= found.level for y in net(samples)]]
    inside = inside[(np.abs(inside) <= 2).all(axis=1)]
    assert len(inside) > 10
    assert (inside >= found.lower).all()
    assert (inside <= found.upper).all()
    for i, ends in enumerate(found.codes):
        assert [ends[0][i], ends[1][i]] == [found.attained_lower[i], found.attained_upper[i]]
        assert all(norm_of(net(code) - x, norm) <= found.level for code in ends)
    assert (found.lower <= found.attained_lower).all()
    assert (found.upper >= found.attained_upper).all()
    assert (found.width - found.attained_width <= 1e-3).all()


def test_two_codes_far_apart_are_found_although_nothing_lies_between_them():
    found = pr.extent(ABSOLUTE, [2.0], box=(-3, 3))
    assert found.unique is False
    assert [found.lower[0], found.upper[0]] == pytest.approx([-2.0, 2.0], abs=1e-4)
    assert [found.attained_lower[0], found.attained_upper[0]] == pytest.approx([-2.0, 2.0], abs=1e-4)
    assert any("not unique" in claim.text for claim in found.certificate.verified)


def test_one_code_is_unique_and_the_claim_names_who_is_trusted():
    net, _, z = noisy(1)
    found = pr.extent(net, net(z), box=(-2, 2))
    assert found.unique is True
    assert found.width.max() <= 0.01
    assert (found.lower <= z + 1e-6).all()
    assert (found.upper >= z - 1e-6).all()
    said = [claim for claim in found.certificate.claims if "any two" in claim.text]
    assert len(said) == 1
    trusted = any("outer bounds" in claim.text for claim in found.certificate.trusted)
    assert (said[0].standing is pr.Standing.TRUSTED) == trusted


@pytest.mark.parametrize("solver", ["highs", "scip"])
def test_solvers_agree(solver):
    net, x, _ = noisy(2)
    found = pr.extent(net, x, pr.Exact(1), tol=1e-3, box=(-2, 2), solver=solver)
    again = pr.extent(net, x, pr.Exact(1, encoding="big-m"), tol=1e-3, box=(-2, 2))
    assert np.allclose(found.lower, again.lower, atol=1e-4)
    assert np.allclose(found.upper, again.upper, atol=1e-4)
    assert found.solver.lower().startswith(solver)


def test_masks_and_operators_are_those_of_invert():
    net, x, _ = noisy(3)
    mask = np.arange(20) != 4
    matrix = np.eye(20)[mask]
    masked = pr.extent(net, np.where(mask, x, np.nan), mask=mask, box=(-2, 2))
    measured = pr.extent(net, x[mask], operator=matrix, box=(-2, 2))
    assert np.allclose(masked.lower, measured.lower, atol=1e-3)
    assert np.allclose(masked.upper, measured.upper, atol=1e-3)


def test_a_result_at_hand_saves_the_inversion():
    net, x, _ = noisy(0)
    result = pr.invert(net, x, pr.Exact(1), box=(-2, 2))
    found = pr.extent(net, x, pr.Exact(1), result=result, box=(-2, 2))
    assert found.result is result
    assert found.level == pytest.approx(result.residual, abs=1e-3)


def test_a_tube_without_a_code_leaves_nothing_to_bound():
    net, x, _ = noisy(0)
    least = pr.invert(net, x, pr.Exact("inf"), box=(-2, 2)).residual
    found = pr.extent(net, x, pr.Exact(1, tube=0.5 * least), box=(-2, 2))
    assert (found.level, found.unique, found.status) == (None, None, pr.Status.INFEASIBLE)
    assert json.loads(found.to_json())["attained_lower"] == [None, None, None]


def test_json_has_every_number():
    net, x, _ = noisy(0)
    found = pr.extent(net, x, box=(-2, 2))
    read = json.loads(found.to_json())
    assert read["lower"] == found.lower.tolist()
    assert read["codes"] == found.codes.tolist()
    assert (read["unique"], read["statuses"], read["directions"]) == (found.unique, ["optimal"] * 3, None)


def bounded_by(solver="scripted"):
    """The extent around an honest result."""
    net, x, _ = noisy(0)
    result = pr.invert(net, x, pr.Exact(1), box=(-2, 2))
    return pr.extent(net, x, pr.Exact(1), result=result, box=(-2, 2), solver=solver)


def test_a_bound_that_a_code_refutes_is_dropped(scripted):
    scripted(Outcome(pr.Status.LIMIT, False, None, 1.9))
    found = bounded_by()
    assert set(found.statuses) == {pr.Status.SOLVER_ERROR}
    assert (found.lower >= -2.0).all()
    assert (found.lower <= found.result.z).all()
    assert (found.upper >= found.result.z).all()


def test_a_set_called_empty_is_the_solver_s_error(scripted):
    scripted(Outcome.without_point(pr.Status.INFEASIBLE))
    assert set(bounded_by().statuses) == {pr.Status.SOLVER_ERROR}


@pytest.mark.parametrize("says", [Outcome.without_point(pr.Status.INTERRUPTED), KeyboardInterrupt()])
def test_ctrl_c_in_the_first_program_leaves_verified_bounds(scripted, says):
    calls = scripted(says)
    found = bounded_by()
    assert len(calls) == 1
    assert set(found.statuses) == {pr.Status.INTERRUPTED}
    assert (found.lower >= -2.0).all()
    assert found.attained_lower.tolist() == found.result.z.tolist() == found.attained_upper.tolist()
    assert found.certificate.trusted == ()


def test_ctrl_c_before_the_first_program_leaves_its_bounds(scripted):
    asked = []

    def pressed_in_the_second_check(*_):
        asked.append(None)
        if len(asked) == 2:
            signal.raise_signal(signal.SIGINT)

    calls = scripted(Solve.honestly, check_option=pressed_in_the_second_check)
    found = bounded_by(pr.Solver("scripted", options={"limits/nodes": 100}))
    assert (len(asked), calls) == (2, [])
    assert set(found.statuses) == {pr.Status.INTERRUPTED}
    assert found.attained_lower.tolist() == found.result.z.tolist() == found.attained_upper.tolist()
    assert found.certificate.trusted == ()


@pytest.mark.filterwarnings("always")
def test_ctrl_c_before_there_are_bounds_leaves_the_box(monkeypatch):
    """It comes while bounds are looked at that are to be warned of."""

    def interrupt(*_):
        raise KeyboardInterrupt

    known = pr.invert(ABSOLUTE, [1e5], pr.Hybrid("inf"), box=(-1e6, 1e6))
    monkeypatch.setattr(warnings, "showwarning", interrupt)
    found = pr.extent(ABSOLUTE, [1e5], result=known, box=(-1e6, 1e6))
    assert found.statuses == (pr.Status.INTERRUPTED,)
    assert (found.lower.tolist(), found.upper.tolist()) == ([-1e6], [1e6])
    assert found.unique is None


def test_a_time_limit_is_shared_by_all_programs(scripted):
    calls = scripted(Outcome.without_point(pr.Status.TIME_LIMIT))
    found = bounded_by(pr.Solver("scripted", time_limit=6.0))
    assert len(calls) == 6
    assert calls[0].seconds < 1.01
    assert all(0.1 <= call.seconds <= 6.0 for call in calls)
    assert set(found.statuses) == {pr.Status.TIME_LIMIT}


def test_an_interrupted_inversion_is_not_followed_by_programs(scripted):
    net, x, _ = noisy(0)
    calls = scripted(Outcome.without_point(pr.Status.INTERRUPTED))
    found = pr.extent(net, x, pr.Exact(1), box=(-2, 2), solver="scripted")
    assert (len(calls), found.status, found.unique) == (1, pr.Status.INTERRUPTED, None)
    assert found.result.z is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": pr.Layerwise()}, r"method must be Exact\(\.\.\.\)"),
        ({"tol": 0.0}, "tol must be a positive number"),
        ({"tol": float("nan")}, "tol must be a positive number"),
        ({"tol": "a"}, "tol must be a positive number"),
        ({"tol": 1e-9}, "tol must be at least 2e-06 here"),
        ({"directions": [1.0]}, "directions must have 2 axes"),
        ({"directions": [[1.0, 2.0]]}, "directions have 2 columns, the code 1 entries"),
        ({"directions": [[1.0], [0.0]]}, "direction 1 is zero"),
    ],
)
def test_bad_options_are_refused_before_anything_is_solved(scripted, options, message):
    calls = scripted(Solve.honestly)
    forward = {"method": pr.Exact(bounds="interval"), **options}  # without a search, the solver is all that solves
    with pytest.raises(pr.InputError, match=message):
        pr.extent(ABSOLUTE, [2.0], box=(-3, 3), solver="scripted", **forward)
    assert calls == []


def test_a_result_of_something_else_is_refused():
    net, x, _ = noisy(0)
    result = pr.invert(net, x, pr.Exact(1), box=(-2, 2))
    with pytest.raises(pr.InputError, match="result is of norm 1, the method of norm inf"):
        pr.extent(net, x, result=result, box=(-2, 2))
    with pytest.raises(pr.InputError, match="result has residual"):
        pr.extent(net, x + 1.0, pr.Exact(1), result=result, box=(-2, 2))
    with pytest.raises(pr.InputError, match="outside of the box"):
        pr.extent(net, x, pr.Exact(1), result=result, box=(-0.001, 0.001))
    with pytest.raises(pr.ShapeError, match=r"shape \(3,\), expected \(1,\)"):
        pr.extent(ABSOLUTE, [2.0], pr.Exact(1), result=result, box=(-3, 3))


@pytest.mark.parametrize("tol", [None, 1e-2])
@pytest.mark.parametrize(("seed", "noise"), [(0, 0.0), (1, 0.1), (2, 0.3)])
def test_a_set_of_squares_by_tangents_is_that_of_a_solver_of_squares(seed, noise, tol):
    net, x, _ = noisy(seed, noise, sizes=(2, 6, 10))
    result = pr.invert(net, x, pr.Exact(2), box=(-2, 2))
    by = {s: pr.extent(net, x, pr.Exact(2), tol=tol, result=result, box=(-2, 2), solver=s) for s in ("scip", "highs")}
    squares, tangents = by["scip"], by["highs"]
    assert (tangents.status, tangents.level, tangents.unique) == (pr.Status.OPTIMAL, squares.level, squares.unique)
    assert (tangents.lower <= squares.attained_lower + 1e-6).all()
    assert (tangents.upper >= squares.attained_upper - 1e-6).all()
    assert tangents.width == pytest.approx(squares.width, rel=0.05, abs=1e-4)
    assert tangents.attained_width == pytest.approx(squares.attained_width, rel=0.05, abs=1e-4)


def test_two_codes_far_apart_are_found_by_tangents():
    found = pr.extent(ABSOLUTE, [2.0], pr.Exact(2), box=(-3, 3), solver="highs")
    assert found.unique is False
    assert found.attained_width == pytest.approx([4.0], abs=1e-2)


@pytest.mark.parametrize("norm", ["inf", 1, 2])
def test_a_network_that_does_not_move_in_the_box(norm):
    net = pr.Network.from_arrays([[[1.0]], [[1.0], [1.0], [2.0]]], [[-5.0], [1.0, 2.0, 3.0]], [0.0, 1.0])
    found = pr.extent(net, [1.0, 2.0, 3.5], pr.Exact(norm), box=(-1, 1))
    assert found.attained_lower == pytest.approx(-1.0)
    assert found.attained_upper == pytest.approx(1.0)
    assert found.unique is False


def test_big_m_is_watched():
    known = pr.invert(ABSOLUTE, [1e7], pr.Hybrid("inf"), box=(-1e8, 1e8))
    found = pr.extent(ABSOLUTE, [1e7], result=known, box=(-1e8, 1e8))
    assert found.status is pr.Status.WIDE_BOUNDS
    assert found.attained_lower[0] <= known.z[0] <= found.attained_upper[0]
