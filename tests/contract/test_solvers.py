"""Every solver of the registry, on every way in which a program can end."""

import math

import numpy as np
import pytest
from pyomo.common import dependencies
from pyomo.environ import (
    ConcreteModel,
    Constraint,
    Integers,
    Objective,
    Reals,
    SOSConstraint,
    Var,
    maximize,
    minimize,
)
from scipy.sparse import csr_matrix
from solver_here import probed
from solver_programs import (
    LP,
    MILP,
    assert_bound,
    assert_holds,
    assert_untouched,
    impossible_lp,
    impossible_milp,
    lp,
    milp,
)

from pyomo_relu.errors import CapabilityError
from pyomo_relu.solvers import BACKENDS, Capability, MatrixRows, Solver, solve
from pyomo_relu.status import Status

SOS1 = frozenset({Capability.MILP, Capability.SOS1})
MIQP = frozenset({Capability.MILP, Capability.MIQP})
BILINEAR = frozenset({Capability.BILINEAR})


def constant_objective(build):
    m = build()
    m.objective.set_value(7.0)
    return m


def no_constraints():
    m = ConcreteModel()
    m.x, m.y = Var(bounds=(-2, 3)), Var(bounds=(1, 2))
    m.objective = Objective(expr=m.x - m.y)
    return m


def nothing_to_decide():
    m = ConcreteModel()
    m.x = Var(bounds=(-2, 3))
    m.objective = Objective(expr=3.0)
    return m


def fixed(x=2.0, y=None):
    m = lp()
    m.x.fix(x)
    if y is not None:
        m.y.fix(y)
    return m


def in_no_row(in_objective):
    m = lp()
    m.z = Var(bounds=(1, 2))
    if in_objective:
        m.objective.set_value(m.objective.expr + m.z)
    return m


def ranges():
    m = ConcreteModel()
    m.x, m.y = Var(bounds=(-5, 5)), Var(bounds=(-5, 5))
    m.range = Constraint(expr=(1, m.x + m.y, 2))
    m.equality = Constraint(expr=m.x - m.y == 0.5)
    m.objective = Objective(expr=m.x, sense=maximize)
    return m


def sos1():
    m = ConcreteModel()
    m.x = Var(range(3), bounds=(0, 1))
    m.row = Constraint(expr=m.x[0] + m.x[1] + m.x[2] <= 2.5)
    m.one = SOSConstraint(var=m.x, sos=1)
    m.objective = Objective(expr=2 * m.x[0] + 3 * m.x[1] + m.x[2], sense=maximize)
    return m


def miqp(quadratic_row):
    m = ConcreteModel()
    m.x, m.y, m.t = Var(domain=Integers, bounds=(-5, 5)), Var(bounds=(-5, 5)), Var(bounds=(0, 100))
    square = (m.x - 0.6) ** 2 + (m.y - 0.3) ** 2
    m.row = Constraint(expr=m.x + m.y >= 1.2)
    m.quadratic = Constraint(expr=square <= m.t) if quadratic_row else Constraint(expr=m.t >= 0)
    m.objective = Objective(expr=m.t if quadratic_row else square + m.t)
    return m


def bilinear():
    m = ConcreteModel()
    m.x, m.y = Var(bounds=(0, 2)), Var(bounds=(0, 2))
    m.product = Constraint(expr=m.x * m.y >= 1)
    m.objective = Objective(expr=2 * m.x + m.y)
    return m


def idle(rows, in_goal):
    """Variables whose coefficients are all zero, in the objective and in rows; their ranges leave zero out."""
    m = ConcreteModel()
    m.x = Var(bounds=(0, 5))
    m.y = Var(range(2), bounds=(1, 2))
    if rows:
        m.row = Constraint(expr=m.x >= 3)
    m.rows = MatrixRows([0, 1], csr_matrix([[0.0], [0.0]]), [m.y[0]], np.full(2, -1.0), np.array([0.0, np.inf]))
    m.objective = Objective(expr=m.x + 0.0 * m.y[1] if in_goal else 7.0 + 0.0 * m.y[1])
    return m


