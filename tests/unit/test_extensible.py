import pytest
from pyomo.environ import Constraint, Objective, maximize, value

import pyomo_relu as pr
from pyomo_relu.solvers import Capability, solve

LP = frozenset({Capability.LP})


def layer_model():
    return pr.LayerLinf().model(pr.Layer([[1.0], [2.0]]), [1.0, 2.3], eps=0.5)


def test_a_part_of_ones_own_does_not_replace_another():
    model = layer_model()
    with pytest.raises(pr.InputError, match=r"a part named 'upper' already \(Constraint\): give yours another name"):
        model.upper = Constraint(expr=model.code[0] <= 0.5)
    assert solve(model, "highs", LP).objective == pytest.approx(0.1)


def test_a_constraint_on_the_whole_network_does_not_replace_the_residuals_rows():
    net = pr.Network.random((2, 12, 30), seed=5)
    x = net([1.2, 0.8]) + 0.1
    model = pr.Exact(norm=1).model(net, x, box=(-2, 2))
    with pytest.raises(pr.InputError, match="a part named 'below' already"):
        model.below = Constraint(expr=model.z[0] <= 1.0)
    model.mine = Constraint(expr=model.z[0] <= 1.0)
    outcome = solve(model, "scip", frozenset({Capability.MILP}))
    best = pr.invert(net, x, pr.Exact(norm=1), box=([-2, -2], [1, 2]))
    assert outcome.objective == pytest.approx(best.residual, abs=1e-6)


def test_a_copy_refuses_too():
    model = layer_model().clone()
    with pytest.raises(pr.InputError, match="'code' already"):
        model.code = Constraint(expr=model.deviation <= 1)


def test_a_part_under_a_new_name_is_kept():
    model = layer_model()
    model.mine = Constraint(expr=model.code[0] <= 0.9)
    assert solve(model, "highs", LP).objective == pytest.approx(0.5)
    assert value(model.code[0]) == pytest.approx(0.9)


def test_a_part_that_was_deleted_gives_its_name_free():
    model = layer_model()
    model.del_component("objective")
    model.objective = Objective(expr=model.code[0], sense=maximize)
    assert solve(model, "highs", LP).objective == pytest.approx(1.4)
