"""``solvers``: what runs here."""

from __future__ import annotations

from command_line import Run

from pyomo_relu.solvers import BACKENDS


def test_solvers_lists_every_backend(run: Run) -> None:
    ran = run("solvers")
    assert (ran.code, ran.err) == (0, "")
    for name, backend in BACKENDS.items():
        (line,) = (line for line in ran.out.splitlines() if line.startswith(f"│ {name} "))
        assert backend.install in line
        assert all(str(capability) in line for capability in backend.supports)
        assert ("│ yes" in line) or ("│ no: " in line)


def test_solvers_as_json(run: Run) -> None:
    found = {solver["name"]: solver for solver in run("solvers", "--json").json}
    assert list(found) == list(BACKENDS)
    assert found["highs"]["runs"] is True
    assert found["highs"]["supports"] == ["LP", "MILP"]
    assert found["scip"]["version"]
    assert all(solver["runs"] or solver["reason"] for solver in found.values())
