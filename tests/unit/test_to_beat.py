"""The search for codes that beat the incumbent, and what it means that there are none."""

import numpy as np
import pytest
from brute_force import optimum

import pyomo_relu as pr
from pyomo_relu.bounds import Region, Sought, crown_bounds, lagrangian_region, lp_region, observed_region
from pyomo_relu.certificate import BY_BOUNDS
from pyomo_relu.deadline import NO_LIMIT
from pyomo_relu.formulations import ENCODINGS
from pyomo_relu.inversion import proof
from pyomo_relu.inversion.incumbent import Incumbent
from pyomo_relu.inversion.program import build_program
from pyomo_relu.inversion.proof import prove
from pyomo_relu.inversion.task import Task
from pyomo_relu.problem import Problem
from pyomo_relu.solvers import Outcome, Solver, solve

BOX = pr.Box.of((-1, 1), 2)
BOX_ENDS = (BOX.lower, BOX.upper)


def noisy(seed):
    """A network with negative noise clipped away, so that its optimum is not settled by signs."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(4, 2)), rng.normal(size=(6, 4))]
    net = pr.Network.from_arrays(weights, [rng.normal(size=4), rng.normal(size=6)])
    return net, np.maximum(net(rng.uniform(-1, 1, 2)) + 0.3 * rng.normal(size=6), 0.0)


def incumbent_of(problem, norm, code):
    return Incumbent(code, problem.residual(code, norm), 0.0, "nobody", "given")


def test_bounds_that_cross_leave_no_region():
    net = pr.Network.from_arrays([[[1.0]]])
    far = pr.Box.of((2, 3), 1)
    assert observed_region(net, Region.everything(net, far), Sought(np.ones(1), "inf", 0.5)) is None
    region = observed_region(net, Region.everything(net, far), Sought(np.ones(1), "inf", 1.5))
    assert region.code.upper.tolist() == pytest.approx([2.5])
    assert region.intersect(Region(pr.Box.of((2.75, 3), 1), region.pre_activations)) is None


@pytest.mark.parametrize("norm", ["inf", 1])
@pytest.mark.parametrize("seed", range(8))
def test_a_region_is_none_only_where_no_code_is_as_near(seed, norm):
    net, x = noisy(seed)
    best = optimum(net, x, norm, *BOX_ENDS)
    for share in (0.05, 0.5, 0.9, 1.0 + 1e-6):
        most = share * best + (1e-9 if share > 1.0 else 0.0)
        task = Task(Problem.of(net, x, box=BOX), norm, ENCODINGS["big-m"])
        region = task.region(np.zeros(2), most)
        region = None if region is None else task.tightened(region, np.zeros(2), most, 1e9, NO_LIMIT)
        assert region is not None or share < 1.0


def test_bounds_alone_prove_that_a_code_is_the_best_one():
    proved = 0
    for seed in range(8):
        net, x = noisy(seed)
        problem = Problem.of(net, x, box=BOX)
        exact = pr.invert(net, x, pr.Exact("inf"), box=BOX)
        assert exact.status is pr.Status.OPTIMAL
        task = Task(problem, "inf", ENCODINGS["big-m"])
        # A bound is asked for that is half the optimum: then a search is not always needed.
        outcome, best = prove(task, incumbent_of(problem, "inf", exact.z), Solver(rel_gap=0.99), NO_LIMIT)
        assert outcome.status is pr.Status.OPTIMAL
        assert best.bound <= exact.residual + 1e-9
        assert best.code is exact.z
        proved += best.bound_by == BY_BOUNDS
    assert proved >= 4


@pytest.mark.parametrize("solver", ["highs", "scip"])
@pytest.mark.parametrize("seed", range(8))
def test_the_relaxed_program_holds_the_same_codes(seed, solver):
    net, x = noisy(seed)
    problem = Problem.of(net, x, box=BOX)
    best = optimum(net, x, "inf", *BOX_ENDS)
    region = Region(BOX, crown_bounds(net, BOX))
    encoding = ENCODINGS["big-m"]
    for most, status in ((1.5 * best, pr.Status.OPTIMAL), (0.95 * best, pr.Status.INFEASIBLE)):
        model = build_program(problem, region, encoding, "inf", most, outputs_right="relaxed")
        outcome = solve(model, solver, encoding.needs)
        assert outcome.status is status
        if status is pr.Status.OPTIMAL:
            code = np.array([v.value for v in model.z.values()])
            assert outcome.objective <= best + 1e-6
            assert problem.residual(code, "inf") <= most + 1e-5


@pytest.mark.parametrize("norm", ["inf", 1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_a_poor_incumbent_is_beaten(seed, norm):
    net, x = noisy(seed)
    problem = Problem.of(net, x, box=BOX)
    task = Task(problem, norm, ENCODINGS["big-m"])
    poor = incumbent_of(problem, norm, np.array([1.0, -1.0]))
    outcome, best = prove(task, poor, Solver(), NO_LIMIT)
    exact = pr.invert(net, x, pr.Exact(norm), box=BOX)
    assert outcome.status is exact.status is pr.Status.OPTIMAL
    assert best.residual == pytest.approx(exact.residual, abs=2e-5)
    assert best.bound <= exact.residual + 1e-9


@pytest.mark.parametrize("seed", [2, 3, 6])
def test_fits_and_lps_find_that_nothing_is_left(seed):
    net, x = noisy(seed)
    region = observed_region(
        net, Region.everything(net, BOX), Sought(x, "inf", 0.6 * optimum(net, x, "inf", *BOX_ENDS))
    )
    assert region is not None
    assert lagrangian_region(net, region) is None
    assert lp_region(net, region) is None


def test_a_solver_that_contradicts_itself_gets_a_program_with_the_incumbent(monkeypatch):
    calls = []

    def stumbling(*arguments, **settings):
        calls.append(arguments)
        if len(calls) == 1:
            return Outcome(pr.Status.SOLVER_ERROR, False, None, None, 0.0, "stub", "optimal, but without a solution")
        return solve(*arguments, **settings)

    monkeypatch.setattr(proof, "solve", stumbling)
    for seed in range(8):
        calls.clear()
        net, x = noisy(seed)
        problem = Problem.of(net, x, box=BOX)
        near = pr.invert(net, x, pr.Hybrid("inf"), box=BOX)
        outcome, best = prove(
            Task(problem, "inf", ENCODINGS["big-m"]), incumbent_of(problem, "inf", near.z), Solver(), NO_LIMIT
        )
        assert outcome.status is pr.Status.OPTIMAL
        assert best.bound <= best.residual + 1e-6
        assert len(calls) in (0, 2)
        if calls:
            return
    pytest.fail("no instance needed a search")


def test_no_program_with_the_incumbent_is_infeasible(monkeypatch):
    def infeasible(*_, **__):
        return Outcome(pr.Status.INFEASIBLE, False, None, None, 0.0, "stub", "")

    monkeypatch.setattr(proof, "solve", infeasible)
    net, x = noisy(0)
    problem = Problem.of(net, x, box=BOX)
    task, known = Task(problem, "inf", ENCODINGS["big-m"]), incumbent_of(problem, "inf", np.zeros(2))
    outcome, best = task.attempt(Region(BOX, crown_bounds(net, BOX)), known, Solver(), 2.0 * known.residual)
    assert outcome.status is pr.Status.SOLVER_ERROR
    assert outcome.message == "stub calls a model infeasible in which a known code lies"
    assert best.bound == 0.0


def test_a_search_that_met_x_before_its_time_was_up_has_the_optimum(monkeypatch):
    """The margin below such a residual is negative: no region holds codes that are nearer."""
    net, z = pr.Network.random((3, 10, 30), seed=0), np.array([0.5, -1.0, 0.3])
    problem = Problem.of(net, net(z), box=(-3, 3))

    def attempt(task, region, incumbent, *_, **__):
        said = Outcome(pr.Status.TIME_LIMIT, True, 1e-4, 0.0, 20.0, "stub", "")
        return said, Incumbent.better(incumbent, z, 3e-8, "stub")

    monkeypatch.setattr(Task, "attempt", attempt)
    task = Task(problem, "inf", ENCODINGS["big-m"])
    outcome, best = prove(task, incumbent_of(problem, "inf", np.zeros(3)), Solver("highs"), NO_LIMIT)
    assert outcome.status is pr.Status.OPTIMAL
    assert best.code is z
