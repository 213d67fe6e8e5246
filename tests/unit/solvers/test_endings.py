"""The endings for which Pyomo has no word: memory and solution limits, SCIP's interrupts."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from pyomo_relu.solvers import BACKENDS, Outcome
from pyomo_relu.solvers.backends import gurobi, highs, scip
from pyomo_relu.status import Status

READ = Outcome(Status.SOLVER_ERROR, True, 1.0, 0.5, message="ended with unknown")
"""As Pyomo has it."""


def ended(**attributes):
    return SimpleNamespace(_solver_model=SimpleNamespace(**attributes))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("memlimit", Status.LIMIT),
        ("sollimit", Status.LIMIT),
        ("bestsollimit", Status.LIMIT),
        ("restartlimit", Status.LIMIT),
        ("terminate", Status.INTERRUPTED),
        ("optimal", READ.status),
        ("timelimit", READ.status),
    ],
)
def test_scip(word, status):
    assert scip.corrected(ended(getStatus=lambda: word), READ) == replace(READ, status=status)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("kInterrupt", READ.status),
        ("kMemoryLimit", Status.LIMIT),
        ("kOptimal", READ.status),
        ("kTimeLimit", READ.status),
    ],
)
def test_highs(word, status):
    from highspy import HighsModelStatus

    interface = ended(getModelStatus=lambda: getattr(HighsModelStatus, word))
    assert highs.corrected(interface, READ) == replace(READ, status=status)


def test_highs_that_has_not_begun_is_interrupted_by_ctrl_c():
    with pytest.raises(KeyboardInterrupt):
        highs.cancel(SimpleNamespace(begun=False))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("SOLUTION_LIMIT", Status.LIMIT),
        ("WORK_LIMIT", Status.LIMIT),
        ("MEM_LIMIT", Status.LIMIT),
        ("OPTIMAL", READ.status),
    ],
)
def test_gurobi(word, status):
    grb = pytest.importorskip("gurobipy", reason=BACKENDS["gurobi"].install).GRB
    assert gurobi.corrected(ended(Status=getattr(grb, word)), READ) == replace(READ, status=status)
