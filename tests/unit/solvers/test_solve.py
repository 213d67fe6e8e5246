"""`solve`: trouble is a status, our own mistakes are not, and what is missing is said before the solve."""

import logging
import signal
from dataclasses import replace

import pytest
from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.environ import ConcreteModel, Constraint, Objective, Var
from scripted_solver import Scripted
from solver_programs import LP, MILP

from pyomo_relu.errors import InputError, SolverConfigError, SolverUnavailableError
from pyomo_relu.solvers import (
    ABS_GAP,
    BACKENDS,
    REL_GAP,
    Capability,
    Outcome,
    Solver,
    available_solvers,
    probe,
    solve,
)
from pyomo_relu.solvers.adapter import Contrib
from pyomo_relu.solvers.backends.cbc import WatchedCbc, executable
from pyomo_relu.solvers.options import MIQP_FEASIBILITY, options_of
from pyomo_relu.solvers.shell import Shell
from pyomo_relu.status import Status


@pytest.fixture
def model():
    m = ConcreteModel()
    m.x, m.y = Var(bounds=(0, 4)), Var(bounds=(0, None))
    m.row = Constraint(expr=m.x + 2 * m.y <= 6)
    m.objective = Objective(expr=-m.x - m.y)
    return m


@pytest.fixture
def register(monkeypatch):
    """Give a solver of the registry other data, or another adapter."""

    def give(name, **data):
        monkeypatch.setitem(BACKENDS, name, replace(BACKENDS[name], **data))

    return give


def test_a_crash_is_a_status_with_its_words(model, scripted):
    scripted(RuntimeError("engine on fire\nand so on"))
    outcome = solve(model, "scripted", LP)
    assert outcome.status is Status.SOLVER_ERROR
    assert outcome.message == "RuntimeError: engine on fire"
    assert (outcome.has_solution, outcome.objective, outcome.bound) == (False, None, None)
    assert model.x.value is None


def test_an_interrupt_is_a_status(model, scripted):
    scripted(KeyboardInterrupt())
    outcome = solve(model, "scripted", LP)
    assert outcome.status is Status.INTERRUPTED
    assert (outcome.has_solution, outcome.objective, outcome.bound) == (False, None, None)


