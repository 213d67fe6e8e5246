"""`MatrixRows`: to Pyomo a constraint like any other."""

import io
import pickle

import numpy as np
import pytest
from pyomo.core.expr import LinearExpression, identify_variables
from pyomo.environ import ConcreteModel, Constraint, Objective, Var, value
from pyomo.repn import generate_standard_repn
from scipy.sparse import coo_array, csc_matrix, csr_array, csr_matrix

from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.solvers import BACKENDS, Capability, MatrixRows, probe, solve
from pyomo_relu.solvers.linear_form import linear_form
from pyomo_relu.status import Status

MATRIX = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0], [1.5, 0.0, 1.0], [1.0, 1.0, 1.0]])
LOWER = np.array([-1.0, -np.inf, 0.5, 0.25])
UPPER = np.array([2.0, 1.0, np.inf, 0.25])


def model(as_matrix):
    m = ConcreteModel()
    m.x = Var(range(3), bounds=(-1, 1))
    variables = list(m.x.values())
    if as_matrix:
        m.rows = MatrixRows("abcd", csr_matrix(MATRIX), variables, LOWER, UPPER)
    else:
        m.rows = Constraint(list("abcd"))
        for label, row, low, high in zip("abcd", MATRIX.tolist(), LOWER.tolist(), UPPER.tolist(), strict=True):
            terms = [(c, v) for c, v in zip(row, variables, strict=True) if c]
            body = LinearExpression(linear_coefs=[c for c, _ in terms], linear_vars=[v for _, v in terms])
            sides = (None if low == -np.inf else low, body, None if high == np.inf else high)
            m.rows[label] = (low, body) if low == high else sides
    m.objective = Objective(expr=m.x[0] - m.x[1] + 0.5 * m.x[2])
    return m


def lp_file(m, tmp_path):
    m.write(str(tmp_path / "model.lp"))
    return (tmp_path / "model.lp").read_text()


def printed(m):
    stream = io.StringIO()
    m.rows.pprint(stream)
    return stream.getvalue().splitlines()[1:]


def test_files_and_prints_as_an_ordinary_constraint(tmp_path):
    assert lp_file(model(True), tmp_path) == lp_file(model(False), tmp_path)
    assert printed(model(True)) == printed(model(False))


