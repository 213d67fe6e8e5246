"""Programs whose endings are known, and what must hold of an outcome."""

import math

import numpy as np
import pytest
from pyomo.environ import (
    Binary,
    ConcreteModel,
    Constraint,
    ConstraintList,
    Integers,
    Objective,
    Var,
    maximize,
    minimize,
    value,
)

from pyomo_relu.solvers import Capability

LP = frozenset({Capability.LP})
MILP = frozenset({Capability.MILP})


def violation(model):
    """How far the variables' values are from meeting the constraints, the bounds and integrality."""
    worst = 0.0
    for row in model.component_data_objects(Constraint, active=True):
        body = value(row.body)
        scale = max(1.0, abs(value(row.lower or 0.0)), abs(value(row.upper or 0.0)))
        worst = max(
            worst,
            0.0 if row.lower is None else (value(row.lower) - body) / scale,
            0.0 if row.upper is None else (body - value(row.upper)) / scale,
        )
    for variable in model.component_data_objects(Var):
        if variable.value is not None:
            worst = max(worst, -math.inf if variable.lb is None else variable.lb - variable.value)
            worst = max(worst, -math.inf if variable.ub is None else variable.value - variable.ub)
            worst = max(worst, abs(variable.value - round(variable.value)) if variable.is_integer() else 0.0)
    return worst


def assert_holds(model, outcome):
    """The model holds the solution that the outcome tells of."""
    assert outcome.has_solution
    assert outcome.objective == pytest.approx(value(model.objective), rel=1e-7, abs=1e-7)
    assert violation(model) <= 2e-6


def assert_untouched(model, outcome):
    """There is no solution, and the model was given none."""
    assert not outcome.has_solution
    assert outcome.objective is None
    assert all(v.value is None for v in model.component_data_objects(Var) if not v.fixed)


def assert_bound(outcome, sense, optimum=None):
    """The bound is on the right side of the optimum (default: of the incumbent)."""
    if "CBC devel" in outcome.solver:
        assert outcome.bound is None  # it does not keep its own tolerances
        return
    optimum = outcome.objective if optimum is None else optimum
    sign = 1.0 if sense == minimize else -1.0
    assert sign * outcome.bound <= sign * optimum + 1e-6 * max(1.0, abs(optimum))


def lp(sense=minimize):
    m = ConcreteModel()
    m.x = Var(bounds=(0, 4))
    m.y = Var(bounds=(0, None))
    m.first = Constraint(expr=m.x + 2 * m.y <= 6)
    m.second = Constraint(expr=m.x - m.y >= -1)
    sign = -1 if sense == minimize else 1
    m.objective = Objective(expr=sign * (m.x + m.y) + 10, sense=sense)
    return m


def one_row():
    m = ConcreteModel()
    m.x = Var(bounds=(0, 4))
    m.row = Constraint(expr=2 * m.x <= 6)
    m.objective = Objective(expr=-m.x)
    return m


def milp(sense=minimize):
    m = ConcreteModel()
    m.x = Var(range(4), domain=Binary)
    weight, worth = (5, 7, 4, 3), (8, 11, 6, 4)
    m.row = Constraint(expr=sum(weight[i] * m.x[i] for i in range(4)) <= 14)
    sign = -1 if sense == minimize else 1
    m.objective = Objective(expr=sign * sum(worth[i] * m.x[i] for i in range(4)) + 1, sense=sense)
    return m


def impossible_lp(presolve_sees_it):
    m = ConcreteModel()
    m.x = Var(range(3), bounds=(0, 1))
    for i in range(3):
        m.add_component(f"pair_{i}", Constraint(expr=m.x[i] + m.x[(i + 1) % 3] >= 1.5))
    m.sum = Constraint(expr=m.x[0] + m.x[1] + m.x[2] <= (1.0 if presolve_sees_it else 2.2))
    m.objective = Objective(expr=m.x[0])
    return m


def impossible_milp():
    m = ConcreteModel()
    m.x = Var(range(2), domain=Integers, bounds=(0, 10))
    m.parity = Constraint(expr=2 * m.x[0] + 2 * m.x[1] == 7)
    m.objective = Objective(expr=m.x[0], sense=maximize)
    return m


def knapsack(n, rows, sense=maximize):
    """``rows`` knapsacks at once: points are plenty, a proof of the best takes for ever."""
    random = np.random.default_rng(0)
    weight = random.integers(1, 1000, (rows, n))
    worth = weight.sum(axis=0) / rows + random.integers(0, 500, n)
    m = ConcreteModel()
    m.x = Var(range(n), domain=Binary)
    m.rows = ConstraintList()
    for row in weight.tolist():
        m.rows.add(sum(a * m.x[j] for j, a in enumerate(row)) <= sum(row) // 2)
    sign = 1.0 if sense == maximize else -1.0
    m.objective = Objective(expr=sum(sign * c * m.x[j] for j, c in enumerate(worth.tolist())), sense=sense)
    return m


def market_split(n, rows):
    """Equations over binaries, of which nobody finds a point."""
    weight = np.random.default_rng(0).integers(0, 100, (rows, n))
    m = ConcreteModel()
    m.x = Var(range(n), domain=Binary)
    m.rows = ConstraintList()
    for row in weight.tolist():
        m.rows.add(sum(a * m.x[j] for j, a in enumerate(row)) == sum(row) // 2)
    m.objective = Objective(expr=sum((1 + j % 3) * m.x[j] for j in range(n)))
    return m
