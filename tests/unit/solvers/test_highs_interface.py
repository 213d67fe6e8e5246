"""The HiGHS interface: as Pyomo's own on random programs, and what Pyomo's own lacks."""

import gc
import io
import os
import signal
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Timer

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.contrib.solver.common.results import SolutionStatus, TerminationCondition
from pyomo.contrib.solver.common.util import NoDualsError, NoFeasibleSolutionError, NoOptimalSolutionError
from pyomo.environ import Binary, ConcreteModel, Constraint, Objective, SOSConstraint, Suffix, Var, maximize, value
from scipy.sparse import csr_matrix
from solver_programs import LP
from unit.solvers.random_models import programs

from pyomo_relu.errors import InputError, SolverConfigError
from pyomo_relu.solvers import LinearSession, Solver, solve
from pyomo_relu.solvers.highs_interface import LONG_ROWS, HighsDirect, algorithm
from pyomo_relu.solvers.linear_form import linear_form
from pyomo_relu.status import Status

QUIETLY = {"load_solutions": False, "raise_exception_on_nonoptimal_result": False}


def direct():
    return SolverFactory("pyomo_relu_highs")


@settings(deadline=None, max_examples=150)
@given(programs())
def test_ends_as_pyomos_own_interface_does(model):
    theirs = SolverFactory("highs").solve(model, **QUIETLY)
    ours = direct().solve(model, **QUIETLY)
    assert ours.solution_status == theirs.solution_status
    assert ours.termination_condition == theirs.termination_condition
    if ours.solution_status == SolutionStatus.optimal:
        assert ours.incumbent_objective == pytest.approx(theirs.incumbent_objective, abs=1e-6)
        # HiGHS stops at a relative gap of 1e-4.
        assert ours.objective_bound == pytest.approx(theirs.incumbent_objective, rel=1.01e-4, abs=1e-3)
        ours.solution_loader.load_solution()
        assert value(model.objective) == pytest.approx(ours.incumbent_objective, abs=1e-6)
        for row in model.component_data_objects(Constraint, active=True):
            assert row.slack() >= -1.001e-6  # HiGHS's tolerance, and rounding


@settings(deadline=None, max_examples=100)
@given(programs(integer=False))
def test_duals_and_reduced_costs_prove_the_optimum(model):
    """The Lagrangian's value at the duals is the optimum: strong duality, which shares no code with HiGHS."""
    results = direct().solve(model, **QUIETLY)
    if results.solution_status != SolutionStatus.optimal:
        return
    duals, reduced = results.solution_loader.get_duals(), results.solution_loader.get_reduced_costs()
    form = linear_form(model)
    y = np.array([0.0 if row is None else duals[row] for row in form.rows])
    price = form.cost - form.matrix.T @ y
    free = [j for j, v in enumerate(form.columns) if not v.fixed]
    np.testing.assert_allclose([reduced[form.columns[j]] for j in free], price[free], atol=1e-7)
    sign = -1.0 if form.maximise else 1.0
    side = np.where(sign * y > 0, form.row_lower, form.row_upper)
    ends = np.where(sign * price > 0, form.lower, form.upper)
    bound = form.offset + (y * np.where(np.abs(y) > 1e-9, side, 0.0)).sum() + price @ ends
    assert bound == pytest.approx(results.incumbent_objective, abs=1e-5)


def square(sign=1.0):
    model = ConcreteModel()
    model.x, model.y = Var(bounds=(-5, 5)), Var(bounds=(-5, 5))
    model.row = Constraint(expr=model.x + model.y >= 3)
    model.objective = Objective(expr=sign * (2 * model.x**2 + model.y**2 + model.x * model.y - model.y) + 1)
    return model


def test_a_convex_quadratic_objective():
    model = square()
    results = direct().solve(model)
    # On x + y = 3: 2 x^2 - 2 x + 7 with its least value at x = 1/2.
    assert results.incumbent_objective == pytest.approx(6.5, abs=1e-6)
    assert (model.x.value, model.y.value) == pytest.approx((0.5, 2.5), abs=1e-5)


def test_a_quadratic_objective_that_is_not_convex_is_no_optimum():
    results = direct().solve(square(-1.0), **QUIETLY)
    assert results.solution_status != SolutionStatus.optimal


def knapsack(n=60, rows=8):
    random = np.random.default_rng(0)
    weight = random.integers(1, 1000, (rows, n)).tolist()
    model = ConcreteModel()
    model.x = Var(range(n), domain=Binary)
    model.rows = Constraint(
        range(rows), rule=lambda m, i: sum(a * m.x[j] for j, a in enumerate(weight[i])) <= sum(weight[i]) // 2
    )
    model.objective = Objective(expr=sum((1000 + 7 * j % 13) * model.x[j] for j in range(n)), sense=maximize)
    return model


