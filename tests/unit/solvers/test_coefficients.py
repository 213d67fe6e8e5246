"""What solvers drop of a model, and what is no number in it: neither makes a claim."""

import re

import numpy as np
import pytest
from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.environ import Any, ConcreteModel, Constraint, Objective, Param, Var
from scipy.sparse import csr_matrix

import pyomo_relu as pr
from pyomo_relu.errors import InputError
from pyomo_relu.solvers import BACKENDS, Capability, LinearSession, MatrixRows, Session, Solver, probe, solve
from pyomo_relu.solvers.coefficients import changed_row
from pyomo_relu.status import Status

LP = frozenset({Capability.LP})
LARGE = 2e5
KEEP_ALL = ("cbc", "glpk")
WEIGHT = np.array([[1.0, 9e-10], [1.0, -9e-10], [0.5, 3e-10], [0.2, 8e-10]])


def model(*, as_matrix, most=None, sides=(1e-4, None)):
    """``min x0`` where ``x0 + 9e-10 x1`` has a side: its second term matters where x1 may be large."""
    m = ConcreteModel()
    m.x = Var(range(2), bounds=(0, most))
    m.x[0].setub(1)
    if as_matrix:
        low, high = (np.array([-np.inf if s is None else s]) for s in (sides[0], None))
        matrix = csr_matrix([[1.0, 9e-10]])
        m.row = MatrixRows([7], matrix, list(m.x.values()), low, -high)
    else:
        m.row = Constraint(expr=(sides[0], m.x[0] + 9e-10 * m.x[1], None))
    m.objective = Objective(expr=m.x[0])
    return m


@pytest.mark.parametrize("as_matrix", [True, False])
@pytest.mark.parametrize("name", BACKENDS)
def test_an_optimum_without_what_matters_is_no_bound(name, as_matrix):
    if not probe(BACKENDS[name]).runs:
        pytest.skip(BACKENDS[name].install)
    # x1 = 2e5 meets the row by itself, so that the true optimum is 0.
    outcome = solve(model(as_matrix=as_matrix, most=LARGE), name, LP)
    if name in KEEP_ALL:
        assert outcome.status is Status.OPTIMAL
        assert outcome.objective == pytest.approx(0.0, abs=1e-9)
        return
    assert (outcome.status, outcome.bound) == (Status.SOLVED, None)
    assert "takes coefficients of row" in outcome.message


@pytest.mark.parametrize("as_matrix", [True, False])
@pytest.mark.parametrize("name", ["highs", "scip"])
def test_infeasible_without_what_matters_is_no_proof(name, as_matrix):
    outcome = solve(model(as_matrix=as_matrix, sides=(2.0, None)), name, LP)
    assert (outcome.status, outcome.bound) == (Status.SOLVER_ERROR, None)
    assert "takes coefficients of row" in outcome.message


@pytest.mark.parametrize("as_matrix", [True, False])
@pytest.mark.parametrize("name", ["highs", "scip"])
def test_what_matters_for_enormous_codes_only_takes_no_proof_away(name, as_matrix):
    m = ConcreteModel()
    m.x = Var(range(2), bounds=(0, None))
    m.x[0].setub(1)
    if as_matrix:
        m.row = MatrixRows([7], csr_matrix([[1.0, 1e-30]]), list(m.x.values()), np.array([2.0]), np.array([np.inf]))
    else:
        m.row = Constraint(expr=m.x[0] + 1e-30 * m.x[1] >= 2)
    m.objective = Objective(expr=m.x[0])
    assert solve(m, name, LP).status is Status.INFEASIBLE
    m.x[0].setub(3)
    outcome = solve(m, name, LP)
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound == pytest.approx(2.0)


@pytest.mark.parametrize("as_matrix", [True, False])
def test_what_cannot_matter_takes_no_bound_away(as_matrix):
    outcome = solve(model(as_matrix=as_matrix, most=1.0), "highs", LP)
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound == pytest.approx(1e-4, abs=1e-8)


def test_highs_keeps_what_it_is_told_to_keep():
    fine = Solver("highs", options={"small_matrix_value": 1e-12})
    outcome = solve(model(as_matrix=True, most=LARGE), fine, LP)
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound == pytest.approx(0.0, abs=1e-9)


def test_the_option_counts_in_the_call_in_which_it_is_given():
    m, interface = model(as_matrix=True, most=LARGE), SolverFactory("pyomo_relu_highs")
    bounds = [
        interface.solve(m, solver_options={} if least is None else {"small_matrix_value": least}).objective_bound
        for least in (None, 1e-12, None, 1e-12)
    ]
    assert bounds[0] is bounds[2] is None
    assert bounds[1] == pytest.approx(0.0, abs=1e-9) == bounds[3]


