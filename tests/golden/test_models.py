"""Tiny models, printed: what a formulation adds to a model is seen at a glance, and so is any change to it."""

import io
from pathlib import Path

import pytest

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


def printed(model):
    stream = io.StringIO()
    model.pprint(stream)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize("name", MODELS)
def test_model_is_as_printed(name):
    """To accept a change: ``python tests/golden/test_models.py`` writes the files again."""
    assert printed(MODELS[name]()) == (HERE / f"{name}.txt").read_text()


if __name__ == "__main__":
    for name, build in MODELS.items():
        (HERE / f"{name}.txt").write_text(printed(build()))
