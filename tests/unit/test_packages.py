"""The two packages as they are imported: light, complete, and told to type checkers as they are."""

import ast
import importlib
import importlib.metadata
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import pyomo_relu
import reductions

PACKAGES = (pyomo_relu, reductions)
HEAVY = (
    "numpy", "scipy", "pyomo", "highspy", "pyscipopt", "gurobipy", "networkx", "matplotlib", "threadpoolctl",
    "typer", "rich", "onnx", "torch", "sklearn", "distributed", "pysat", "z3",
)  # fmt: skip


def python(code):
    """Run code in a fresh interpreter and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def stub(package):
    return ast.parse(Path(package.__file__).with_suffix(".pyi").read_text())


def test_importing_the_packages_loads_nothing_heavy():
    loaded = python("import sys, pyomo_relu, reductions; print(*sys.modules)").split()
    assert "pyomo_relu" in loaded
    assert not {name.partition(".")[0] for name in loaded}.intersection(HEAVY)


PYOMO = ("pyomo.environ", "pyomo.contrib.solver.common.factory", "pyomo.opt")


@pytest.mark.parametrize("factory", PYOMO)
@pytest.mark.parametrize("first", ["import pyomo_relu", "import {pyomo}", "import pyomo_relu.solvers"])
def test_pyomo_knows_the_solvers_in_whichever_order_both_are_imported(factory, first):
    said = python(
        f"{first.format(pyomo=factory)}\nimport {factory}, pyomo_relu, sys, pyomo.environ\n"
        f"from {factory} import SolverFactory\n"
        "print('highspy' in sys.modules)\n"
        "for name in ('pyomo_relu_highs', 'pyomo_relu_scip'):\n"
        "    print(bool(SolverFactory(name).available()), name in list(SolverFactory))\n"
    )
    assert said.split()[1:] == ["True"] * 4
    assert first == "import pyomo_relu.solvers" or said.startswith("False")


def test_a_network_needs_numpy_and_no_solver():
    loaded = python("import sys, pyomo_relu as pr; pr.Network.random((2, 3), seed=0); print(*sys.modules)").split()
    assert "numpy" in loaded
    assert not {"pyomo", "highspy", "pyscipopt", "matplotlib"}.intersection(loaded)


def test_a_result_needs_no_solver():
    loaded = python("import sys, pyomo_relu as pr; pr.Result, pr.Certificate; print(*sys.modules)").split()
    assert not {"pyomo", "highspy", "pyscipopt", "matplotlib"}.intersection(loaded)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_stub_tells_where_each_name_comes_from(package):
    told = {
        alias.name: f"{package.__name__}.{statement.module}"
        for statement in stub(package).body
        if isinstance(statement, ast.ImportFrom) and statement.module is not None
        for alias in statement.names
    }
    assert sorted(told) == package.__all__
    for name, module in told.items():
        assert getattr(package, name) is getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_stub_lists_the_public_names(package):
    lists = [
        ast.literal_eval(statement.value)
        for statement in stub(package).body
        if isinstance(statement, ast.Assign) and statement.targets[0].id == "__all__"
    ]
    assert [sorted(names) for names in lists] == [package.__all__]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_listed_imported_and_documented(package):
    scope = {}
    exec(f"from {package.__name__} import *", scope)
    for name in package.__all__:
        assert name in dir(package)
        assert scope[name] is getattr(package, name)
    documented = [name for name in package.__all__ if callable(scope[name])]
    assert all(scope[name].__doc__ for name in documented)


def test_a_function_goes_before_the_module_of_its_name():
    code = """
        import pyomo_relu.certified.tree, reductions.obfuscate
        print(pyomo_relu.preimage.__name__, type(pyomo_relu.preimage).__name__)
        import reductions
        first = reductions.obfuscate, reductions.decide
        import reductions.decide
        assert (reductions.obfuscate, reductions.decide) == first
        print(*(type(name).__name__ for name in first))
        import pyomo_relu as pr
        print(pr.solvers.BACKENDS["highs"].name, pr.bounds.__name__)
    """
    assert python(textwrap.dedent(code)).splitlines() == [
        "preimage function",
        "function function",
        "highs pyomo_relu.bounds",
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(package):
    assert not hasattr(package, "nonsense")
    with pytest.raises(ImportError, match="nonsense"):
        exec(f"from {package.__name__} import nonsense", {})


def test_a_public_name_may_be_replaced(monkeypatch):
    monkeypatch.setattr(pyomo_relu, "invert", None)
    assert pyomo_relu.invert is None


@pytest.mark.parametrize(("package", "command"), [("pyomo_relu", "pyomo-relu"), ("reductions", "relu-reductions")])
def test_python_m_runs_the_command(package, command):
    done = subprocess.run([sys.executable, "-m", package, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{command} {pyomo_relu.__version__}"


def test_the_version_has_one_place():
    assert importlib.metadata.version("pyomo-relu") == pyomo_relu.__version__


@pytest.mark.parametrize("package", PACKAGES)
def test_the_packages_say_that_they_are_typed(package):
    assert Path(package.__file__).with_name("py.typed").is_file()
