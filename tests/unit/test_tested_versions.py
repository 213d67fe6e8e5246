"""``constraints.txt``: one version of everything that README's commands and the tools install, on every Python."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines()]
PYTHONS = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))


def wanted(extras):
    """Return what the project and these extras of it ask for, the extras that they name included."""
    found = [Requirement(text) for text in PROJECT["dependencies"]]
    for extra in extras:
        for requirement in map(Requirement, PROJECT["optional-dependencies"][extra]):
            found += wanted(requirement.extras) if requirement.name == PROJECT["name"] else [requirement]
    return found


@pytest.mark.parametrize("python", PYTHONS)
def test_each_dependency_has_one_version_within_its_range(python):
    here = {"python_version": python, "python_full_version": f"{python}.9"}
    pins = {}
    for pin in PINS:
        if pin.marker is None or pin.marker.evaluate(here):
            assert pins.setdefault(pin.name, pin) is pin
    for requirement in wanted(["test", "dev", "docs", "cbc"]):
        (version,) = pins[canonicalize_name(requirement.name)].specifier
        assert version.operator == "=="
        assert requirement.specifier.contains(version.version, prereleases=True), (requirement, version)


def test_the_oldest_python_is_the_first_that_is_named():
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"


def test_what_the_first_command_installs_is_small():
    assert "cbcbox" not in {requirement.name for requirement in wanted(["all", "test"])}
