"""Written instances, read back by other programs."""

import hashlib
import json
import re
from pathlib import Path

import networkx as nx
import numpy as np
import onnx
import onnxruntime
import pytest

import pyomo_relu as pr
from reductions import (
    CNF,
    REDUCTIONS,
    BinaryCode,
    Coloring,
    ConvexityFamily,
    DepthTwo,
    Instance,
    LeakyDepthTwo,
    MaxCut,
    MaxSat,
    ThreeSat,
    check_proof,
    models,
    write_instance,
    write_suite,
)
from reductions.exchange import vnnlib
from reductions.instance import parameters_of
from reductions.registry import restored

FORMULA = CNF(3, [(1, 2), (2, 1), (-1, 3), (-2, -3, -3)])
WRITABLE = [reduction for reduction in REDUCTIONS.values() if not isinstance(reduction, BinaryCode)] + [
    ThreeSat(norm=1)
]


def holds(text, x, y):
    """Whether inputs and outputs meet a VNN-LIB text of bounds."""
    values = {f"X_{i}": value for i, value in enumerate(x)} | {f"Y_{j}": value for j, value in enumerate(y)}
    bounds = re.findall(r"^\(assert \((<=|>=) ([XY]_\d+) (-?[0-9.]+)\)\)$", text, re.MULTILINE)
    declared = re.findall(r"^\(declare-const ([XY]_\d+) Real\)$", text, re.MULTILINE)
    assert declared == list(values)
    assert len(bounds) == 2 * len(values) == len(text.splitlines()) - 1 - len(values)
    return all(
        values[name] <= float(bound) if sign == "<=" else values[name] >= float(bound) for sign, name, bound in bounds
    )


