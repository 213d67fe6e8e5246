"""The solvers of the registry, one by one."""

import pytest
from solver_here import need

from pyomo_relu.solvers import BACKENDS

pytest.register_assert_rewrite("solver_programs")


@pytest.fixture(params=BACKENDS)
def backend(request):
    need(request.param)
    return BACKENDS[request.param]
