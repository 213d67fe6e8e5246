"""Hypothesis counts examples, not seconds: a busy machine draws and checks slowly, and nothing is wrong."""

import pytest
from hypothesis import HealthCheck, settings
from scripted_solver import NAME, scripted_backend

from pyomo_relu.solvers import BACKENDS

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture
def scripted(monkeypatch):
    """Register a solver that says what it is told to, as `scripted_backend`; return the list of its calls."""

    def register(says, by="scip", name=NAME, **data):
        calls = []
        monkeypatch.setitem(BACKENDS, name, scripted_backend(says, calls, by, name=name, **data))
        return calls

    return register
