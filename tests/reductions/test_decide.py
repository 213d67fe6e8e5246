"""`decide` against brute force, and every claim that it makes."""

import itertools
import json
import os
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from pyomo.environ import Var

import pyomo_relu as pr
from pyomo_relu.bounds import Region
from pyomo_relu.box import Box
from pyomo_relu.errors import InputError, MissingDependencyError
from pyomo_relu.solvers import Outcome
from pyomo_relu.status import Status
from reductions import (
    CNF,
    REDUCTIONS,
    Coloring,
    ConvexityFamily,
    DecisionVerdict,
    DepthTwo,
    IndependentSet,
    Instance,
    MaxCut,
    MaxSat,
    ThreeSat,
    VertexCover,
    check_proof,
    decide,
    obfuscate,
    planted_cnf,
    random_cnf,
    write_suite,
)
from reductions.decision_program import Question
from reductions.pattern_program import sides_of

SAT, UNSAT, UNDECIDED = DecisionVerdict
SQUARE = CNF(2, [(1, 2), (-1, 2), (1, -2), (-1, -2)])


def check(cnf, satisfiable, found):
    assert found.verdict is (SAT if satisfiable else UNSAT), found.message
    assert found.status is Status.SOLVED
    if satisfiable:
        assert cnf.satisfied_by(found.assignment)
        assert found.proved
        assert found.trusted_to == ""
    else:
        assert found.assignment is None
        assert found.proved == (found.trusted_to == "")


@pytest.mark.parametrize("name", REDUCTIONS)
def test_small_formulas_are_decided_rightly(name, formulas):
    for cnf, models in formulas[:20]:
        check(cnf, models.any(), decide(cnf, name))


@pytest.mark.slow
@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize(("solver", "count"), [("scip", 200), ("highs", 60)])
def test_formulas_are_decided_rightly(name, solver, count, formulas):
    for cnf, models in formulas[:count]:
        check(cnf, models.any(), decide(cnf, name, solver))


@pytest.mark.parametrize("solver", ["scip", "highs"])
@pytest.mark.parametrize("seed", range(3))
def test_larger_formulas(solver, seed):
    cnf, _ = planted_cnf(20, 85, seed=seed)
    check(cnf, True, decide(cnf, solver=solver))
    check(cnf, True, decide(cnf, ThreeSat(norm=1), solver))


def test_clauses_of_any_length():
    for seed in range(4):
        cnf = planted_cnf(8, 60, k=5, seed=seed)[0]
        check(cnf, True, decide(cnf))
    every = CNF(4, list(itertools.product(*[(i, -i) for i in range(1, 5)])))
    check(every, False, decide(every))


def test_one_norm(formulas):
    for cnf, models in formulas[:20]:
        check(cnf, models.any(), decide(cnf, ThreeSat(norm=1), "highs"))


def test_formulas_without_variables_or_clauses():
    assert decide(CNF(0, [])).assignment == []
    assert decide(CNF(3, [])).assignment == [False] * 3
    for cnf in (CNF(0, [()]), CNF(2, [(1,), ()])):
        found = decide(cnf, proof=True)
        assert found.verdict is UNSAT
        assert found.solver == ""
        assert found.proof == ("0",)


def test_components_are_solved_apart():
    shifted = [tuple(int(np.sign(i)) * (abs(i) + 2) for i in clause) for clause in SQUARE.clauses]
    check(CNF(4, [(1, 2), *shifted]), False, decide(CNF(4, [(1, 2), *shifted])))
    cnf = CNF(6, [(1, -2), (3, 4), (-3, -4), (6,)])
    check(cnf, True, decide(cnf))


def test_unsat_is_trusted_or_proved():
    trusted = decide(random_cnf(8, 80, seed=1), solver="highs")
    assert trusted.verdict is UNSAT
    assert not trusted.proved
    assert trusted.trusted_to.startswith("HiGHS")
    assert "half of the gap" in trusted.certificate.trusted[0].text
    cnf = random_cnf(8, 80, seed=1)
    proved = decide(cnf, proof=True)
    assert proved.proved
    assert proved.trusted_to == ""
    assert check_proof(cnf, proved.proof)


def test_answers_are_plain_values_whatever_the_nodes_are():
    grid = nx.grid_2d_graph(2, 2)
    colored = decide(grid, Coloring(2), "highs").to_dict()
    assert json.loads(json.dumps(colored)) == colored
    assert {node for node, _ in colored["assignment"]} == {str(node) for node in grid}
    # No node takes another's place.
    mixed = nx.Graph([(1, "1")])
    assert sorted(decide(mixed, Coloring(2), "highs").to_dict()["assignment"]) == [["1", 0], ["1", 1]]
    independent = decide(grid, IndependentSet(2), "highs").to_dict()
    assert json.loads(json.dumps(independent)) == independent
    assert set(independent["assignment"]) in ({"(0, 0)", "(1, 1)"}, {"(0, 1)", "(1, 0)"})


