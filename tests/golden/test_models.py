"""Tiny models, written out: what a formulation adds to a model is seen at a glance, and so is any change to it."""

from pathlib import Path

import pytest
from pyomo.environ import Constraint, Objective, SOSConstraint, Var, value
from pyomo.repn import generate_standard_repn

import pyomo_relu as pr

HERE = Path(__file__).parent
ABSOLUTE = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])
LEAKY = pr.Layer([[1.0], [2.0]], [0.0, 1.0], 0.5)
RELU = pr.Layer([[1.0, -1.0], [2.0, 0.5]], [0.25, 0.0])

MODELS = {
    "exact_inf_big_m": lambda: pr.Exact("inf", bounds="interval").model(ABSOLUTE, [1.0], box=(-2, 2)),
    "exact_1_sos1": lambda: pr.Exact(1, encoding="sos1", bounds="interval").model(ABSOLUTE, [1.0], box=(-2, 2)),
    "exact_2_indicator": lambda: pr.Exact(2, encoding="indicator", bounds="interval").model(
        ABSOLUTE, [1.0], box=(-2, 2)
    ),
    "layer_linf_relu": lambda: pr.LayerLinf().model(RELU, [1.5, 0.0], eps=0.125),
    "layer_linf_leaky": lambda: pr.LayerLinf().model(LEAKY, [1.5, -0.5], eps=0.125),
    "layer_l1_relu": lambda: pr.LayerL1().model(RELU, [1.5, -0.25], eps=0.125),
    "layer_relaxed_relu": lambda: pr.LayerRelaxed(eps=0.125).model(RELU, [1.5, -0.25]),
    "layer_realizable_relu": lambda: pr.LayerRealizable().model(RELU, [1.5, 0.0]),
}


def written(model):
    """Write every variable, objective, row and SOS set of a model on a line of its own."""
    lines = []
    for v in model.component_data_objects(Var):
        lines.append(f"{v.name}: {side(v.lower)} .. {side(v.upper)}{', binary' if v.is_binary() else ''}")
    for objective in model.component_data_objects(Objective, active=True):
        lines.append(f"{'minimise' if objective.is_minimizing() else 'maximise'} {terms(objective.expr)}")
    for row in model.component_data_objects(Constraint, active=True):
        lines.append(f"{row.name}: {side(row.lower)} <= {terms(row.body)} <= {side(row.upper)}")
    for some in model.component_data_objects(SOSConstraint, active=True):
        lines.append(f"{some.name}: SOS{some.level} of {', '.join(v.name for v in some.variables)}")
    return "\n".join(lines) + "\n"


def side(limit):
    return "-" if limit is None else f"{float(value(limit))!r}"


def terms(expression):
    found = generate_standard_repn(expression)
    assert found.nonlinear_expr is None
    names = [[v.name] for v in found.linear_vars] + [sorted(v.name for v in pair) for pair in found.quadratic_vars]
    factors = [*found.linear_coefs, *found.quadratic_coefs]
    parts = [f"{float(factor):+} {' '.join(name)}" for name, factor in sorted(zip(names, factors, strict=True))]
    return " ".join(parts + ([f"{float(found.constant):+}"] if found.constant or not parts else []))


@pytest.mark.parametrize("name", MODELS)
def test_model_is_as_written(name):
    """To accept a change: ``python tests/golden/test_models.py`` writes the files again."""
    assert written(MODELS[name]()) == (HERE / f"{name}.txt").read_text()


if __name__ == "__main__":
    for name, build in MODELS.items():
        (HERE / f"{name}.txt").write_text(written(build()))
