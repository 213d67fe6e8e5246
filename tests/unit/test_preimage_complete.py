"""What a pre-image says of itself is true, also where numbers are at the size of tolerances."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest

import pyomo_relu as pr
from pyomo_relu.certified import decide_cell
from pyomo_relu.linear_program import LinearProgram
from pyomo_relu.preimages import iterate_cells
from pyomo_relu.preimages.polytope import polytope_of
from pyomo_relu.solvers.linear_session import dual_bound

PLACE = Path(__file__).parents[2] / "benchmarks" / "completeness.py"
SPEC = importlib.util.spec_from_file_location("completeness", PLACE)
completeness = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(completeness)

INFINITE = np.full(1, np.inf)


def drawn(seed, sizes=(2, 5, 3)):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(m, n)) for n, m in itertools.pairwise(sizes)]
    return pr.Network.from_arrays(weights, [rng.normal(size=m) for m in sizes[1:]]), rng.uniform(-1.0, 1.0, sizes[0])


@pytest.mark.parametrize("seed", [198, 573, 609, 4104, 4130])
def test_outputs_at_zero_lose_no_code(seed):
    """The chord of an output whose bound is 1e-9 has coefficients at the size of what an LP drops."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(5, 2)), rng.normal(size=(3, 5))]
    net = pr.Network.from_arrays(weights, [rng.normal(size=5), rng.normal(size=3)])
    truth = rng.uniform(-1.0, 1.0, 2)
    found = pr.preimage(net, net(truth), (-2, 2))
    assert found.complete
    assert found.contains(truth)


@pytest.mark.parametrize("kind", completeness.KINDS)
@pytest.mark.parametrize("shape", ["2-5-3", "2-4-3, leaky"])
def test_claims_are_those_of_a_brute_force(shape, kind):
    for tol, seed in ((0.0, 1), (0.1, 2)):
        said, verdicts, _ = completeness.trial(shape, kind, tol, seed)
        assert said["complete"]
        assert [name for name, is_true in verdicts if not is_true] == []


def test_what_moves_an_output_by_less_than_a_chord_of_dust_is_kept():
    """All pre-activations but one are at zero for the truth, and the other output hangs on next to nothing."""
    net = pr.Network.from_arrays([np.eye(2), [[1.0, 1e-10], [-1.0, 0.0]]], [[0.0, 0.0], [0.0, 1.0]], slopes=0.0)
    found = pr.preimage(net, net([1.0, 0.5]), (-2, 2))
    assert found.complete
    assert found.contains([1.0, 0.5])


def test_cells_that_are_nearly_apart_are_not_counted():
    absolute = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])
    near = pr.preimage(absolute, [5e-7], (-1, 1))
    assert (near.complete, near.n_components, near.unique) == (True, None, None)
    apart = pr.preimage(absolute, [5e-4], (-1, 1))
    assert (apart.n_components, apart.convex, apart.unique) == (2, False, False)


def test_a_needle_is_no_single_code():
    """Two outputs that are nearly parallel meet in a point; rounding leaves codes far from it."""
    net = pr.Network.from_arrays([[[1.0, 0.0], [1.0, 1e-7]]], slopes=1.0)
    assert pr.preimage(net, [0.0, 0.0], (-2, 2)).unique is not True
    sharp = pr.Network.from_arrays([[[1.0, 0.0], [1.0, 1.0]]], slopes=1.0)
    assert pr.preimage(sharp, [0.0, 0.0], (-2, 2)).unique is True


def test_no_cell_is_empty_in_fractions():
    for seed in range(6):
        net, truth = drawn(seed)
        x = net(truth)
        cells = list(iterate_cells(net, x, (-2, 2)))
        assert cells
        for cell in cells:
            assert not decide_cell(net, x, cell.pattern, (-2, 2), tol=2e-9 * max(1.0, np.abs(x).max())).is_empty


def test_a_pre_image_that_nothing_bounds_is_complete():
    minimum = pr.Network.from_arrays([[[1, 0], [-1, 0], [1, -1]], [[1, -1, -1]]])
    found = pr.preimage(minimum, [0.0])
    assert (found.complete, found.n_components, found.convex) == (True, 1, False)
    for far in ([-50.0, 3.0], [2.0, -1e3], [-1e3, -1e3]):
        assert found.contains(far) == (minimum(far)[0] == 0.0)


def test_multipliers_prove_what_they_prove_and_no_more():
    program = LinearProgram(np.array([[1.0]]), np.array([2.0]), INFINITE, -INFINITE, np.ones(1))
    assert program.maximum(np.ones(1))[0] == -np.inf
    assert program.refuted()
    assert not program.refuted(rows=(np.array([1.0]), INFINITE))
    # HiGHS is right within its tolerance, and the row can be met all the same.
    tight = LinearProgram(np.array([[1.0]]), np.ones(1), INFINITE, -INFINITE, np.ones(1))
    assert tight.maximum(np.ones(1))[0] == pytest.approx(1.0)
    assert 1.0 <= tight.ceiling(np.ones(1)) <= 1.0 + 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_any_multipliers_give_a_bound(seed):
    rng = np.random.default_rng(seed)
    matrix, point = rng.normal(size=(6, 4)), rng.uniform(-1.0, 1.0, 4)
    rows = matrix @ point - rng.exponential(size=6), matrix @ point + rng.exponential(size=6)
    columns = point - rng.exponential(size=4), point + rng.exponential(size=4)
    cost = rng.normal(size=4)
    for duals in rng.normal(size=(20, 6)) * 10.0 ** rng.integers(-8, 8, (20, 1)):
        assert dual_bound(matrix.T, rows, columns, cost, duals) <= cost @ point
        assert dual_bound(matrix.T, rows, columns, np.zeros(4), duals) <= 0.0


def test_a_polytope_of_which_a_point_is_known_has_a_range():
    """Its point may miss a row by the tolerance: an LP without it would be infeasible, and its maximum -inf."""
    rows = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    thin = polytope_of(np.array([[1.0, 1.0]]), np.array([5e-8]), rows, np.array([0.0, 0.0, 0.0, 1.0]))
    assert thin is not None
    assert np.isfinite([thin.maximum(row) for row in rows]).all()


def test_all_stages_share_the_seconds_of_a_call():
    net, truth = drawn(0, (3, 10, 4))
    found = pr.preimage(net, net(truth), (-2, 2), 0.1, seconds=60.0)
    assert found.complete
    assert found.limit + found.seconds == pytest.approx(60.0)
