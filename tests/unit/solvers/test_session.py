"""`Session` ends as a fresh solve does; `LinearSession`'s bounds stand whatever HiGHS did before."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.environ import Binary, ConcreteModel, Constraint, Objective, Var, maximize, minimize
from scipy.sparse import csr_matrix
from unit.solvers.random_models import programs

from pyomo_relu.deadline import Deadline
from pyomo_relu.errors import InputError
from pyomo_relu.pyomo_names import HIGHS
from pyomo_relu.solvers import BACKENDS, Capability, LinearSession, MatrixRows, Session, Solver, solve
from pyomo_relu.solvers.adapter import Contrib
from pyomo_relu.status import Status


@pytest.mark.parametrize("threads", [1, 2, None])
def test_bounds_do_not_depend_on_the_threads_of_earlier_solves(threads):
    model = ConcreteModel()
    model.x = Var(range(3), domain=Binary)
    model.row = Constraint(expr=3 * model.x[0] + 5 * model.x[1] + 4 * model.x[2] >= 6)
    model.objective = Objective(expr=model.x[0] + 2 * model.x[1] + model.x[2])
    outcome = solve(model, Solver("highs", threads=threads), frozenset({Capability.MILP}))
    assert outcome.status is Status.OPTIMAL
    one_row, no_end = csr_matrix(np.array([[1.0, 1.0]])), np.array([np.inf])
    session = LinearSession(one_row, np.array([1.0]), no_end, np.zeros(2), np.ones(2))
    assert session.lower_bound(np.array([1.0, 2.0])) == pytest.approx(1.0, abs=1e-9)
    assert session.lower_bound(np.array([1.0, 2.0])) <= 1.0


def test_no_lp_goes_on_after_its_stop_and_its_bound_still_stands():
    rng = np.random.default_rng(0)
    rows = csr_matrix(rng.normal(size=(250, 250)))
    values, cost = rng.uniform(-1.0, 1.0, 250), rng.normal(size=250)
    box = (rows @ values - 1.0, rows @ values + 1.0, np.full(250, -5.0), np.full(250, 5.0))
    started = time.perf_counter()
    late = LinearSession(rows, *box, deadline=Deadline(started)).lower_bound(cost)
    assert time.perf_counter() - started < 5.0
    optimum = LinearSession(rows, *box).lower_bound(cost)
    assert late < optimum <= cost @ values


def change(model, random):
    """Change a model at random, in one of the ways in which models change."""
    m, n = model.rows.matrix.shape
    variable = model.x[int(random.integers(n))]
    kind = random.integers(7)
    if kind == 0:
        shift = random.integers(-2, 3, m)
        model.rows.update(row_lower=model.rows.row_lower + shift, row_upper=model.rows.row_upper + shift)
    elif kind == 1:
        model.rows.update(matrix=csr_matrix(random.integers(-4, 5, (m, n)).astype(float)))
    elif kind == 2:
        variable.unfix() if variable.fixed else variable.fix(float(random.integers(-2, 3)))
    elif kind == 3:
        variable.setub(float(random.integers(0, 6)))
    elif kind == 4:
        cost = random.normal(size=n).tolist()
        model.objective.set_value(sum(c * v for c, v in zip(cost, model.x.values(), strict=True)))
    elif kind == 5:
        model.most.deactivate() if model.most.active else model.most.activate()
    else:
        model.objective.sense = maximize if model.objective.sense == minimize else minimize


@pytest.mark.parametrize("solver", ["highs", "scip"])
@settings(deadline=None, max_examples=60)
@given(model=programs(), seed=st.integers(0, 1000))
def test_a_session_ends_as_a_fresh_solve_does_after_any_change(solver, model, seed):
    needs, random = frozenset({Capability.MILP}), np.random.default_rng(seed)
    session = Session(model, solver, needs)
    for _ in range(5):
        kept, fresh = session.solve(), solve(model.clone(), solver, needs)
        assert kept.status is fresh.status
        if fresh.has_solution:
            assert kept.objective == pytest.approx(fresh.objective, abs=1e-5)
        change(model, random)


def test_a_session_starts_from_its_last_basis(monkeypatch):
    steps = []

    def count(interface, read):
        steps.append(interface._solver_model.getInfo().simplex_iteration_count)
        return read

    counting = replace(
        BACKENDS["highs"], adapter=lambda: Contrib(SolverFactory(HIGHS), corrected=count, persistent=True)
    )
    monkeypatch.setitem(BACKENDS, "highs", counting)
    rng = np.random.default_rng(0)
    model = ConcreteModel()
    model.x = Var(range(20), bounds=(-1, 1))
    sides = rng.uniform(0.0, 1.0, 40)
    variables, cost = list(model.x.values()), rng.normal(size=20).tolist()
    model.rows = MatrixRows(range(40), csr_matrix(rng.normal(size=(40, 20))), variables, sides - 9, sides)
    model.objective = Objective(expr=sum(c * v for c, v in zip(cost, variables, strict=True)))
    session = Session(model, "highs", frozenset({Capability.LP}))
    for shift in (0.0, 0.0, 0.01):
        model.rows.update(row_upper=sides + shift)
        assert session.solve().status is Status.OPTIMAL
    assert steps[0] > 5
    assert steps[1] == 0
    assert steps[2] < steps[0] / 2


def test_a_session_says_at_the_door_what_is_wrong():
    with pytest.raises(InputError, match="no active objective"):
        Session(ConcreteModel(), "highs", frozenset({Capability.LP}))
