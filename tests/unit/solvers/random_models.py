"""Small random programs for the tests of the interfaces."""

import numpy as np
from hypothesis import strategies as st
from pyomo.environ import ConcreteModel, Constraint, Integers, Objective, Reals, Var, maximize, minimize
from scipy.sparse import csr_matrix

from pyomo_relu.solvers import MatrixRows


@st.composite
def programs(draw, integer=None):
    """Draw an LP or MILP over a box: rows of a matrix, ordinary ones and a range; a variable may be fixed."""
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    n, m = draw(st.integers(1, 6)), draw(st.integers(0, 6))
    whole = draw(st.booleans()) if integer is None else integer
    model = ConcreteModel()
    kinds = [Integers if whole and j % 2 == 0 else Reals for j in range(n)]
    model.x = Var(range(n), bounds=(-5, 5), domain=lambda _, j: kinds[j])
    variables = list(model.x.values())
    matrix = random.integers(-4, 5, (m, n)).astype(float)
    centre = matrix @ random.integers(-3, 4, n)
    lower = np.where(random.random(m) < 0.5, -np.inf, centre - random.integers(0, 3, m))
    upper = np.where(random.random(m) < 0.3, np.inf, centre + random.integers(0, 3, m))
    model.rows = MatrixRows(range(m), csr_matrix(matrix), variables, lower, upper)
    more = random.integers(-4, 5, (2, n)).tolist()
    model.most = Constraint(expr=sum(a * v for a, v in zip(more[0], variables, strict=True)) + model.x[0] <= 12.0)
    model.range = Constraint(expr=(-9, sum(a * v for a, v in zip(more[1], variables, strict=True)) + model.x[0], 9))
    cost = random.integers(-5, 6, n).tolist()
    sense = draw(st.sampled_from([minimize, maximize]))
    goal = sum((c * v for c, v in zip(cost, variables, strict=True)), 1.5)
    model.objective = Objective(expr=goal, sense=sense)
    if n > 2 and draw(st.booleans()):
        model.x[1].fix(float(random.integers(-2, 3)))
    return model
