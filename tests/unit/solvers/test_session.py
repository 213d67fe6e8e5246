"""`LinearSession`: its bounds stand whatever HiGHS did before."""

import numpy as np
import pytest
from pyomo.environ import Binary, ConcreteModel, Constraint, Objective, Var
from scipy.sparse import csr_matrix

from pyomo_relu.solvers import Capability, LinearSession, Solver, solve
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
