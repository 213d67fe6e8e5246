"""The documentation as text: complete and consistent, without Sphinx. The site itself is built by .ci/run."""

import ast
import doctest
import importlib
import inspect
import json
import re
import sys
import types
from pathlib import Path

import pytest

import pyomo_relu

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACKAGES = (
    "pyomo_relu",
    "pyomo_relu.bounds",
    "pyomo_relu.experiments",
    "pyomo_relu.formulations",
    "pyomo_relu.inversion",
    "pyomo_relu.certified",
    "pyomo_relu.preimages",
    "pyomo_relu.solvers",
    "reductions",
)
SOURCES = [*(ROOT / "pyomo_relu").rglob("*.py"), *(ROOT / "reductions").rglob("*.py")]


def equations():
    return re.findall(r"^\$\$ \(M(\d+)\)$", (DOCS / "mathematics.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_reference_has_every_public_name(package):
    pages = "\n".join(page.read_text() for page in (DOCS / "api").glob("*.md"))
    listed = re.findall(r"^(?:   |.. py:data:: )(\w+)$", pages, re.MULTILINE)
    missing = set(importlib.import_module(package).__all__) - set(listed)
    assert not missing


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_class_and_function_tells_its_parameters_and_has_an_example(package):
    module = importlib.import_module(package)
    parts = {name: getattr(module, name) for name in module.__all__}
    documented = {
        name: inspect.getdoc(part) for name, part in parts.items() if inspect.isroutine(part) or inspect.isclass(part)
    }
    takes = {
        name for name in documented if inspect.isroutine(parts[name]) and inspect.signature(parts[name]).parameters
    }
    assert documented
    assert [name for name, text in documented.items() if ">>>" not in text] == []
    assert [name for name in takes if "Parameters\n----" not in documented[name]] == []


def test_equations_are_numbered_in_order():
    assert equations() == [str(i) for i in range(1, len(equations()) + 1)]
    assert len(equations()) > 10


def test_cited_equations_exist():
    cited = {
        number
        for path in (*SOURCES, *DOCS.rglob("*.md"), *DOCS.rglob("gallery/*.py"))
        for number in re.findall(r"[(`]M(\d+)[)`]", path.read_text())
    }
    assert cited
    assert cited <= set(equations())


def test_the_version_of_the_citation_is_the_packages():
    assert f"\nversion: {pyomo_relu.__version__}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.parametrize("notebook", sorted((DOCS / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_have_the_words_and_the_code_of_their_scripts(notebook):
    cells = json.loads(notebook.read_text())["cells"]
    words, code = (["".join(c["source"]) for c in cells if c["cell_type"] == kind] for kind in ("markdown", "code"))
    written = (DOCS / "gallery" / f"{notebook.stem}.py").read_text()
    script = ast.parse(written)
    texts = re.findall(r"^# %% \[markdown\]\n((?:# .*\n)+)", written, re.MULTILINE)
    assert words == [ast.get_docstring(script), *(text[2:-1].replace("\n# ", "\n") for text in texts)]
    assert ast.dump(ast.parse("\n".join(code))) == ast.dump(ast.Module(script.body[1:], []))


def test_the_gallery_lists_every_script():
    listed = re.findall(r'^    "(plot_\w+)",$', (DOCS / "conf.py").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in (DOCS / "gallery").glob("*.py"))


@pytest.mark.parametrize("page", sorted((DOCS / "howto").glob("[!i]*.md")), ids=lambda page: page.stem)
def test_the_file_that_a_how_to_adds_works_as_it_stands(page, monkeypatch):
    """The file is the first block of Python on the page; its examples are run where there are any."""
    code = re.findall(r"^```python\n(\"\"\".*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)[0]
    module = types.ModuleType(f"how_to_{page.stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look their module up
    exec(compile(code, str(page), "exec"), module.__dict__)
    ran = doctest.testmod(module)
    assert (ran.failed, ran.attempted > 0) == (0, ">>>" in code)