def test_a_session_looks_at_every_change():
    m = model(as_matrix=True, most=1.0)
    session = Session(m, "highs", LP)
    assert session.solve().bound is not None
    m.x[1].setub(None)
    assert session.solve().bound is None
    m.row.deactivate()
    assert session.solve().bound == 0.0


@pytest.mark.parametrize("solver", ["highs", "scip"])
@pytest.mark.parametrize("method", [pr.Layerwise(), pr.Layerwise(pr.LayerRealizable()), pr.Layerwise(pr.LayerL1())])
def test_an_observation_that_a_code_meets_is_not_called_unmet(method, solver):
    net = pr.Network.from_arrays([WEIGHT])
    result = pr.invert(net, net([1.0, LARGE]), method, solver=solver)
    assert result.realizable is not False
    assert 0.0 <= result.dual_bound <= 1e-9
    kept = pr.invert(net, net([1.0, LARGE]), solver=Solver("highs", options={"small_matrix_value": 1e-12}))
    assert (kept.status, kept.realizable) == (Status.SOLVED, True)


def test_bounds_of_a_linear_session_are_rebuilt_from_all_coefficients():
    session = LinearSession(
        csr_matrix([[1.0, 9e-10]]), np.array([1e-4]), np.full(1, np.inf), np.zeros(2), np.array([1.0, LARGE])
    )
    assert session.lower_bound(np.array([1.0, 0.0])) <= 0.0


def test_what_highs_refuses_is_told_in_its_own_words():
    m = ConcreteModel()
    m.x = Var(bounds=(0, 1))
    m.row = Constraint(expr=1e16 * m.x >= 1)
    m.objective = Objective(expr=m.x)
    outcome = solve(m, "highs", LP)
    assert outcome.status is Status.SOLVER_ERROR
    assert re.search(r"HiGHS refuses the model: \S", outcome.message)
    assert "does not say why" not in outcome.message


@pytest.mark.parametrize("where", ["row", "objective", "quadratic", "constant"])
@pytest.mark.parametrize("name", ["highs", "scip"])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(where, name, number):
    m = ConcreteModel()
    m.x, m.y = Var(bounds=(0, 1)), Var(bounds=(0, 1))
    m.row = Constraint(expr=m.x + (number if where == "row" else 1.0) * m.y >= 0.5)
    m.objective = Objective(expr=m.x + {"objective": number * m.y, "quadratic": number * m.y**2}.get(where, m.y))
    if where == "constant":
        m.objective.set_value(m.x + number)
    with pytest.raises(InputError, match=r"not a (finite )?number"):
        solve(m, name, LP)


def without_a_value(m):
    m.p = Param(mutable=True, within=Any)
    m.row = Constraint(expr=m.x + m.p * m.y >= 1)


def of_a_side(number):
    def add(m):
        m.p = Param(mutable=True, within=Any, initialize=1.0)
        m.row = Constraint(expr=m.x + m.y >= m.p)
        m.p.set_value(number)

    return add


def divided_by_zero(m):
    m.y.fix(0)
    m.row = Constraint(expr=m.x / m.y >= 1)


def fixed_to_nothing(m):
    m.y.fixed = True
    m.row = Constraint(expr=m.x + m.y >= 1)


@pytest.mark.parametrize(
    "add", [without_a_value, of_a_side(float("nan")), of_a_side(float("inf")), divided_by_zero, fixed_to_nothing]
)
def test_what_cannot_be_worked_out_is_refused_by_the_row_s_name(add, capfd):
    m = ConcreteModel()
    m.x, m.y = Var(bounds=(0, 1)), Var(bounds=(0, 1))
    add(m)
    m.objective = Objective(expr=m.x)
    with pytest.raises(InputError, match=r"^row\b"):
        solve(m, "highs", LP)
    assert capfd.readouterr() == ("", "")


def test_products_in_an_objective_are_no_trouble():
    m = ConcreteModel()
    m.x = Var(range(2), bounds=(-1, 1))
    m.objective = Objective(expr=(m.x[0] - 2 * m.x[1] + 1) ** 2 + m.x[0] * m.x[1])
    assert changed_row(m, 1e-9, 1e-6) is None
    m.objective.set_value(m.x[0] ** 2 + float("nan") * m.x[0] * m.x[1])
    with pytest.raises(InputError, match="objective has a coefficient that is not a finite number"):
        changed_row(m, 1e-9, 1e-6)
