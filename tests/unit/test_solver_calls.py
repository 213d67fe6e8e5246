"""What a method hands to solvers: one answer, for the door, extents, batches and stores."""

import json

import numpy as np
import pytest

import pyomo_relu as pr
from pyomo_relu.certificate import certify
from pyomo_relu.solvers import Capability, solver_calls

NET = pr.Network.random((2, 8, 20), seed=0)
X = NET([0.3, -0.4])


class Own:
    """A method of a user's, which says nothing of solvers."""

    def run(self, problem, solver):
        verdict = certify(problem, np.zeros(problem.network.n_in), 2, None, "", "")
        return pr.Result.of(verdict, pr.Status.SOLVED, "nobody", 0.0, objective=None)


class Squares(Own):
    """One that says what it would hand over."""

    def solver_calls(self, solver):
        return (pr.solvers.Call(solver, frozenset({Capability.MIQP})),)


class OwnFormulation(pr.LinearSolve):
    """A formulation that calls the solver after all."""

    def solver_calls(self, solver):
        return pr.LayerLinf().solver_calls(solver)


@pytest.mark.parametrize(
    ("method", "solver", "named"),
    [
        (pr.Layerwise(), None, {"HiGHS"}),
        (pr.Layerwise(), "scip", {"SCIP"}),
        (pr.Layerwise(pr.LinearSolve()), None, set()),
        (pr.Layerwise(pr.LinearSolve()), "scip", set()),
        (pr.Layerwise([pr.LinearSolve(), pr.LayerL1()]), None, {"HiGHS"}),
        (pr.Layerwise(OwnFormulation()), "scip", {"SCIP"}),
        (pr.Exact(), None, {"HiGHS", "SCIP"}),
        (pr.Exact(), "highs", {"HiGHS"}),
        (pr.Exact(2), "scip", {"HiGHS", "SCIP"}),
        (pr.Exact(bounds="interval"), "scip", {"SCIP"}),
        (pr.Hybrid(), None, {"HiGHS"}),
        (pr.Descent(), None, set()),
        (pr.GradientDescent(step=0.01, iterations=5), None, set()),
        (pr.ProjectedGradient(iterations=2), None, set()),
        (pr.ProjectedGradient(projection=pr.Layerwise(), iterations=2), None, {"HiGHS"}),
        (pr.ProjectedGradient(projection=pr.Exact(), iterations=1), None, {"HiGHS", "SCIP"}),
    ],
)
def test_a_store_names_the_solvers_that_the_method_calls(tmp_path, method, solver, named):
    pr.invert_many(NET, X[None], method, box=None if "Linear" in repr(method) else (-2, 2), solver=solver,
                   store=tmp_path, progress=False)  # fmt: skip
    versions = json.loads((tmp_path / "batch.json").read_text())["versions"]
    assert versions.keys() - {"pyomo-relu", "NumPy", "SciPy"} == named


def test_a_method_that_says_nothing_may_call_any():
    assert pr.invert(NET, X, Own()).status is pr.Status.SOLVED
    calls = solver_calls(Own(), pr.Solver())
    assert {call.solver.backend(call.needs).title for call in calls} == {"HiGHS", "SCIP"}
    for method in (Own(), pr.ProjectedGradient(projection=Own(), iterations=1)):
        assert pr.invert(NET, X, method, solver=pr.Solver(threads=2)).z is not None  # which SCIP would refuse
    named = solver_calls(Own(), pr.Solver("glpk"))
    assert {call.solver.backend(call.needs).title for call in named} == {"GLPK"}


def refusing(method):
    """The doors by which a method may be run."""
    yield lambda solver: pr.invert(NET, X, method, box=(-2, 2), solver=solver)
    yield lambda solver: pr.invert_many(NET, X[None], method, box=(-2, 2), solver=solver, progress=False)
    if isinstance(method, pr.Exact):
        yield lambda solver: pr.extent(NET, X, method, box=(-2, 2), solver=solver)


@pytest.mark.parametrize(
    ("method", "solver", "error"),
    [
        (pr.Exact(encoding="sos1"), "highs", pr.CapabilityError),
        (pr.Exact(2, encoding="sos1"), "highs", pr.CapabilityError),
        (pr.ProjectedGradient(projection=pr.Exact(encoding="sos1")), "highs", pr.CapabilityError),
        (Squares(), "highs", pr.CapabilityError),
        (pr.Exact(), pr.Solver("scip", options={"no/such": 1}), pr.SolverConfigError),
        (pr.Exact(), pr.Solver("scip", threads=2), pr.SolverConfigError),
        (pr.Exact(encoding="sos1"), pr.Solver(threads=2), pr.SolverConfigError),
        (pr.Layerwise(), pr.Solver("highs", options={"no_such": 1}), pr.SolverConfigError),
    ],
)
def test_every_door_refuses_alike_before_the_method_runs(method, solver, error):
    class Unrun(type(method)):
        def run(self, problem, solver):
            pytest.fail("ran")

    for door in refusing(Unrun(**vars(method))):
        with pytest.raises(error):
            door(solver)


@pytest.mark.parametrize("norm", ["inf", 1, 2])
def test_without_a_name_a_solver_is_taken_that_has_several_threads(norm):
    x = X + np.linspace(-0.1, 0.1, 20)
    usual = pr.invert(NET, x, pr.Exact(norm, bounds="interval"), box=(-2, 2))
    found = pr.invert(NET, x, pr.Exact(norm, bounds="interval"), box=(-2, 2), solver=pr.Solver(threads=2))
    assert (usual.status, found.status) == (pr.Status.OPTIMAL, pr.Status.OPTIMAL)
    assert (usual.solver.split()[0], found.solver.split()[0]) == ("SCIP", "HiGHS")
    assert found.residual == pytest.approx(usual.residual, rel=1e-4)


@pytest.mark.parametrize("method", [pr.Exact(2), pr.Exact(1), pr.Exact(then=2)])
@pytest.mark.parametrize("solver", ["highs", "scip"])
def test_what_inverts_has_an_extent(method, solver):
    x = X + np.linspace(-0.1, 0.1, 20)
    assert pr.invert(NET, x, method, box=(-2, 2), solver=solver).status is pr.Status.OPTIMAL
    found = pr.extent(NET, x, method, box=(-2, 2), solver=solver)
    assert (found.status, found.unique) == (pr.Status.OPTIMAL, True)
