"""The endings for which Pyomo has no word: memory and solution limits, SCIP's interrupts."""

from types import SimpleNamespace

import pytest

from pyomo_relu.solvers import BACKENDS, highs, scip
from pyomo_relu.solvers.reply import Report
from pyomo_relu.status import Status


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
        ("optimal", None),
        ("timelimit", None),
    ],
)
def test_scip(word, status):
    assert scip.report(ended(getStatus=lambda: word)) == Report(status)


@pytest.mark.parametrize(
    ("word", "report"),
    [
        ("kInterrupt", Report()),
        ("kMemoryLimit", Report(Status.LIMIT)),
        ("kOptimal", Report()),
        ("kTimeLimit", Report()),
    ],
)
def test_highs(word, report):
    from highspy import HighsModelStatus

    assert highs.report(ended(getModelStatus=lambda: getattr(HighsModelStatus, word))) == report


def test_highs_that_has_not_begun_is_interrupted_by_ctrl_c():
    with pytest.raises(KeyboardInterrupt):
        highs.cancel(SimpleNamespace(begun=False))


@pytest.mark.parametrize(
    ("word", "status"),
    [("SOLUTION_LIMIT", Status.LIMIT), ("WORK_LIMIT", Status.LIMIT), ("MEM_LIMIT", Status.LIMIT), ("OPTIMAL", None)],
)
def test_gurobi(word, status):
    grb = pytest.importorskip("gurobipy", reason=BACKENDS["gurobi"].install).GRB
    assert BACKENDS["gurobi"].report(ended(Status=getattr(grb, word))) == Report(status)