@pytest.mark.parametrize("reduction", WRITABLE, ids=str)
def test_files_of_an_instance(reduction, tmp_path):
    instance = reduction.reduce(FORMULA)
    manifest = write_instance(instance, tmp_path / "out", verdict="sat", seed=3)
    folder = tmp_path / "out"
    assert manifest == json.loads((folder / "manifest.json").read_text())
    normal = "p cnf 3 3\n1 2 0\n-1 3 0\n-2 -3 0\n"
    assert manifest["source_sha256"] == hashlib.sha256(normal.encode()).hexdigest()
    assert (manifest["reduction"], manifest["verdict"], manifest["seed"]) == (reduction.name, "sat", 3)
    assert tuple(manifest["sizes"]) == instance.network.sizes
    assert CNF.from_dimacs(folder / "source.cnf", strict=True) == FORMULA
    assert (np.load(folder / "observation.npy") == instance.observation).all()
    for name in ("network.onnx", "network.npz"):
        for read, layer in zip(pr.load_network(folder / name), instance.network, strict=True):
            assert (read.weight == layer.weight).all()
            assert (read.bias == layer.bias).all()
            assert read.slope == layer.slope
    onnx.checker.check_model(str(folder / "network.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(folder / "network.onnx")
    text = (folder / "property.vnnlib").read_text()
    points = np.array([[float(bool(bits >> i & 1)) for i in range(3)] for bits in range(8)])
    codes = np.column_stack((np.ones(8), points)) if reduction.name == "bias-free" else points
    outputs = session.run(None, {"z": codes})[0]
    np.testing.assert_array_equal(outputs, instance.network(codes))
    for point, code, output in zip(points, codes, outputs, strict=True):
        assert holds(text, code, output) == FORMULA.satisfied_by([value == 1.0 for value in point])


def test_property_excludes_codes_outside_the_box():
    instance = ThreeSat().reduce(CNF(1, [(1,)]))
    text = vnnlib(instance)
    assert not holds(text, [7.0], instance.network([7.0]))
    assert holds(text, [1.0], instance.network([1.0]))


def test_graphs_are_written_with_their_weights(tmp_path):
    graph = nx.Graph([("a", "b"), ("b", "c")])
    graph.edges["b", "c"]["weight"] = 5
    manifest = write_instance(MaxCut(6).reduce(graph), tmp_path, verdict="sat")
    assert (tmp_path / "source.edges").read_text() == "p edge 3 2\ne 1 2 1\ne 2 3 5\n"
    assert manifest["source"] == "source.edges"


def test_what_cannot_be_said_is_refused(tmp_path):
    for instance, message in (
        (BinaryCode().reduce(FORMULA), "no binary inputs"),
        (ConvexityFamily().reduce(FORMULA), "no gap"),
    ):
        with pytest.raises(pr.InputError, match=message):
            write_instance(instance, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    instance = ThreeSat().reduce(FORMULA)
    with pytest.raises(pr.InputError, match="verdict must be"):
        write_instance(instance, tmp_path / "out", verdict="maybe")
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "none" / "out"):
        with pytest.raises(pr.InputError, match="cannot make the folder"):
            write_instance(instance, folder)


def test_an_infinite_box_is_refused():
    net = pr.Network.from_arrays([[[1.0, 1.0]]])
    for box in (pr.Box.everything(2), pr.Box([0.0, 0.0], [1.0, np.inf])):
        with pytest.raises(pr.InputError, match="mine: readers of VNN-LIB need both bounds of every input"):
            vnnlib(Instance(net, [1.0], box, None, 0.5, "inf", "mine"))


@pytest.mark.parametrize("failing", ["property.vnnlib", "manifest.json"])
def test_writing_over_an_instance_that_ends_in_the_middle_leaves_no_manifest(tmp_path, monkeypatch, failing):
    def replace(draft, target):
        if target.name == failing:
            raise KeyboardInterrupt
        return moved(draft, target)

    moved = Path.replace

    write_instance(Coloring(3).reduce(nx.complete_graph(4)), tmp_path, verdict="unsat")
    (tmp_path / "proof.drup").write_text("0\n")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            write_instance(ThreeSat().reduce(FORMULA), tmp_path, verdict="sat")
    names = {path.name for path in tmp_path.iterdir()}
    assert not names & {"manifest.json", "source.edges", "proof.drup"}
    write_instance(ThreeSat().reduce(FORMULA), tmp_path, verdict="sat")
    assert {path.name for path in tmp_path.iterdir()} == {
        "network.onnx", "network.npz", "observation.npy", "property.vnnlib", "source.cnf", "manifest.json"
    }  # fmt: skip


def test_what_a_killed_writer_left_is_removed(tmp_path):
    left, other = tmp_path / ".network.npz.a0eaf0c0", tmp_path / ".network.npz.backup"
    for path in (left, other):
        path.write_bytes(b"half")
    write_instance(DepthTwo().reduce(CNF(1, [(1,)])), tmp_path)
    assert not left.exists()
    assert other.read_bytes() == b"half"


def test_seeds_are_whole_numbers(tmp_path):
    instance = DepthTwo().reduce(FORMULA)
    assert write_instance(instance, tmp_path / "a", seed=np.int64(7))["seed"] == 7
    with pytest.raises(pr.InputError, match=r"seed must be an integer, at least 0, got 1\.5"):
        write_instance(instance, tmp_path / "b", seed=1.5)
    assert not (tmp_path / "b").exists()
    found = write_suite(tmp_path / "c", [DepthTwo()], n_variables=(np.int64(3),), seed=np.int64(1))
    assert json.loads((tmp_path / "c" / "suite.json").read_text()) == found


REDUCED = [
    *((reduction, FORMULA) for reduction in REDUCTIONS.values()),
    (ThreeSat(norm=1), FORMULA),
    (LeakyDepthTwo(np.float32(0.1)), FORMULA),
    (MaxSat(weights=(3, 1, 0.5, 2)), FORMULA),
    (ConvexityFamily("empty", LeakyDepthTwo(0.1)), FORMULA),
    (Coloring(np.int8(3), via=DepthTwo("one")), nx.path_graph(2)),
    (MaxCut(np.uint8(1)), nx.path_graph(2)),
]


@pytest.mark.parametrize(("reduction", "source"), REDUCED, ids=lambda value: str(value)[:50])
def test_parameters_come_back_from_json(reduction, source):
    parameters = parameters_of(reduction)
    assert json.loads(json.dumps(parameters)) == parameters
    assert reduction.reduce(source).parameters == (parameters if parameters else {})
    if isinstance(source, CNF):
        assert restored(reduction.name, parameters) == reduction


def test_a_suite_that_cannot_be_written_whole_is_refused_before_the_first_file(tmp_path):
    for chosen, sizes, said in (
        ([ThreeSat(), ThreeSat(norm=1)], (3,), "the reduction three-sat is given twice"),
        ([DepthTwo()], (3, 3), "the size 3 is given twice"),
        ([DepthTwo(), BinaryCode()], (3,), "no binary inputs"),
        ([DepthTwo(), ConvexityFamily()], (3,), "no gap"),
        ([DepthTwo(), MaxSat(weights=(1, 2))], (3,), "got 2 weights for 1 clauses"),
        ([DepthTwo(), MaxCut(1)], (3,), r"expected an undirected networkx\.Graph"),
    ):
        with pytest.raises(pr.InputError, match=said):
            write_suite(tmp_path / "suite", chosen, n_variables=sizes)
    assert not (tmp_path / "suite").exists()


def test_suite(tmp_path):
    chosen = [REDUCTIONS["three-sat"], REDUCTIONS["box"]]
    found = write_suite(tmp_path / "suite", chosen, n_variables=(3, 6), repeats=2, seed=7)
    assert found == json.loads((tmp_path / "suite" / "suite.json").read_text())
    assert len(found) == 2 * 2 * 2 * 2
    assert len({entry["source_sha256"] for entry in found}) == 8
    for entry in found:
        folder = tmp_path / "suite" / entry["folder"]
        cnf = CNF.from_dimacs(folder / "source.cnf", strict=True)
        assert (next(models(cnf), None) is not None) == (entry["verdict"] == "sat")
        proof = folder / "proof.drup"
        assert proof.exists() == (entry["verdict"] == "unsat")
        if proof.exists():
            assert check_proof(cnf, proof.read_text().splitlines())
    with pytest.raises(pr.InputError, match="need 3 variables or more, got 2"):
        write_suite(tmp_path, chosen, n_variables=(2,))