def test_ctrl_c_waits_until_the_solution_is_read(model, register):
    def pressed(_, read):
        signal.raise_signal(signal.SIGINT)
        return read

    register("highs", adapter=lambda: Contrib(SolverFactory("pyomo_relu_highs"), corrected=pressed))
    outcome = solve(model, "highs", LP)
    assert (outcome.status, outcome.objective) == (Status.INTERRUPTED, -5.0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_while_options_are_checked_is_an_interrupt(model, register):
    register("highs", check_option=lambda *_: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        solve(model, Solver("highs", options={"presolve": "off"}), LP)


@pytest.mark.parametrize("name", ["highs", "glpk"])
def test_ctrl_c_before_the_solver_begins_is_not_forgotten(model, register, name):
    if BACKENDS[name].version() is None:
        pytest.skip(BACKENDS[name].install)
    make = BACKENDS[name].adapter

    def pressed():
        adapter = make()
        run = adapter.run

        def press(*given, **settings):
            signal.raise_signal(signal.SIGINT)
            run(*given, **settings)

        adapter.run = press
        return adapter

    register(name, adapter=pressed)
    outcome = solve(model, name, LP)
    assert (outcome.status, outcome.has_solution) == (Status.INTERRUPTED, False)


@pytest.mark.parametrize("name", ["highs", "cbc"])
def test_trouble_while_the_answer_is_read_is_a_status(model, register, name):
    def dies(*_):
        raise RuntimeError("no such attribute: the solver died")

    if BACKENDS[name].version() is None:
        pytest.skip(BACKENDS[name].install)
    adapters = {
        "highs": lambda: Contrib(SolverFactory("pyomo_relu_highs"), corrected=dies),
        "cbc": lambda: Shell(WatchedCbc(executable=executable()), corrected=dies),
    }
    register(name, adapter=adapters[name])
    outcome = solve(model, name, LP)
    assert (outcome.status, outcome.message) == (
        Status.SOLVER_ERROR,
        "RuntimeError: no such attribute: the solver died",
    )


def test_trouble_while_the_solution_is_loaded_is_a_status(model, register):
    class Unloadable(Scripted):
        def _load(self, _):
            raise KeyError("x")

    said = reply(Status.OPTIMAL, -5.0, -5.0)
    register("highs", adapter=lambda: Unloadable(said, BACKENDS["highs"], []))
    outcome = solve(model, "highs", LP)
    assert (outcome.status, outcome.bound) == (Status.SOLVER_ERROR, None)


@pytest.mark.parametrize(
    ("name", "error", "status"),
    [
        ("gurobi", (10010, "Model too large for size-limited license; visit ..."), Status.SIZE_LIMIT),
        ("gurobi", (10009, "No Gurobi license found (user x, host y)"), Status.NO_LICENSE),
        ("gurobi", (10003, "Bad value for your license plate"), Status.SOLVER_ERROR),
        ("cplex", ("CPLEX Error  1016: Community Edition. Problem size limits exceeded.",), Status.SIZE_LIMIT),
        ("cplex", ("CPLEX Error  32201: ILM Error 16: CPLEX: no license found",), Status.NO_LICENSE),
        ("cplex", ("CPLEX Error  1001: Out of memory.",), Status.SOLVER_ERROR),
        ("xpress", ("?120 Error: Problem has too many rows and columns. The maximum is 5000",), Status.SIZE_LIMIT),
        ("xpress", ("?4 Error: License file not found",), Status.NO_LICENSE),
        ("mosek", ("rescode.err_missing_license_file(1008): License cannot be located.",), Status.NO_LICENSE),
        ("mosek", ("rescode.err_size_license_var(1011): The problem contains too many variables",), Status.SIZE_LIMIT),
        ("highs", ("the community's license size limits exceeded, 10010",), Status.SOLVER_ERROR),
    ],
)
def test_what_exceptions_mean(model, scripted, name, error, status):
    scripted(RuntimeError(*error), by=name, check_option=lambda *_: None)
    outcome = solve(model, "scripted", LP)
    assert outcome.status is status
    assert outcome.message


def reply(status, objective=None, bound=None):
    return Outcome(status, objective is not None, objective, bound)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (reply(Status.OPTIMAL, -5.0, -5.0), (Status.OPTIMAL, -5.0, -5.0)),
        (reply(Status.OPTIMAL, -5.0, -5.1), (Status.OPTIMAL, -5.0, -5.1)),
        (reply(Status.OPTIMAL, -5.0, -4.9), (Status.OPTIMAL, -5.0, -5.0)),
        (reply(Status.OPTIMAL, -5.0), (Status.OPTIMAL, -5.0, -5.0)),
        (reply(Status.OPTIMAL, -5.0, float("nan")), (Status.OPTIMAL, -5.0, None)),
        (reply(Status.OPTIMAL), (Status.SOLVER_ERROR, None, None)),
        (reply(Status.OPTIMAL, float("nan")), (Status.SOLVER_ERROR, None, None)),
        (reply(Status.TIME_LIMIT, -4.0, -9.0), (Status.TIME_LIMIT, -4.0, -9.0)),
        (reply(Status.TIME_LIMIT, -4.0), (Status.TIME_LIMIT, -4.0, None)),
        (reply(Status.TIME_LIMIT, None, -9.0), (Status.TIME_LIMIT, None, -9.0)),
        (reply(Status.TIME_LIMIT, -4.0, -1e20), (Status.TIME_LIMIT, -4.0, None)),
        (reply(Status.LIMIT, -4.0, -float("inf")), (Status.LIMIT, -4.0, None)),
        (reply(Status.INTERRUPTED, -4.0, -9.0), (Status.INTERRUPTED, -4.0, -9.0)),
        (reply(Status.INFEASIBLE, -4.0, -9.0), (Status.INFEASIBLE, None, None)),
        (reply(Status.UNBOUNDED, -1e20, -1e20), (Status.UNBOUNDED, None, None)),
        (reply(Status.SOLVER_ERROR, -4.0, -9.0), (Status.SOLVER_ERROR, None, None)),
    ],
)
def test_only_what_can_be_trusted_is_passed_on(model, scripted, given, kept):
    scripted(given)
    outcome = solve(model, "scripted", LP)
    assert (outcome.status, outcome.objective, outcome.bound) == kept
    assert outcome.has_solution is (outcome.objective is not None)


