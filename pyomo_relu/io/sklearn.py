"""Networks from scikit-learn's ``MLPRegressor``."""

from __future__ import annotations

import sys
from typing import Any

from pyomo_relu.errors import InputError
from pyomo_relu.io.affine_chain import AffineChain
from pyomo_relu.layer import Layer

SLOPES = {"relu": 0.0, "identity": 1.0}


def from_object(source: Any) -> tuple[Layer, ...] | None:
    """Return the layers of a fitted ``MLPRegressor``; None for what is not scikit-learn's.

    Raises
    ------
    InputError
        If the estimator is not fitted, of another class, or has another activation
        than "relu" or "identity".
    """
    base = sys.modules.get("sklearn.base")
    if base is None or not isinstance(source, base.BaseEstimator):
        return None
    name = type(source).__name__
    neural = sys.modules.get("sklearn.neural_network")
    # A subclass may predict differently, so only the class itself is taken.
    if neural is None or type(source) is not neural.MLPRegressor:
        raise InputError(f"cannot read a network from scikit-learn's {name}: only from an MLPRegressor")
    if not hasattr(source, "coefs_"):
        raise InputError(f"this {name} is not fitted: call fit first")
    if source.activation not in SLOPES:
        raise InputError(f"this {name} has activation {source.activation!r}; supported: {', '.join(SLOPES)}")
    if source.out_activation_ != "identity":
        raise InputError(f"this {name} has output activation {source.out_activation_!r}; supported: identity")
    hidden = len(source.coefs_) - 1
    chain = AffineChain()
    for coef, intercept, slope in zip(
        source.coefs_, source.intercepts_, [SLOPES[source.activation]] * hidden + [1.0], strict=True
    ):
        chain.linear(coef.T)
        chain.shift(intercept)
        chain.activate(slope)
    return chain.layers()
