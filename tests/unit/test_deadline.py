"""A time limit is one for the whole call, and without one no clock decides anything."""

import time

import numpy as np
import pytest
from pyomo.environ import Binary, ConcreteModel, Constraint, Objective, Var

import pyomo_relu as pr
from pyomo_relu.bounds import Region, Sought, crown_bounds, interval_bounds, lp_region, observed_region
from pyomo_relu.box import Box
from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.pinning import pinned
from pyomo_relu.solvers import Capability, solve

OVER = Deadline(0.0)
WIDE = pr.Network.random((300, 500, 700), seed=11)
CONTRACTING = pr.Network.random((8, 300, 600, 300), seed=12)

METHODS = {
    "layerwise": pr.Layerwise(),
    "l1": pr.Layerwise(pr.LayerL1()),
    "linear": pr.Layerwise(pr.LinearSolve()),
    "descent": pr.Descent(),
    "gradient": pr.GradientDescent(step=1e-3, iterations=10**6),
    "projected": pr.ProjectedGradient(),
    "hybrid": pr.Hybrid(),
    "inf": pr.Exact("inf"),
    "1": pr.Exact(1),
    "2": pr.Exact(2),
    "crown": pr.Exact("inf", bounds="crown"),
    "tube": pr.Exact(1, tube=0.5),
    "then": pr.Exact("inf", then=2),
}


def noisy(net, seed):
    random = np.random.default_rng([seed, 99])
    return net(random.normal(size=net.n_in)) + random.uniform(-0.3, 0.3, net.n_out)


@pytest.mark.parametrize("net", [WIDE, CONTRACTING], ids=["wide", "contracting"])
@pytest.mark.parametrize("name", METHODS)
def test_a_time_limit_is_one_for_the_whole_call(name, net):
    x, limit = noisy(net, 3), 0.4
    started = time.process_time()
    result = pr.invert(
        net, x, METHODS[name], box=None if name == "linear" else (-4, 4), solver=pr.Solver(time_limit=limit)
    )
    # CPU seconds: what a busy machine does beside it does not count.
    assert time.process_time() - started <= 1.1 * limit + 1.0
    assert result.status in (pr.Status.TIME_LIMIT, pr.Status.SOLVED, pr.Status.OPTIMAL, pr.Status.RANK_DEFICIENT)
    if result.z is not None:
        assert result.residual >= (result.dual_bound or 0.0) - 1e-6
    if name not in ("layerwise", "l1", "linear", "crown", "tube"):
        assert result.z is not None


def test_an_extent_shares_one_limit_with_its_inversion():
    started = time.process_time()
    found = pr.extent(CONTRACTING, noisy(CONTRACTING, 3), box=(-4, 4), solver=pr.Solver(time_limit=0.4))
    assert time.process_time() - started <= 1.1 * 0.4 + 1.0
    assert found.status is pr.Status.TIME_LIMIT


@pytest.mark.parametrize("name", ["inf", "1", "2", "tube", "then"])
def test_without_a_limit_the_same_call_has_the_same_result_to_the_bit(name):
    net = pr.Network.random((4, 12, 24), seed=5)
    x = noisy(net, 8)
    first, second = (pr.invert(net, x, METHODS[name], box=(-3, 3)) for _ in range(2))
    assert first.z.tobytes() == second.z.tobytes()
    assert (first.status, first.residual, first.dual_bound) == (second.status, second.residual, second.dual_bound)
    assert str(first.certificate) == str(second.certificate)


def market_split():
    """Halves of three sums that no choice of 18 numbers meets: bounds tell nothing, and many nodes are needed."""
    random = np.random.default_rng(1)
    numbers = random.integers(10, 100, (3, 18))
    model = ConcreteModel()
    model.x = Var(range(18), domain=Binary)
    model.off = Var(range(3), [1, -1], bounds=(0, None))
    model.rows = Constraint(
        range(3),
        rule=lambda m, i: (
            sum(int(a) * m.x[j] for j, a in enumerate(numbers[i])) + m.off[i, 1] - m.off[i, -1]
            == int(numbers[i].sum()) // 2
        ),
    )
    model.objective = Objective(expr=sum(model.off.values()))
    return model


@pytest.mark.parametrize("name", ["highs", "scip"])
def test_a_search_is_limited_by_its_nodes(name):
    milp = frozenset({Capability.MILP})
    assert pr.Solver(name).counts_nodes(milp)
    limited = solve(market_split(), name, milp, nodes=3)
    assert limited.status is pr.Status.LIMIT
    whole = solve(market_split(), name, milp)
    assert whole.status is pr.Status.OPTIMAL
    assert limited.bound < whole.objective - 0.5


def test_what_would_not_be_done_in_time_is_left_out_of_bounds_which_still_hold():
    net, box = pr.Network.random((3, 9, 9), seed=2), Box.of((-1, 1), 3)
    for late, interval in zip(crown_bounds(net, box, deadline=OVER), interval_bounds(net, box), strict=True):
        np.testing.assert_array_equal(late.lower, interval.lower)
    x = net(np.array([0.3, -0.2, 0.5]))
    late = observed_region(net, Region.everything(net, box), Sought(x, "inf", 0.1), OVER)
    assert late.code.contains(np.array([0.3, -0.2, 0.5]))
    assert lp_region(net, late, deadline=OVER).width == late.width


def test_bounds_by_lps_count_their_work():
    net, box = pr.Network.random((4, 20, 30), seed=6), Box.of((-2, 2), 4)
    x = noisy(net, 1)
    region = observed_region(net, Region.everything(net, box), Sought(x, "inf", 0.5))
    little, much = (lp_region(net, region, work=work) for work in (1e3, 1e9))
    assert much.width < little.width <= region.width


def test_shares_of_a_limit():
    assert NO_LIMIT.share(0.5) is NO_LIMIT
    assert NO_LIMIT.affords(1e30)
    assert OVER.expired
    assert not OVER.affords(1.0)
    assert 4.0 < Deadline.after(10.0).share(0.5).left <= 5.0


def test_inversion_has_one_thread_of_linear_algebra_unless_it_is_given_more():
    from threadpoolctl import threadpool_info

    seen = []

    class Looking:
        def run(self, problem, solver):
            seen.append({library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"})
            return pr.Descent(starts=1).run(problem, solver)

    net = pr.Network.random((2, 4), seed=0)
    with pinned(2):  # whatever the environment says, there are two to begin with
        pass
    pr.invert(net, net([1.0, 1.0]), Looking())
    assert seen[0] <= {1}
    pr.invert(net, net([1.0, 1.0]), Looking(), solver=pr.Solver("highs", threads=2))
    assert seen[1] <= {1, 2}
