"""Networks from scikit-learn, against its own predictions."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from pyomo_relu import io
from pyomo_relu.errors import InputError, NetworkFileError
from pyomo_relu.io import sklearn as reader
from pyomo_relu.network import load_network

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
neural = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 2))


def fitted(cls: Any = neural.MLPRegressor, y: Any = Y, **options: Any) -> Any:
    settings = {"hidden_layer_sizes": (5, 4), "solver": "lbfgs", "max_iter": 15, "random_state": 0, "tol": 1e9}
    return cls(**(settings | options)).fit(X, y)


@pytest.mark.parametrize(("activation", "slope"), [("relu", 0.0), ("identity", 1.0)])
@pytest.mark.parametrize("y", [Y, Y[:, 0]])
def test_agrees_with_predict(activation: str, slope: float, y: Any) -> None:
    model = fitted(y=y, activation=activation)
    net = load_network(model)
    assert [layer.slope for layer in net] == [slope, slope, 1.0]
    np.testing.assert_allclose(net(X), model.predict(X).reshape(40, -1), rtol=1e-12, atol=1e-12)
    assert np.array_equal(net[0].weight, model.coefs_[0].T)
    assert np.array_equal(net[0].bias, model.intercepts_[0])


def test_no_hidden_layer() -> None:
    model = fitted(hidden_layer_sizes=())
    np.testing.assert_allclose(load_network(model)(X), model.predict(X), rtol=1e-12, atol=1e-12)


class Doubled(neural.MLPRegressor):  # type: ignore[misc, name-defined]
    def predict(self, samples: Any) -> Any:
        return 2 * super().predict(samples)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: fitted(activation="tanh"), "activation 'tanh'; supported: relu, identity"),
        (lambda: fitted(activation="logistic"), "activation 'logistic'"),
        (
            lambda: fitted(neural.MLPClassifier, y=Y[:, 0] > 0),
            "scikit-learn's MLPClassifier: only from an MLPRegressor",
        ),
        (lambda: fitted(Doubled), "scikit-learn's Doubled"),
        (neural.BernoulliRBM, "scikit-learn's BernoulliRBM"),
        (neural.MLPRegressor, "this MLPRegressor is not fitted"),
    ],
)
def test_refusal(build: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_network(build())
    assert not isinstance(caught.value, NetworkFileError)


def test_other_output_activation() -> None:
    model = fitted()
    model.out_activation_ = "exp"
    with pytest.raises(InputError, match="output activation 'exp'"):
        load_network(model)


def test_slopes_are_refused() -> None:
    with pytest.raises(InputError, match="a MLPRegressor holds its own activations"):
        load_network(fitted(), slopes=0.0)


def test_what_is_no_estimator() -> None:
    assert reader.from_object(object()) is None
    with pytest.raises(InputError, match="cannot read a network from a list"):
        io.read_layers([1.0])


def test_without_scikit_learn_nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted()
    monkeypatch.delitem(sys.modules, "sklearn.base")
    assert reader.from_object(model) is None
    assert "sklearn.base" not in sys.modules