def test_a_milp_starts_from_the_values_of_its_variables():
    model = knapsack()
    bare = {"presolve": "off", "mip_heuristic_effort": 0.0, "mip_max_nodes": 0, "mip_max_leaves": 0}
    known = direct().solve(model, time_limit=3, **QUIETLY)
    known.solution_loader.load_solution()
    again = direct().solve(model, warmstart_discrete_vars=True, solver_options=bare, **QUIETLY)
    assert again.incumbent_objective >= known.incumbent_objective - 1e-6


def test_a_time_limit_is_one_call_s_though_the_object_lives_on():
    """HiGHS counts over the object's life; as a limit of it, the second call would end at once."""
    solver, model = direct(), knapsack(100, 15)
    spent = [solver.solve(model, time_limit=0.4, **QUIETLY).timing_info.wall_time for _ in range(3)]
    assert min(spent) > 0.35


def test_an_lp_that_is_lost_from_a_basis_is_solved_from_nothing():
    """Seen with HiGHS 1.15: 814 rows, 141 of them infeasible at the basis, and the run ends as "not set"."""
    model = ConcreteModel()
    model.x = Var(range(2), bounds=(0, 3))
    model.row = Constraint(expr=model.x[0] + 2 * model.x[1] >= 2)
    model.objective = Objective(expr=model.x[0] + model.x[1])
    calls = []

    class LosesTheSecond(HighsDirect):
        def _run(self, config):
            calls.append(self._solver_model.getBasis().valid)
            if len(calls) != 2:
                return super()._run(config)
            self._solver_model.clearSolver()
            return ""

    solver = LosesTheSecond()
    assert solver.solve(model).incumbent_objective == pytest.approx(1.0)
    model.x[1].setub(0.5)
    assert solver.solve(model).incumbent_objective == pytest.approx(1.5)
    assert calls == [False, True, False]


def test_options_are_of_one_call():
    solver, model = direct(), knapsack(15, 2)
    short = solver.solve(model, solver_options={"mip_max_nodes": 0, "presolve": "off"}, **QUIETLY)
    full = solver.solve(model, **QUIETLY)
    assert short.termination_condition == TerminationCondition.iterationLimit
    assert full.termination_condition == TerminationCondition.convergenceCriteriaSatisfied


def test_threads_may_change_wherever_and_by_whom_they_were_set():
    """HiGHS holds them for each Python thread: with another number it ends in an error."""

    def ends(threads):
        return direct().solve(square(), threads=threads, **QUIETLY).solution_status

    def another_runs_highs():
        highs = highspy.Highs()
        highs.silent()
        highspy.Highs.resetGlobalScheduler(True)
        highs.setOptionValue("threads", 3)
        highs.addVariable(0.0, 1.0)
        highs.run()

    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        found = [pool.submit(ends, threads).result(60) for pool, threads in ((first, 1), (second, 2), (first, 2))]
        second.submit(another_runs_highs).result(60)
        found += [second.submit(ends, threads).result(60) for threads in (2, None, 1)]
    assert found == [SolutionStatus.optimal] * 6


@pytest.mark.parametrize("option", [{"no_such_thing": 1}, {"presolve": "perhaps"}, {"mip_max_nodes": "many"}])
def test_an_option_that_highs_refuses_is_an_error(option):
    with pytest.raises(SolverConfigError, match=f"HiGHS option '{next(iter(option))}': value .* is refused"):
        direct().solve(square(), solver_options=option)


def test_the_log_is_captured_where_asked_for(capfd):
    stream = io.StringIO()
    results = direct().solve(square(), tee=[stream])
    assert results.solver_log.strip()
    assert stream.getvalue() == results.solver_log
    assert direct().solve(square()).solver_log == ""
    assert capfd.readouterr() == ("", "")


def test_what_is_missing_is_an_exception_of_pyomos():
    model = square()
    model.never = Constraint(expr=model.x >= 6)
    with pytest.raises(NoOptimalSolutionError):
        direct().solve(model)
    with pytest.raises(NoFeasibleSolutionError):
        direct().solve(model, raise_exception_on_nonoptimal_result=False)
    with pytest.raises(NoDualsError):
        direct().solve(knapsack(5, 1)).solution_loader.get_duals()


def test_duals_come_through_a_suffix():
    model = ConcreteModel()
    model.x = Var(bounds=(0, 4))
    model.row = Constraint(expr=2 * model.x <= 6)
    model.objective = Objective(expr=3 * model.x, sense=maximize)
    model.dual = Suffix(direction=Suffix.IMPORT)
    direct().solve(model)
    assert model.dual[model.row] == pytest.approx(1.5)


