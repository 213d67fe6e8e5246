"""Rank: against elimination in rational numbers, near dependence, and far from 1."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyomo_relu as pr
from pyomo_relu.rank import has_full_column_rank, rank_of, singular_values


def exact_rank(matrix: list[list[int]]) -> int:
    rows, rank = [[Fraction(entry) for entry in row] for row in matrix], 0
    for column in range(len(rows[0])):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for i in range(rank + 1, len(rows)):
            factor = rows[i][column] / rows[rank][column]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[rank], strict=True)]
        rank += 1
    return rank


@given(st.tuples(st.integers(1, 6), st.integers(1, 4)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(-2, 2), min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
    )
))  # fmt: skip
def test_ranks_are_those_of_exact_elimination(rows: list[list[int]]) -> None:
    matrix, rank = np.array(rows, dtype=np.float64), exact_rank(rows)
    assert rank_of(singular_values(matrix), matrix.shape) == rank
    assert has_full_column_rank(matrix) == (rank == matrix.shape[1])


@pytest.mark.parametrize(("smallest", "full"), [(1e-3, True), (1e-5, True), (1e-16, False), (0.0, False)])
def test_nearly_dependent_columns_are_not_proved_independent(smallest: float, full: bool) -> None:
    rng = np.random.default_rng(0)
    left, right = np.linalg.qr(rng.normal(size=(30, 8)))[0], np.linalg.qr(rng.normal(size=(8, 8)))[0]
    matrix = left @ np.diag([1.0] * 7 + [smallest]) @ right
    assert has_full_column_rank(matrix) is full


@pytest.mark.parametrize("exponent", [-1074, -538, -400, 0, 400, 600, 1000])
def test_what_is_dependent_is_never_proved_independent_however_large_or_small(exponent: int) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        column = rng.integers(-5, 6, 4).astype(float)
        assert not has_full_column_rank(np.ldexp(np.outer(column, [1.0, 3.0]), exponent))
        assert not has_full_column_rank(np.ldexp(np.outer(column, [1.0, 2.0**-400]), exponent))
    assert has_full_column_rank(np.ldexp(np.eye(4, 3), exponent))
    assert not has_full_column_rank(np.full((3, 1), np.inf))


def test_no_rows_have_no_rank() -> None:
    none = np.zeros((0, 3))
    assert rank_of(singular_values(none), none.shape) == 0
    assert not has_full_column_rank(none)


def test_the_report_of_a_linear_solve_is_that_of_its_active_rows() -> None:
    rng = np.random.default_rng(1)
    layer = pr.Layer(rng.normal(size=(50, 10)))
    x = layer(rng.normal(size=10))
    report = pr.invert_layer(layer, x, pr.LinearSolve()).layers[0]
    rows = layer.weight[x > 0.0]
    assert (report.active, report.rank, report.unique) == (len(rows), 10, True)
    smallest = np.linalg.svd(rows, compute_uv=False)[-1]
    assert report.recovery_factor == pytest.approx(np.sqrt(len(rows)) / smallest, rel=1e-12)


def test_rows_that_repeat_each_other_do_not_determine_the_code() -> None:
    layer = pr.Layer(np.vstack([np.eye(3)[:2]] * 4))
    result = pr.invert_layer(layer, layer(np.ones(3)), pr.LinearSolve())
    assert result.status is pr.Status.RANK_DEFICIENT
    assert result.message == "layer 1: 8 active rows of rank 2 for 3 unknowns"
    assert result.layers[0].recovery_factor is None
