"""Pictures of the named examples; what is said of their pre-images is checked in tests/unit/test_preimage.py."""

import subprocess
import sys

import pytest

import pyomo_relu as pr
from reductions.examples import EXAMPLES, draw_preimage_2d


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_pictures(tmp_path, suffix):
    pytest.importorskip("matplotlib")
    target = tmp_path / f"ball{suffix}"
    draw_preimage_2d(EXAMPLES["ball"], target)
    assert target.stat().st_size > 5000
    with pytest.raises(pr.InputError, match="cannot draw"):
        draw_preimage_2d(EXAMPLES["ball"], tmp_path / "ball.gif")
    with pytest.raises(pr.InputError, match="2 inputs"):
        draw_preimage_2d(EXAMPLES["sphere-3d"], target)


def test_importing_it_loads_neither_z3_nor_matplotlib():
    loaded = "print('z3' in sys.modules, 'matplotlib' in sys.modules)"
    code = f"import sys, reductions.convexity, reductions.examples; {loaded}"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "False"]