def test_a_proof_is_written_and_only_where_there_is_one(tmp_path):
    decide(SQUARE, proof=True).write_proof(tmp_path / "p.drup")
    assert check_proof(SQUARE, (tmp_path / "p.drup").read_text().splitlines())
    with pytest.raises(InputError, match="there is no proof"):
        decide(SQUARE).write_proof(tmp_path / "q.drup")
    assert not (tmp_path / "q.drup").exists()


def test_bounds_alone_prove_a_chain_of_units():
    cnf = CNF(3, [(1,), (-1, 2), (-2, 3), (-3,)])
    found = decide(cnf)
    check(cnf, False, found)
    assert found.proved
    assert "rounded outwards" in found.certificate.verified[0].by


def test_a_solver_that_is_wrong_is_found_out(scripted):
    scripted(Outcome.without_point(Status.INFEASIBLE))
    cnf = planted_cnf(6, 20, seed=0)[0]
    assert decide(cnf, solver="scripted").trusted_to == "Scripted 1.0"
    found = decide(cnf, solver="scripted", proof=True)
    assert found.verdict is UNDECIDED
    assert found.status is Status.SOLVER_ERROR
    assert "Scripted 1.0" in found.message


def test_a_code_that_solves_nothing_is_no_answer(scripted):
    def zero(solve):
        for variable in solve.model.component_data_objects(Var):
            variable.set_value(0.0, skip_validation=True)
        return Outcome(Status.OPTIMAL, True, 0.0, 0.0)

    calls = scripted(zero)
    found = decide(CNF(3, [(1, 2, 3), (-1, -2, -3)]), solver="scripted")
    assert len(calls) == 2
    assert found.verdict is UNDECIDED
    assert found.status is Status.SOLVER_ERROR
    assert found.message == "Scripted 1.0 gives a code that solves nothing"


def test_limits_leave_it_undecided():
    cnf = random_cnf(60, 255, seed=2)
    found = decide(cnf, "depth-two", pr.Solver("scip", options={"limits/nodes": 1}), seconds=20)
    assert found.verdict is UNDECIDED
    assert found.status is Status.LIMIT
    assert not found.proved


def test_an_interrupted_search_is_not_taken_up_again(scripted):
    calls = scripted(Outcome.without_point(Status.INTERRUPTED))
    found = decide(CNF(3, [(1, 2, 3), (-1, -2, -3)]), solver="scripted")
    assert len(calls) == 1
    assert found.verdict is UNDECIDED
    assert found.status is Status.INTERRUPTED


def test_the_pattern_program_keeps_every_model(formulas):
    """The sides of each model meet every covering row: nothing is cut off."""
    kept = 0
    for cnf, models in formulas[:60]:
        if not cnf.clauses or () in cnf.clauses:
            continue
        instance = ThreeSat().reduce(cnf)
        question = Question.of(instance)
        assert (question.region is not None) or not models.any()
        if question.pattern is None:
            continue
        points = np.array(list(itertools.product([0.0, 1.0], repeat=cnf.n_variables)))[models]
        for point in points:
            for i, variable in question.pattern.second.items():
                boxes = question.sides.first, question.sides.second
                near = [abs(point[i] - (box.lower[i] + box.upper[i]) / 2.0) for box in boxes]
                variable.set_value(int(near[1] < near[0]))
            assert all(row.body() >= row.lower() - 1e-9 for row in question.pattern.cover.values())
            kept += len(question.pattern.cover)
    assert kept > 100


def test_the_pattern_program_is_the_direct_one():
    cnf = random_cnf(10, 30, seed=3)
    question = Question.of(ThreeSat().reduce(cnf))
    rows = {tuple(sorted(row.body.linear_coefs)) for row in question.pattern.cover.values()}
    assert len(question.pattern.second) == 10
    assert len(question.pattern.cover) == len(set(cnf.clauses))
    assert all(abs(coefficient) == 1.0 for row in rows for coefficient in row)


def test_nothing_knows_the_gadgets(formulas):
    asked = 0
    for cnf, models in formulas[:15]:
        if cnf.clauses and () not in cnf.clauses:
            instance = obfuscate(ThreeSat().reduce(cnf), seed=1)
            question = Question.of(instance)
            if question.region is None:
                assert not models.any()
                continue
            code = question.try_network(pr.Solver("scip"))[1]
            assert (code is not None) == models.any()
            asked += 1
            if code is not None:
                assert cnf.satisfied_by(ThreeSat().lift(instance, code))
    assert asked > 5