def box(sense=minimize):
    """No row at all: each variable goes to an end of its range."""
    m = ConcreteModel()
    m.x, m.y = Var(bounds=(-1, 2)), Var(bounds=(-3.5, 4.5), domain=Integers)
    m.objective = Objective(expr=m.x - 2 * m.y + 1, sense=sense)
    return m


def fixed_rows(side):
    m = box()
    m.w = Var(bounds=(0, 9), initialize=2.0)
    m.w.fix()
    m.row = Constraint(expr=3 * m.w <= side)
    return m


OPTIMA = {
    "zeros in rows, one row": (lambda: idle(True, True), LP, 3.0),
    "zeros in rows, no row, constant objective": (lambda: idle(False, False), LP, 7.0),
    "zeros in rows, no row": (lambda: idle(False, True), LP, 0.0),
    "no rows, min": (box, MILP, -8.0),
    "no rows, max": (lambda: box(maximize), MILP, 9.0),
    "fixed variables in the only row": (lambda: fixed_rows(6.0), MILP, -8.0),
    "fixed variables in the only row, within the tolerance": (lambda: fixed_rows(6.0 - 1e-10), MILP, -8.0),
    "LP, min": (lp, LP, 5.0),
    "LP, max": (lambda: lp(maximize), LP, 15.0),
    "MILP, min": (milp, MILP, -20.0),
    "MILP, max": (lambda: milp(maximize), MILP, 22.0),
    "LP, constant objective": (lambda: constant_objective(lp), LP, 7.0),
    "MILP, constant objective": (lambda: constant_objective(milp), MILP, 7.0),
    "no constraints": (no_constraints, LP, -4.0),
    "no variables": (nothing_to_decide, LP, 3.0),
    "fixed variable": (fixed, LP, 6.0),
    "all variables fixed": (lambda: fixed(2.0, 1.0), LP, 7.0),
    "a variable nowhere": (lambda: in_no_row(False), LP, 5.0),
    "a variable in the objective only": (lambda: in_no_row(True), LP, 6.0),
    "range and equality": (ranges, LP, 1.25),
    "SOS1": (sos1, SOS1, 3.0),
    "MIQP": (lambda: miqp(False), MIQP, 0.16),
    "MIQP, quadratic row": (lambda: miqp(True), MIQP, 0.16),
    "bilinear": (bilinear, BILINEAR, math.sqrt(8.0)),
}


@pytest.mark.parametrize("case", OPTIMA)
def test_optimum(backend, case):
    build, needs, optimum = OPTIMA[case]
    model = build()
    if not needs <= backend.supports:
        with pytest.raises(CapabilityError, match=r"does not take .* models here; these do: .*scip"):
            solve(model, Solver(backend.name), needs)
        return
    outcome = solve(model, Solver(backend.name), needs)
    assert outcome.status is Status.OPTIMAL
    assert_holds(model, outcome)
    assert outcome.objective == pytest.approx(optimum, abs=1e-6)
    assert_bound(outcome, model.objective.sense, optimum)
    assert outcome.message == ""
    assert outcome.solver.startswith(backend.title)
    assert outcome.seconds > 0.0


def crossed_bounds():
    m = lp()
    m.z = Var(bounds=(2, 1))
    m.third = Constraint(expr=m.x + m.z <= 9)
    return m


def empty_range(low, high, domain):
    m = ConcreteModel()
    m.x = Var(bounds=(low, high), domain=domain)
    m.objective = Objective(expr=m.x)
    return m


