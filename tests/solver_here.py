"""A solver that does not run here is skipped with the line that installs it, unless it is required.

``PYOMO_RELU_REQUIRE_SOLVERS=highs,scip`` names those whose absence is a failure.
"""

import os
from functools import cache

import pytest

from pyomo_relu.solvers import BACKENDS, probe


@cache
def probed(solver):
    return probe(BACKENDS[solver])


def need(solver):
    found = probed(solver)
    if not found.runs:
        required = os.environ.get("PYOMO_RELU_REQUIRE_SOLVERS", "").split(",")
        told = f"{solver} does not run here ({found.reason}); {found.install}"
        (pytest.fail if solver in required else pytest.skip)(told)