@pytest.mark.parametrize("copy", [lambda m: m.clone(), lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_has_rows_of_its_own_variables(copy, tmp_path):
    original = model(True)
    twin = copy(original)
    assert lp_file(twin, tmp_path) == lp_file(original, tmp_path)
    assert {id(v) for v in identify_variables(twin.rows["a"].body)} <= {id(v) for v in twin.x.values()}
    twin.rows.update(row_upper=np.full(4, 9.0))
    assert original.rows["a"].ub == 2.0


def test_rows_answer_what_rows_are_asked():
    m = model(True)
    for i in range(3):
        m.x[i].set_value(0.5 * i)
    row, equation = m.rows["a"], m.rows["d"]
    assert (row.lb, row.ub, row.has_lb(), m.rows["b"].has_lb(), m.rows["c"].has_ub()) == (-1.0, 2.0, True, False, False)
    assert (row.equality, equation.equality) == (False, True)
    assert value(row.body) == 1.0
    assert row.slack() == 1.0
    assert generate_standard_repn(row.body).linear_coefs == (1.0, 2.0)


@pytest.mark.parametrize("name", BACKENDS)
def test_every_solver_takes_changed_rows(name):
    """Deactivated, given an expression, deleted, updated: the optimum is that of the model as it stands."""
    if not probe(BACKENDS[name]).runs:
        pytest.skip(BACKENDS[name].install)
    optima = []
    for as_matrix in (True, False):
        m = model(as_matrix)
        m.rows["b"].deactivate()
        m.rows["a"].set_value(m.x[0] + m.x[1] <= 0.75)
        del m.rows["c"]
        if as_matrix:
            m.rows.update(row_lower=np.array([-1.0, -np.inf, 0.5, 0.5]), row_upper=np.array([2.0, np.inf, 1.0, 0.5]))
        else:
            m.rows["d"].set_value(m.x[0] + m.x[1] + m.x[2] == 0.5)
        outcome = solve(m, name, frozenset({Capability.LP}))
        assert outcome.status is Status.OPTIMAL
        optima.append(outcome.objective)
    assert optima[0] == pytest.approx(optima[1], abs=1e-9)


def test_a_row_open_on_both_sides_is_not_active_until_it_closes():
    m = model(True)
    m.rows.update(row_lower=np.full(4, -np.inf), row_upper=np.array([np.inf, 1.0, np.inf, np.inf]))
    assert [row.active for row in m.rows.values()] == [False, True, False, False]
    m.rows.update(row_lower=np.zeros(4))
    assert all(row.active for row in m.rows.values())


@pytest.mark.parametrize("shape", [(2, 3), (1, 2)])
def test_sizes_that_do_not_fit_are_refused(shape):
    m = ConcreteModel()
    m.x = Var(range(3))
    with pytest.raises(ShapeError, match=rf"matrix is \({shape[0]}, {shape[1]}\), but there are 1 rows, 3 variables"):
        m.rows = MatrixRows([0], csr_matrix(np.ones(shape)), list(m.x.values()), np.zeros(1), np.ones(1))


def test_sides_of_another_size_and_twice_the_same_variable_are_refused():
    m = model(True)
    with pytest.raises(ShapeError, match=r"row_upper has shape \(3,\), expected \(4,\)"):
        m.rows.update(row_upper=np.zeros(3))
    with pytest.raises(ShapeError, match="matrix has shape"):
        m.rows.update(matrix=csr_matrix(np.ones((4, 2))))
    with pytest.raises(InputError, match="two columns"):
        MatrixRows([0], csr_matrix(np.ones((1, 2))), [m.x[0], m.x[0]], np.zeros(1), np.ones(1))


@pytest.mark.parametrize("kind", [csr_matrix, csr_array, csc_matrix, coo_array])
def test_any_sparse_matrix_is_read_by_its_rows(kind):
    m = model(True)
    m.rows.update(matrix=kind(2.0 * MATRIX))
    assert str(m.rows["b"].body) == "-2.0*x[1] + 6.0*x[2]"
    fresh = MatrixRows("abcd", kind(MATRIX), list(m.x.values()), LOWER, UPPER)
    np.testing.assert_array_equal(fresh.matrix.toarray(), MATRIX)


@pytest.mark.parametrize("name", ["highs", "scip"])
def test_entries_of_one_place_are_added_up(name):
    twice = csr_matrix((np.array([1.0, 1.0]), np.array([0, 0]), np.array([0, 2])), shape=(1, 2))
    m = ConcreteModel()
    m.x = Var(range(2), bounds=(0, 10))
    m.rows = MatrixRows([0], twice, list(m.x.values()), np.array([4.0]), np.array([np.inf]))
    m.objective = Objective(expr=m.x[0] + m.x[1])
    assert solve(m, name, frozenset({Capability.LP})).objective == pytest.approx(2.0)
    assert twice.nnz == 2


@pytest.mark.parametrize(
    ("name", "number"), [("row_lower", np.nan), ("row_upper", np.nan), ("row_lower", np.inf), ("row_upper", -np.inf)]
)
def test_sides_that_are_no_sides_are_refused(name, number):
    m, sides = model(True), np.array([0.0, 0.0, number, 0.0])
    with pytest.raises(InputError, match=f"{name} is .*{number} at 2, expected a number"):
        m.rows.update(**{name: sides})
    given = {"row_lower": LOWER, "row_upper": UPPER, name: sides}
    with pytest.raises(InputError, match=f"{name} is .*{number} at 2"):
        MatrixRows("abcd", csr_matrix(MATRIX), list(m.x.values()), **given)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_coefficients_that_are_no_numbers_are_refused(number):
    m = model(True)
    with pytest.raises(InputError, match="matrix has an entry that is not a finite number"):
        m.rows.update(matrix=csr_matrix(np.where(MATRIX == 3.0, number, MATRIX)))
    m.rows["a"].set_value(m.x[0] + number * m.x[1] <= 0.75)
    with pytest.raises(InputError, match="a coefficient that is not a finite number"):
        linear_form(m)


def test_an_update_that_is_refused_changes_nothing():
    m = model(True)
    with pytest.raises(ShapeError):
        m.rows.update(row_lower=np.full(4, -np.inf), row_upper=np.zeros(3))
    np.testing.assert_array_equal(m.rows.row_lower, LOWER)
    assert all(row.active for row in m.rows.values())


def test_an_update_leaves_alone_what_the_user_changed():
    m = model(True)
    everywhere = {"row_lower": np.full(4, -np.inf), "row_upper": np.full(4, np.inf)}
    m.rows["a"].deactivate()
    m.rows["b"].set_value(m.x[0] + m.x[1] <= 0.75)
    m.rows.update(**everywhere)
    assert [row.active for row in m.rows.values()] == [False, True, False, False]
    m.rows.update(row_lower=LOWER, row_upper=UPPER)
    assert [row.active for row in m.rows.values()] == [False, True, True, True]
