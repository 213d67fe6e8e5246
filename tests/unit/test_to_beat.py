"""The search for codes that beat the incumbent, and what it means that there are none."""

import numpy as np
import pytest
from brute_force import optimum
from tiny_networks import clipped

import pyomo_relu as pr
from pyomo_relu.bounds import Region, Sought, crown_bounds, lagrangian_region, lp_region, observed_region
from pyomo_relu.certificate import BY_BOUNDS
from pyomo_relu.deadline import NO_LIMIT
from pyomo_relu.formulations import ENCODINGS
from pyomo_relu.inversion.incumbent import Incumbent
from pyomo_relu.inversion.program import build_program
from pyomo_relu.inversion.proof import prove
from pyomo_relu.inversion.task import Task
from pyomo_relu.problem import Problem
from pyomo_relu.solvers import ABS_GAP, Outcome, Solver, solve

BOX = pr.Box.of((-1, 1), 2)
BOX_ENDS = (BOX.lower, BOX.upper)


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
    net, x = clipped(seed)
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
        net, x = clipped(seed)
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
    net, x = clipped(seed)
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
    net, x = clipped(seed)
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
    net, x = clipped(seed)
    region = observed_region(
        net, Region.everything(net, BOX), Sought(x, "inf", 0.6 * optimum(net, x, "inf", *BOX_ENDS))
    )
    assert region is not None
    assert lagrangian_region(net, region) is None
    assert lp_region(net, region) is None


def test_a_solver_that_contradicts_itself_gets_a_program_with_the_incumbent(scripted):
    def stumbling(solve):
        return Outcome(pr.Status.OPTIMAL, False, None, None) if solve.number == 1 else solve.honestly()

    asked_twice = 0
    for seed in range(8):
        net, x = clipped(seed)
        calls = scripted(stumbling)
        found = pr.invert(net, x, pr.Exact(), box=BOX, solver="scripted")
        assert found.status is pr.Status.OPTIMAL
        assert found.residual == pytest.approx(optimum(net, x, "inf", *BOX_ENDS), abs=1e-6)
        assert len(calls) in (0, 2)
        asked_twice += len(calls) == 2
    assert asked_twice


def test_no_program_with_the_incumbent_is_infeasible(scripted):
    def lying(solve):
        return Outcome.without_point(pr.Status.SOLVER_ERROR if solve.number == 1 else pr.Status.INFEASIBLE)

    net, x = clipped(2)
    calls = scripted(lying)
    found = pr.invert(net, x, pr.Exact(), box=BOX, solver="scripted")
    assert len(calls) == 2
    assert found.status is pr.Status.SOLVER_ERROR
    assert found.message == "Scripted 1.0 calls a model infeasible in which a known code lies"
    assert found.z is not None
    assert found.dual_bound < found.residual


def test_a_search_that_met_x_before_its_time_was_up_has_the_optimum(scripted):
    """The margin below such a residual is negative: no region holds codes that are nearer."""
    z = np.random.default_rng(0).uniform(-1, 1, 3)
    net = pr.Network.random((3, 4, 4, 3), seed=0)
    near = z + 1e-8

    def met(solve):
        for variable, entry in zip(solve.model.z.values(), near.tolist(), strict=True):
            variable.set_value(entry)
        return Outcome(pr.Status.TIME_LIMIT, True, 1e-8, 0.0)

    calls = scripted(met)
    found = pr.invert(net, net(z), pr.Exact(starts=0), box=(-3, 3), solver="scripted")
    assert len(calls) == 1
    assert 0.0 < found.residual < ABS_GAP / 2.0
    assert found.status is pr.Status.OPTIMAL
    assert found.z.tolist() == near.tolist()