def test_an_optimum_without_a_bound_is_as_good_as_the_gap(model, scripted):
    scripted(reply(Status.OPTIMAL, -5.0), by="highs")
    assert solve(model, Solver("scripted", rel_gap=0.5), MILP).bound == pytest.approx(-10.0)
    assert solve(model, Solver("scripted", rel_gap=0.0), MILP).bound == pytest.approx(-5.0 - ABS_GAP, abs=1e-12)
    assert solve(model, Solver("scripted", rel_gap=1.0), MILP).bound is None
    assert solve(model, Solver("scripted", options={"mip_abs_gap": 2.0}), MILP).bound == pytest.approx(-7.0)


def test_a_model_without_an_objective_is_refused(model):
    model.objective.deactivate()
    with pytest.raises(InputError, match="no active objective"):
        solve(model, "highs", LP)


@pytest.mark.parametrize("name", BACKENDS)
def test_a_solver_that_is_not_installed_is_an_error_with_the_line_that_installs_it(model, register, name):
    register(name, version=lambda: None)
    with pytest.raises(SolverUnavailableError) as caught:
        solve(model, name, LP)
    assert BACKENDS[name].title in str(caught.value)
    assert BACKENDS[name].install in str(caught.value)


def test_a_solver_whose_library_is_missing_is_told_and_hides_no_other(model, register):
    def version():
        raise ImportError("libscip.so: cannot open shared object file")

    register("scip", version=version)
    with pytest.raises(SolverUnavailableError, match=r"SCIP is broken: ImportError: libscip\.so"):
        solve(model, "scip", LP)
    found = probe(BACKENDS["scip"])
    assert (found.runs, found.version) == (False, None)
    assert found.reason == "broken: ImportError: libscip.so: cannot open shared object file"
    assert "highs" in available_solvers()


@pytest.mark.parametrize("threads", [(1, 2), (2, None, 1)])
def test_the_interface_takes_another_number_of_threads(model, threads):
    interface = SolverFactory("pyomo_relu_highs")
    assert [interface.solve(model, threads=n).incumbent_objective for n in threads] == [-5.0] * len(threads)


def test_the_log_level_of_pyomo_is_given_back(model, scripted):
    logger = logging.getLogger("pyomo")
    before = logger.level
    scripted(RuntimeError("engine on fire"))
    assert solve(model, "scripted", LP).status is Status.SOLVER_ERROR
    assert logger.level == before


# ---- the solver's own options


def highs(needs=MILP, **settings):
    return options_of(BACKENDS["highs"], Solver("highs", **settings), needs)


def test_defaults_of_a_lp_are_tolerances_and_of_a_milp_gaps():
    assert highs(LP) == {"primal_feasibility_tolerance": 1e-9}
    assert highs(MILP) == {"mip_rel_gap": REL_GAP, "mip_abs_gap": ABS_GAP}
    both = highs(frozenset({Capability.MILP, Capability.MIQP}))
    assert both["mip_feasibility_tolerance"] == MIQP_FEASIBILITY


def test_settings_go_by_the_solvers_own_names():
    assert highs(time_limit=3, rel_gap=0.1, threads=2, seed=7) == {
        "mip_rel_gap": 0.1,
        "mip_abs_gap": ABS_GAP,
        "time_limit": 3.0,
        "threads": 2,
        "random_seed": 7,
    }
    assert highs(LP, rel_gap=0.1) == {"primal_feasibility_tolerance": 1e-9}


