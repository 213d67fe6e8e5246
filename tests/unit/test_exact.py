import numpy as np
import pytest
from pyomo.environ import Constraint, value

import pyomo_relu as pr
from pyomo_relu.inversion.task import BigMWarning
from pyomo_relu.solvers import BACKENDS, Capability, probe, solve


def noisy(sizes, seed, noise=0.01):
    net = pr.Network.random(sizes, seed=seed)
    rng = np.random.default_rng(100 + seed)
    z = np.clip(rng.normal(size=sizes[0]), -3, 3)
    return net, net(z) + rng.uniform(-noise, noise, sizes[-1]), z


@pytest.mark.parametrize("seed", range(10))
def test_solvers_agree_on_the_optimum(seed):
    net, x, _ = noisy((5, 20, 40), seed)
    found, bounds_found = [], []
    for solver in ("highs", "scip", "cbc"):
        if not probe(BACKENDS[solver]).runs or "devel" in BACKENDS[solver].version():
            continue
        for bounds in ("interval", "observed"):
            result = pr.invert(net, x, pr.Exact("inf", bounds=bounds), box=(-3, 3), solver=solver)
            assert result.status is pr.Status.OPTIMAL
            assert result.residual == np.abs(net(result.z) - x).max()
            assert result.dual_bound <= result.residual
            found.append(result.residual)
            bounds_found.append(result.dual_bound)
    assert len(found) >= 4
    assert max(bounds_found) <= min(found) + 1e-6
    assert max(found) - min(found) < 1e-6


def test_no_box_is_needed_where_the_observation_bounds_the_code():
    net, x, z = noisy((10, 50, 250), 0)
    result = pr.invert(net, x, pr.Exact("inf"))
    assert result.status is pr.Status.OPTIMAL
    assert np.abs(result.z - z).max() < 0.1
    assert any("every code" in claim.text for claim in result.certificate.claims)


def test_a_box_is_asked_for_where_it_does_not():
    net, x, _ = noisy((5, 20, 20, 40), 0, noise=0.1)
    with pytest.raises(pr.InputError, match="box must be given, and bounded"):
        pr.invert(net, x, pr.Exact(1))
    with pytest.raises(pr.InputError, match="box must be given, and bounded"):
        pr.invert(net, x, pr.Exact(1, bounds="interval"))
    with pytest.raises(pr.InputError, match="box must be given, and bounded"):
        pr.invert(net, x, pr.Exact(1, bounds="interval"), box=(-np.inf, 1))


@pytest.mark.parametrize("solver", ["highs", "scip"])
def test_a_time_limit_returns_the_incumbent_and_a_valid_bound(solver):
    net, x, _ = noisy((10, 30, 30, 5), 1, noise=1.0)
    limited = pr.invert(net, x, pr.Exact(1, starts=0), box=(-3, 3), solver=pr.Solver(solver, time_limit=1))
    assert limited.status in (pr.Status.TIME_LIMIT, pr.Status.OPTIMAL)
    assert limited.z is not None
    assert limited.residual == np.abs(net(limited.z) - x).sum()
    assert 0.0 <= limited.dual_bound <= limited.residual


def test_interrupted_by_a_node_limit():
    net, x, _ = noisy((6, 25, 10), 2, noise=0.5)
    solver = pr.Solver("scip", options={"limits/nodes": 1, "presolving/maxrounds": 0})
    result = pr.invert(net, x, pr.Exact(1, bounds="interval"), box=(-3, 3), solver=solver)
    assert result.status is pr.Status.LIMIT
    assert result.z is None or result.residual == np.abs(net(result.z) - x).sum()
    assert result.dual_bound >= 0.0


def test_the_model_is_a_plain_pyomo_model_that_takes_more_constraints():
    net, x, _ = noisy((3, 8, 12), 3)
    model = pr.Exact("inf").model(net, x, box=(-3, 3))
    model.extra = Constraint(expr=model.z[0] + model.z[1] >= 4.0)
    outcome = solve(model, "highs", frozenset({Capability.MILP}))
    assert outcome.status is pr.Status.OPTIMAL
    z = np.array([value(v) for v in model.z.values()])
    assert z[0] + z[1] >= 4.0 - 1e-6
    assert np.abs(net(z) - x).max() == pytest.approx(value(model.objective), abs=1e-5)


def test_the_model_without_a_box_holds_what_is_as_near_as_the_best_found():
    net, x, z = noisy((10, 50, 250), 4)
    model = pr.Exact("inf").model(net, x)
    assert all(v.lb <= z_i <= v.ub for v, z_i in zip(model.z.values(), z, strict=True))
    assert model.deviation.ub < 0.02


def test_big_m_is_watched():
    net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])
    with pytest.warns(BigMWarning, match="smaller box"):
        pr.invert(net, [-0.5], pr.Exact("inf", bounds="interval"), box=(-1e5, 1e5))
    plain = pr.invert(net, [-0.5], pr.Exact("inf", bounds="interval"), box=(-1e7, 1e7))
    assert plain.status is pr.Status.WIDE_BOUNDS
    assert "give a smaller box" in plain.message
    for reach in (1e5, 1e7):  # a model is yours: whether to solve it you decide
        with pytest.warns(BigMWarning, match="smaller box"):
            pr.Exact().model(net, [-0.5], box=(-reach, reach))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"norm": 3}, "norm must be 'inf', 1, 2 or 'huber:<delta>'"),
        ({"norm": "two"}, "norm must be 'inf', 1, 2 or 'huber:<delta>'"),
        ({"encoding": "bigm"}, "unknown encoding 'bigm'; known: big-m, sos1"),
        ({"bounds": "tight"}, "unknown bounds 'tight'; known: observed"),
        ({"starts": -1}, "starts"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(pr.InputError, match=message):
        pr.Exact(**options)


def test_a_solver_that_cannot_is_refused_before_anything_is_built():
    net, x, _ = noisy((3, 8, 12), 3)
    with pytest.raises(pr.CapabilityError, match="SOS1"):
        pr.invert(net, x, pr.Exact("inf", encoding="sos1"), box=(-3, 3), solver="highs")


def test_unreachable_observation_is_refuted():
    net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])
    result = pr.invert(net, [-0.5], pr.Exact("inf"), box=(-3, 3))
    assert result.status is pr.Status.OPTIMAL
    assert result.realizable is False
    assert result.residual == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bounds", ["observed", "crown"])
def test_least_squares_by_tangents_agrees_with_a_solver_of_squares(seed, bounds):
    net, x, _ = noisy((3, 8, 12), seed)
    squares = pr.invert(net, x, pr.Exact(2), box=(-3, 3), solver="scip")
    tangents = pr.invert(net, x, pr.Exact(2, bounds=bounds), box=(-3, 3), solver="highs")
    assert tangents.status is pr.Status.OPTIMAL
    assert tangents.residual == pytest.approx(squares.residual, rel=1e-6)
    assert tangents.dual_bound <= squares.residual * (1 + 1e-6)
    assert tangents.dual_bound >= squares.residual * (1 - 1e-4)