def test_what_has_no_place_in_an_lp_is_named():
    model = square()
    model.z = Var(range(2), bounds=(0, 1))
    model.one = SOSConstraint(var=model.z, sos=1)
    with pytest.raises(InputError, match="one is a SOSConstraint"):
        direct().solve(model)
    model.del_component(model.one)
    model.second = Objective(expr=model.x)
    with pytest.raises(InputError, match="2 active objectives"):
        direct().solve(model)
    model.second.deactivate()
    model.curve = Constraint(expr=model.x**2 <= 1)
    with pytest.raises(InputError, match="curve is not linear"):
        direct().solve(model)


@pytest.mark.parametrize(
    ("k", "warm", "chosen"), [(10, False, "simplex"), (LONG_ROWS, False, "ipx"), (LONG_ROWS, True, "simplex")]
)
def test_the_algorithm_goes_by_the_length_of_the_rows(k, warm, chosen):
    model = ConcreteModel()
    model.x = Var(range(k), bounds=(0, 1))
    model.rows = Constraint(range(3), rule=lambda m, i: sum((1.0 + i * j) * m.x[j] for j in range(k)) >= 1)
    model.objective = Objective(expr=model.x[0])
    assert algorithm(linear_form(model), warm) == chosen


# ---- what HiGHS prints, and Ctrl-C


def test_nothing_is_printed_wherever_highs_is_made():
    """HiGHS 1.16 prints who it is, once in a process, where its callbacks are enabled."""
    for made in (
        "quiet_highs import QuietHighs; QuietHighs()",
        "backends.highs import check_option; check_option('presolve', 'off')",
        "linear_session import LinearSession as L; import numpy as n; from scipy.sparse import csr_matrix as c; "
        "L(c([[1.0]]), n.zeros(1), n.ones(1), n.zeros(1), n.ones(1)).lower_bound(n.ones(1))",
    ):
        code = f"from pyomo_relu.solvers.{made}"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_ends_an_lp_and_is_told():
    random, m, n = np.random.default_rng(0), 1500, 1000
    matrix = csr_matrix(random.normal(size=(m, n)))
    session = LinearSession(matrix, -np.ones(m), np.ones(m), np.full(n, -9.0), np.full(n, 9.0), options={})
    cost = random.normal(size=n)
    pressed = Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    pressed.start()
    with pytest.raises(KeyboardInterrupt):
        session.minimise(cost)
    session.highs.setOptionValue("simplex_iteration_limit", 3)
    assert session.minimise(cost) == highspy.HighsModelStatus.kIterationLimit  # it is not stopped for good


@pytest.mark.parametrize("kind", ["dual", "rc"])
@pytest.mark.parametrize("name", ["pyomo_relu_highs", "pyomo_relu_scip"])
def test_duals_that_are_not_to_be_had_are_refused_in_words(kind, name):
    model = ConcreteModel()
    model.z = Var(domain=Binary)
    model.y = Var(bounds=(0, 3))
    model.link = Constraint(expr=model.z + model.y >= 1.5)
    model.objective = Objective(expr=model.y + 2 * model.z)
    model.add_component(kind, Suffix(direction=Suffix.IMPORT))
    with pytest.raises(InputError, match=f"suffix {kind} asks for .*: deactivate it, or"):
        SolverFactory(name).solve(model)
    model.component(kind).deactivate()
    assert SolverFactory(name).solve(model).solution_status == SolutionStatus.optimal


def test_an_incumbent_is_loaded_without_duals():
    random, n = np.random.default_rng(0), 60
    model = ConcreteModel()
    model.x = Var(range(n), bounds=(0, 1))
    model.rows = Constraint(
        range(n), rule=lambda m, i: sum(a * m.x[j] for j, a in enumerate(random.uniform(size=n).tolist())) <= n / 8
    )
    model.objective = Objective(expr=sum(model.x[j] for j in range(n)), sense=maximize)
    model.dual = Suffix(direction=Suffix.IMPORT)
    assert solve(model, "highs", LP).status is Status.OPTIMAL
    assert len(model.dual) == n
    outcome = solve(model, Solver("highs", options={"simplex_iteration_limit": 1, "presolve": "off"}), LP)
    assert outcome.status is Status.LIMIT
    assert len(model.dual) == 0


@pytest.mark.parametrize("name", ["pyomo_relu_highs", "pyomo_relu_scip"])
def test_no_garbage_collector_is_needed(name):
    """It does not know how large a solver's memory is, and may come after hundreds of them."""
    gc.collect()
    gc.disable()
    try:
        interface = SolverFactory(name)
        results = interface.solve(square())
        held = weakref.ref(interface._solver_model) if name == "pyomo_relu_highs" else weakref.ref(interface)
        del interface
        assert results.solution_loader.get_number_of_solutions() == 1
        assert held() is None
    finally:
        gc.enable()