@pytest.mark.parametrize("name", ["increment", "INCREMENT", "timemode"])
def test_an_option_on_which_bounds_or_limits_rest_is_refused(name):
    with pytest.raises(SolverConfigError, match=f"CBC option '{name}': is held at .*, without which"):
        options_of(BACKENDS["cbc"], Solver("cbc", options={name: 0.5}), MILP)


def test_names_are_spelt_as_the_settings_are():
    given = {"MIP_ABS_GAP": 2.0}
    assert highs(options=given) == {"mip_rel_gap": REL_GAP, "mip_abs_gap": 2.0}
    with pytest.raises(SolverConfigError, match="'mip_abs_gap': is given twice"):
        highs(options={**given, "mip_abs_gap": 3.0})


@pytest.mark.parametrize(
    ("keeps_proofs", "options", "bound", "infeasible"),
    [
        (True, {}, -5.0, Status.INFEASIBLE),
        (True, {"MIP_ABS_GAP": 2.0}, -7.0, Status.INFEASIBLE),
        (True, {"presolve": "off"}, None, Status.INFEASIBLE),
        (False, {}, -5.0, Status.INFEASIBLE),
        (False, {"mip_abs_gap": 2.0}, -7.0, Status.INFEASIBLE),
        (False, {"presolve": "off"}, None, Status.SOLVER_ERROR),
    ],
)
def test_own_options_of_unknown_meaning_take_the_proof_away(model, scripted, keeps_proofs, options, bound, infeasible):
    scripted(reply(Status.OPTIMAL, -5.0), by="highs", keeps_proofs=keeps_proofs)
    outcome = solve(model, Solver("scripted", rel_gap=0.0, options=options), MILP)
    assert (outcome.status, outcome.objective) == (Status.OPTIMAL, -5.0)
    assert outcome.bound == (None if bound is None else pytest.approx(bound, abs=1e-6))
    scripted(reply(Status.INFEASIBLE), by="highs", keeps_proofs=keeps_proofs)
    outcome = solve(model, Solver("scripted", rel_gap=0.0, options=options), MILP)
    assert outcome.status is infeasible
    assert bool(outcome.message) == (infeasible is Status.SOLVER_ERROR)


def test_glpk_is_not_told_to_leave_out_the_integers():
    with pytest.raises(SolverConfigError, match="'nomip': would solve another model"):
        options_of(BACKENDS["glpk"], Solver("glpk", options={"nomip": ""}), MILP)


def test_the_solvers_own_options_have_the_last_word():
    given = {"primal_feasibility_tolerance": 1e-7, "presolve": "off"}
    assert highs(LP, options=given) == given


@pytest.mark.parametrize(("name", "value"), [("presolve", 5), ("mip_max_nodes", 1.5), ("solver", ["x"]), ("nope", 1)])
def test_highs_refuses_what_it_would_ignore(name, value):
    with pytest.raises(SolverConfigError, match=f"HiGHS option '{name}': "):
        highs(options={name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("limits/nodes", 1.5), ("limits/nodes", 2**70), ("limits/gap", float("nan")), ("nope", 1)]
)
def test_scip_refuses_what_it_would_cut_short(name, value, capfd):
    with pytest.raises(SolverConfigError, match=r"SCIP option|give rel_gap"):
        options_of(BACKENDS["scip"], Solver("scip", options={name: value}), MILP)
    capfd.readouterr()


def test_backends_tell_the_truth_about_themselves():
    for name, backend in BACKENDS.items():
        assert backend.name == name
        assert {Capability.LP, Capability.MILP} <= backend.supports
        assert {"time_limit", "rel_gap"} <= set(backend.settings)
        assert set(backend.settings) <= {
            "time_limit",
            "rel_gap",
            "abs_gap",
            "threads",
            "nodes",
            "seed",
            "feasibility_tol",
            "mip_feasibility_tol",
            "dropped",
        }
        assert set(backend.convert) <= set(backend.settings)
        assert backend.install.startswith(("pip install ", "apt install "))