INFEASIBLE = {
    "LP, by presolve": (lambda: impossible_lp(True), LP),
    "LP, by simplex": (lambda: impossible_lp(False), LP),
    "MILP": (impossible_milp, MILP),
    "fixed variables": (lambda: fixed(2.0, 5.0), LP),
    "crossed bounds": (crossed_bounds, LP),
    "fixed variables in the only row": (lambda: fixed_rows(5.0), MILP),
    "crossed bounds, no row": (lambda: empty_range(1.0, 0.5, Reals), LP),
    "no whole number in the bounds, no row": (lambda: empty_range(0.2, 0.8, Integers), MILP),
}


@pytest.mark.parametrize("case", INFEASIBLE)
def test_infeasible(backend, case):
    build, needs = INFEASIBLE[case]
    model = build()
    outcome = solve(model, Solver(backend.name), needs)
    assert outcome.status in (Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED)
    assert_untouched(model, outcome)
    assert outcome.bound is None


@pytest.mark.parametrize("sense", [minimize, maximize])
@pytest.mark.parametrize("needs", [LP, MILP], ids=["LP", "MILP"])
def test_unbounded(backend, needs, sense):
    model = ConcreteModel()
    model.x = Var(domain=Integers) if needs is MILP else Var()
    model.y = Var(bounds=(0, None))
    model.row = Constraint(expr=3 * model.x + 7 * model.y <= 3.5)
    model.objective = Objective(expr=model.x if sense == minimize else -model.x, sense=sense)
    outcome = solve(model, Solver(backend.name), needs)
    assert outcome.status in (Status.UNBOUNDED, Status.INFEASIBLE_OR_UNBOUNDED)
    assert_untouched(model, outcome)
    assert outcome.bound is None


@pytest.mark.parametrize("sense", [minimize, maximize])
def test_unbounded_without_a_row(backend, sense):
    model = ConcreteModel()
    model.x = Var(bounds=(None, 3) if sense == minimize else (3, None))
    model.objective = Objective(expr=2 * model.x, sense=sense)
    outcome = solve(model, Solver(backend.name), LP)
    assert outcome.status in (Status.UNBOUNDED, Status.INFEASIBLE_OR_UNBOUNDED)
    assert_untouched(model, outcome)


def test_no_lock_of_pyomos_is_waited_for(backend):
    """Forked relatives share it; one that was killed may have taken it along."""
    with dependencies.capture_output_lock:
        assert solve(milp(), backend.name, MILP).status is Status.OPTIMAL
    assert dependencies.capture_output_lock.acquire(timeout=1.0)
    dependencies.capture_output_lock.release()


def test_a_large_model_is_solved_or_said_to_be_too_large(backend):
    n = 6_000
    model = ConcreteModel()
    model.x = Var(range(n), bounds=(0, 1))
    model.pairs = Constraint(range(0, n, 2), rule=lambda m, i: m.x[i] + m.x[i + 1] >= 1)
    model.objective = Objective(expr=sum(model.x[i] for i in range(n)))
    outcome = solve(model, Solver(backend.name), LP)
    assert outcome.status in (Status.OPTIMAL, Status.SIZE_LIMIT)
    if outcome.status is Status.SIZE_LIMIT:
        assert_untouched(model, outcome)
        assert outcome.message
    else:
        assert outcome.objective == pytest.approx(n / 2)


# ---- also where a solver does not run


@pytest.mark.parametrize("name", BACKENDS)
def test_probe(name):
    found = probed(name)
    assert found.name == name
    assert found.runs == (found.reason == "")
    assert found.install
    assert found.supports[:2] == ("LP", "MILP")
    assert found.version is not None or not found.runs


@pytest.mark.parametrize("name", [name for name in BACKENDS if BACKENDS[name].version() is not None])
def test_a_solver_that_is_installed_runs_or_says_that_a_licence_is_missing(name):
    model = lp()
    outcome = solve(model, Solver(name), LP)
    if probed(name).runs:
        assert outcome.status is Status.OPTIMAL
    else:
        assert outcome.status is Status.NO_LICENSE
        assert_untouched(model, outcome)
        assert outcome.message