@pytest.mark.parametrize("norm", ["inf", 1, 2])
def test_a_network_whose_output_is_constant(norm):
    net = pr.Network.from_arrays([np.zeros((2, 1))], [[1.0, 1.0]], 1.0)
    for x, gap, met in (([1.0, 1.0], 0.5, True), ([1.0, 1.2], 0.5, True), ([1.0, 1.2], 0.3, False)):
        question = Question.of(Instance(net, x, None, None, gap, norm, "constant"))
        assert (question.region is not None) == met
        if met:
            assert question.try_network(pr.Solver("scip"))[0].has_solution


def test_codes_whose_entries_share_every_neuron_have_no_sides():
    question = Question.of(MaxCut(1).reduce(nx.path_graph(2)))
    assert question.region is not None
    assert question.sides is None
    assert question.pattern is None


@pytest.mark.parametrize(
    ("reduction", "satisfiable"),
    [
        (Coloring(3), True),
        (Coloring(2), False),
        (IndependentSet(2), True),
        (IndependentSet(3), False),
        (VertexCover(3), True),
        (VertexCover(2), False),
        (MaxCut(4), True),
        (MaxCut(5), False),
    ],
    ids=str,
)
def test_graphs(reduction, satisfiable):
    found = decide(nx.cycle_graph(5), reduction)
    assert found.verdict is (SAT if satisfiable else UNSAT)
    assert (found.assignment is not None) == satisfiable
    if not satisfiable and not isinstance(reduction, MaxCut):
        assert decide(nx.cycle_graph(5), reduction, proof=True).proved


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ((SQUARE, "four-sat"), {}, "unknown reduction 'four-sat'; known: three-sat"),
        ((SQUARE, MaxSat([1, 1, 1, 1])), {}, "without weights"),
        ((SQUARE, Coloring(3)), {}, "coloring reduces graphs"),
        (("p cnf 1 0",), {}, "expected a reductions.CNF, got str"),
        ((nx.path_graph(2), MaxCut(1)), {"proof": True}, "goes through no formula"),
        ((SQUARE,), {"seconds": 0.0}, "seconds must be a positive number"),
        ((CNF(1, [(1,)]), ConvexityFamily(form="nonempty")), {}, "has no gap"),
        ((SQUARE,), {"solver": "skip"}, "unknown solver 'skip'"),
    ],
)
def test_bad_input_is_refused(arguments, options, said):
    with pytest.raises(InputError, match=said):
        decide(*arguments, **options)


@pytest.mark.slow
@pytest.mark.skipif("PYOMO_RELU_DATA" not in os.environ, reason="PYOMO_RELU_DATA names no folder of data")
@pytest.mark.parametrize("solver", ["scip", "highs"])
def test_satlib(solver):
    files = sorted((Path(os.environ["PYOMO_RELU_DATA"]) / "satlib").glob("*.cnf"))
    assert files
    for file in files:
        cnf = CNF.from_dimacs(file)
        check(cnf, not file.name.startswith("uuf"), decide(cnf, solver=solver))


def test_a_row_over_two_entries_splits_neither():
    # In this region z1 + z2 <= 1, so that the entries cannot both be on their second side; one alone can.
    net = pr.Network.from_arrays([[[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]]], [[-1.0, -1.0, -1.0]])
    region = Region(Box.of((0, 1), 2), (Box([-1.0, -1.0, -1.0], [1.0, 1.0, 0.0]),))
    sides = sides_of(net, region)
    assert sides.second.upper.tolist() == [1.0, 1.0]


def test_a_binary_code_is_binary_in_any_box():
    net = pr.Network.from_arrays([[[1.0]]])
    sides = sides_of(net, Region(Box.of((-2, 3), 1), (Box([-2.0], [3.0]),)), binary=True)
    assert [sides.first.lower.tolist(), sides.second.upper.tolist()] == [[0.0], [1.0]]


def test_a_proof_without_its_sat_solver_is_refused_before_anything_is_decided(monkeypatch):
    monkeypatch.setitem(sys.modules, "pysat.solvers", None)
    with pytest.raises(MissingDependencyError, match="python-sat"):
        decide(CNF(2, [(1, 2)]), proof=True)


def test_a_suite_without_its_sat_solver_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pysat.solvers", None)
    with pytest.raises(MissingDependencyError, match="python-sat"):
        write_suite(tmp_path / "suite", [DepthTwo()], n_variables=(3,))
    assert not (tmp_path / "suite").exists()
