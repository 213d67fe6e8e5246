"""``preimage``: all codes of one observation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import Run, refused
from scripted_solver import Solve

from pyomo_relu.network import Network


@pytest.fixture
def diamond(folder: Path) -> Path:
    """A network whose pre-image of 1 is the boundary of the l1 ball."""
    Network.from_arrays([[[1, 0], [0, 1], [-1, 0], [0, -1]], [[1, 1, 1, 1]]]).save("diamond.npz")
    Path("one.json").write_text("[1]")
    return folder


def test_it_tells_cells_components_and_convexity(run: Run, diamond: Path) -> None:
    ran = run("preimage", "diamond.npz", "one.json", "--box", "-2", "2")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.split() == ["cells", "4", "components", "1", "dimension", "1", "convex", "no", "unique", "no"]
    facts = run("preimage", "diamond.npz", "one.json", "--json").json
    assert (facts["complete"], facts["n_components"], len(facts["cells"])) == (True, 1, 4)
    assert {cell["dimension"] for cell in facts["cells"]} == {1}


def test_limits_are_an_exit_code(run: Run, diamond: Path) -> None:
    ran = run("preimage", "diamond.npz", "one.json", "--max-cells", "2")
    assert ran.code == 1
    assert "not complete: limit" in ran.out
    assert "of these cells" in ran.out
    assert "at least 1" in ran.out
    ran = run("preimage", "diamond.npz", "one.json", "--time-limit", "1e-9")
    assert (ran.code, "empty" in ran.out) == (1, False)


def test_it_draws(run: Run, diamond: Path) -> None:
    pytest.importorskip("matplotlib")
    assert run("preimage", "diamond.npz", "one.json", "--box", "-2", "2", "--plot", "x.png").code == 0
    assert Path("x.png").read_bytes().startswith(b"\x89PNG")


def test_bad_input_is_refused(run: Run, diamond: Path) -> None:
    refused(run("preimage", "diamond.npz", "one.json", "--plot", "x.png"), "--box must be given, and bounded")
    refused(run("preimage", "net.npz", "x.npy", "--box", "-2", "2", "--plot", "x.png"), "only pre-images with 2 inputs")
    refused(run("preimage", "diamond.npz", "one.json", "--tol", "-1"), "--tol must be a non-negative number")
    refused(run("preimage", "diamond.npz", "x.npy"), "observation has 30 entries, expected 1")


def test_check_tells_a_proof_from_none(run: Run, diamond: Path) -> None:
    from pyomo_relu.certified.tree import prove_bound
    from pyomo_relu.network import load_network

    proof = prove_bound(load_network("diamond.npz"), [-1.0], 1.0, (-2, 2), code=[0.0, 0.0])
    proof.save("proof.json")
    ran = run("check", "proof.json", "--network", "diamond.npz")
    assert (ran.code, ran.err) == (0, "")
    assert "proved: ||G(z) - x||_inf >= 1.0 for every code in the box" in ran.out
    facts = {"norm": "inf", "bound": 1.0, "residual": 1.0, "box": [[-2.0, -2.0], [2.0, 2.0]], "leaves": 1}
    assert run("check", "proof.json", "--json").json == facts
    assert "every code in the box [-2.0, 2.0]^2" in ran.out
    refused(run("check", "proof.json", "--network", "net.npz"), "about another network")
    refused(run("check", "proof.json", "--observation", "one.json"), "about another observation")
    Path("proof.json").write_text(Path("proof.json").read_text().replace('"bound": 1.0', '"bound": 1.5'))
    ran = run("check", "proof.json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("rejected: ")
    refused(run("check", "x.npy"), "not JSON")
    refused(run("check", "none.json"), "no such file")


def test_what_was_proved_can_be_checked(run: Run, diamond: Path) -> None:
    Path("far.json").write_text("[-1.5]")
    ran = run("prove", "diamond.npz", "far.json", "--box", "-2", "2", "--out", "p.json", "--program", "p.lp")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("proved: residual >= 1.49999")
    checked = run("check", "p.json", "--network", "diamond.npz", "--observation", "far.json", "--json")
    assert checked.code == 0
    assert checked.json["residual"] == 1.5
    assert Path("p.lp").read_text().startswith("minimize\n e\n")
    facts = run("prove", "diamond.npz", "far.json", "--box", "-2", "2", "--norm", "1", "--bound", "1.5", "--json").json
    assert (facts["status"], facts["bound"]) == ("optimal", 1.5)


def test_what_is_false_or_met_is_not_proved(run: Run, diamond: Path) -> None:
    ran = run("prove", "diamond.npz", "one.json", "--box", "-2", "2", "--out", "p.json")
    assert ran.code == 1
    assert ran.err.startswith("there is nothing to prove")
    ran = run("prove", "diamond.npz", "one.json", "--box", "-2", "2", "--bound", "0.5", "--out", "p.json")
    assert (ran.code, ran.out.strip()) == (1, "not proved: solved")
    assert not Path("p.json").exists()
    refused(run("prove", "diamond.npz", "one.json", "--box", "-2", "2", "--norm", "2"), "--norm must be 'inf' or 1")
    refused(run("prove", "diamond.npz", "one.json", "--box", "-2", "2", "--out", "p.npz"), "unknown suffix")
    refused(run("prove", "diamond.npz", "one.json", "--box", "-2", "2", "--bound", "-1"), "--bound must be a positive")


def test_what_no_proof_takes_is_refused_before_the_inversion(run: Run, folder: Path, scripted: Any) -> None:
    calls = scripted(Solve.honestly, by="highs", name="highs")  # which the inversion calls first
    refused(run("prove", "net.npz", "noisy.csv", "--box", "-inf", "inf"), "--box must be given, and bounded")
    assert calls == []
